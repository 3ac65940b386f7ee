/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_engine from the inside, for engine.c (life, rules, reader), pump.c (the match thread), frame.c (alerts) and
 * the capture sources (its ring).
 *
 *   caller's thread                            match thread
 *   swap_rules: builds a struct sn_loaded ──►  pending ──► current, between two events
 *   take        ◄── alert ring ◄────────────── frames
 *   stats       ◄── counters (relaxed loads) ◄ counters (relaxed stores, one writer)
 */
#ifndef SN_ENGINE_H
#define SN_ENGINE_H
#include <stdatomic.h>

#include "actor_events.h"
#include "count.h"
#include "enrichment.h"
#include "etw_feed.h"
#include "etw_view.h"
#include "evidence.h"
#include "file_events.h"
#include "matcher.h"
#include "ndjson.h"
#include "process_table.h"
#include "proxy.h"
#include "recording.h"
#include "ring.h"
#include "rule_table.h"
#include "trace.h"
#include "users.h"
#include "values.h"
#include "view_fill.h"
#include "windows_enrichment.h"
#include "windows_facts.h"
#include "windows_view.h"

enum {
	/* histogram of match times: 2^FINE_BITS buckets for every power of two, 6 % wide */
	SN_FINE_BITS = 4,
	SN_FINE_BUCKETS = (64 - SN_FINE_BITS + 1) << SN_FINE_BITS,
};

/* A rule table and all that is made for it before it is used, so that judging allocates nothing. */
struct sn_loaded {
	struct sn_rules *rules; /* the caller's */
	uint64_t generation;
	struct sn_matcher *matcher;
	struct sn_values *values;
	struct sn_view *view;
	struct sn_ndjson *ndjson;
	struct sn_etw_view *etw;
	struct sn_actor_fields actors;
	struct sn_win_facts facts;
	struct sn_win_view *windows; /* NULL: nothing of Windows is unwound */
	struct sn_hit *hits;
	uint32_t hits_max;
};

enum sn_engine_state { SN_ENGINE_IDLE, SN_ENGINE_SWAPPING, SN_ENGINE_RUNNING };

struct sn_engine {
	struct sn_engine_options options;
	struct sn_ring *ring;
	struct sn_ring *alerts;
	struct sn_table *table;
	struct sn_evidence *evidence;
	struct sn_users *users;
	struct sn_proxies *proxies;
	struct sn_file_events files;
	struct sn_etw_feed etw;		  /* Windows' events */
	struct sn_enrichment *enrichment; /* NULL: facts of files are absent */
	struct sn_recording *recording;	  /* the caller's; NULL when nothing is recorded */

	_Atomic uint32_t state; /* enum sn_engine_state */
	_Atomic uint32_t stopping;
	_Atomic(struct sn_loaded *) pending;
	_Atomic uint32_t adopted; /* counts swaps taken over by the match thread: what swap_rules sleeps on */
	_Atomic(struct sn_table_request *) asked; /* table_request.c: for the match thread, the asker's */
	_Atomic uint32_t answered;		  /* counts those it has answered: what the asker sleeps on */
	struct sn_loaded *current;		  /* of the match thread while running, else of the caller's */
	uint64_t generation;			  /* of the last table built; the caller's */

	struct sn_explanation *explanation; /* the caller's; NULL when nothing is explained */
	uint32_t time_rules;		    /* the caller's: one judgement of so many is timed, 0 none */
	struct sn_stats stats;		    /* written by the match thread alone, but for ring and table figures */
	uint64_t *match_fine;		    /* SN_FINE_BUCKETS with options.timing, else NULL */
	uint8_t *frame;			    /* an alert in the making */
	size_t frame_max;
	_Alignas(8) uint8_t record[SN_RECORD_MAX];  /* a fed record that was not aligned */
	_Alignas(8) uint8_t process[SN_RECORD_MAX]; /* who mapped what is looked at */
};

