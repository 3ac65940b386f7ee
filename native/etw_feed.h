/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_etw_feed: Windows' events on the match thread, from the sessions' rings or a recording through the join to
 * be judged.
 *
 *   session's ring ──┐ the earliest event goes first; one that another ring may still go before waits
 *   session's ring ──┴──► SN_ETW record ──► join ──► told ──► judged
 *   recording ──────────────────^
 *   ring of lines ──────► SN_LINE record ─────────────^
 */
#ifndef SN_ETW_FEED_H
#define SN_ETW_FEED_H
#include "actors.h"
#include "etw.h"
#include "etw_join.h"
#include "ring.h"
#include "sensor.h"

/* What one thread fills: a session's, or the channels'. */
struct sn_etw_lane {
	struct sn_engine *engine;
	struct sn_ring *ring;
	uint64_t patience_ns; /* how long its events wait for earlier ones of other sessions */
	/* of the thread that fills it */
	uint64_t received, filtered, lost_events, lost_buffers;
	struct sn_etw_provider_stats provider[SN_ETW_PROVIDERS];
};

struct sn_etw_source {
	struct sn_engine *engine;
	uint32_t lanes;
	struct sn_etw_lane lane[SN_ETW_LANES_MAX];
	struct sn_etw_lane lines;
};

struct sn_etw_feed {
	struct sn_actors *actors;
	struct sn_etw_names *names;
	struct sn_etw_join *join;
	struct sn_etw_source *source; /* the caller's; NULL: none. Changed while the engine does not run */
	uint32_t file;		      /* of the record that was taken last */
	uint64_t latest;	      /* time of the latest event */
	uint64_t events;	      /* since the join was made */
	char *line;		      /* SN_ETW_LINE_MAX bytes: of an event that has alerts */
};

/* 0, or -ENOMEM; what is there is the caller's to free either way. */
int sn_etw_feed__new(struct sn_etw_feed *feed);
void sn_etw_feed__free(struct sn_etw_feed *feed);
/* Nothing is known of processes and keys any more, as between two recordings. 0, or -ENOMEM. */
int sn_etw_feed__forget(struct sn_etw_feed *feed);
/* One sound record. 0; -EBADMSG: its data, or their version, cannot be read. */
int sn_etw_feed__take(struct sn_engine *engine, const struct sn_etw *etw, uint32_t file, uint64_t index);
/* An event as a JSON line without its newline, until the next one. */
const char *sn_etw_feed__line(struct sn_etw_feed *feed, const struct sn_etw_told *told, uint32_t *size);
/* What the sessions' rings have, and starts that have waited long enough: how many records. With `all` nothing waits.
 */
uint32_t sn_etw_feed__pump(struct sn_engine *engine, int all);
/* Starts that wait are judged as they are. */
void sn_etw_feed__flush(struct sn_engine *engine);
/* ms that the match thread may sleep, at most `most`. */
int sn_etw_feed__patience(const struct sn_engine *engine, int most);
#endif