/* What was judged, for its alerts. */
struct sn_origin {
	const void *payload;
	uint32_t payload_size;
	uint32_t payload_type;		/* enum sn_payload */
	const struct sn_header *record; /* NULL for JSON */
	uint32_t file;
	uint64_t index;
	uint64_t time;		      /* of JSON, where it is known: ns since 1970, else 0 */
	const struct sn_actor *actor; /* of JSON: who did it; NULL: not known */
};

/* pump.c */
int sn_pump__record(struct sn_engine *engine, const void *record, size_t size, uint32_t file, uint64_t index);
/* The parts of it that pump_lines.c shares. The time, where rules are timed; judges the filled event under each of its
 * routes: how many hits there are, in current->hits; their alerts. */
uint64_t sn_pump__clock_if(const struct sn_engine *engine);
uint32_t sn_pump__judge(struct sn_engine *engine, const uint32_t *route, uint32_t routes, uint64_t begin);
void sn_pump__alert(struct sn_engine *engine, const struct sn_origin *origin, const struct sn_scene *scene,
		    uint32_t hits);
/* pump_lines.c: as sn_pump__record and sn_engine__feed_json. */
int sn_pump__json(struct sn_engine *engine, const char *line, size_t size, uint32_t route, uint32_t file,
		  uint64_t index);
int sn_pump__line_record(struct sn_engine *engine, const struct sn_line *line, uint32_t file, uint64_t index);
/* Of the hits those that no other source has brought out of the same start. A replay's alert is one of an event and a
 * rule: all. */
uint32_t sn_pump__news(struct sn_engine *engine, const struct sn_win_files *files, uint32_t hits);
/* An event of Windows. */
void sn_pump__told(struct sn_engine *engine, const struct sn_etw_told *told, uint32_t file);
/* One of a trace file, which has it under `index`. */
void sn_pump__traced(struct sn_engine *engine, const struct sn_traced *traced, uint32_t file, uint64_t index);
/* Adds to the event in current->values what is known of its files, and what it was made to run. files->time, ->told and
 * perhaps ->actor are given. */
void sn_pump__see(struct sn_engine *engine, const struct sn_routes *routes, struct sn_win_files *files);
/* Judges it then: how many hits there are; what its alerts are seen with. `begin` as sn_pump__judge takes it. */
uint32_t sn_pump__values(struct sn_engine *engine, const struct sn_routes *routes, struct sn_win_files *files,
			 struct sn_scene *scene, uint64_t begin);
/* table_request.c: answers a request for the process table, if there is one. The match thread, between events. */
void sn_engine__answer(struct sn_engine *engine);
/* Judges an event again, with what is known now: how many hits there are, in current->hits. */
uint32_t sn_pump__again(struct sn_engine *engine, const struct sn_header *record, const struct sn_scene *scene);
/* Counts an event that was judged for good. */
void sn_pump__conclude(struct sn_engine *engine, uint32_t hits);
/* frame.c: an alert in engine->frame, but for what differs from rule to rule and the facts: the size, or 0 when the
 * event alone is larger than a frame can be. `proxy` may be NULL. */
size_t sn_frame__build(struct sn_engine *engine, const struct sn_origin *origin, const struct sn_proxy *proxy);
/* The event of the alert in the making, a record. */
static inline const struct sn_header *sn_frame__record(const struct sn_engine *engine)
{
	return (const struct sn_header *)(engine->frame + sizeof(struct sn_alert));
}
/* Another proxy in place of the one that is there: the frame's new size. */
size_t sn_frame__put_proxy(struct sn_engine *engine, size_t size, const struct sn_proxy *proxy);
/* Adds the facts, stages an alert for each hit; the caller publishes the ring. size 0: they are only counted. */
void sn_frame__send(struct sn_engine *engine, size_t size, const struct sn_scene *scene, const struct sn_hit *hits,
		    uint32_t count);
/* For capture sources: the ring that they write. */
struct sn_ring *sn_engine__ring(struct sn_engine *engine);
#endif
