/* SPDX-License-Identifier: Apache-2.0
 *
 * Public functions of sensor.h for what Windows delivers while it runs: sessions of ETW, and channels of the event log
 * as JSON lines. It builds everywhere: what is Windows' alone is the caller.
 *
 *   session's thread ──► lane's ring ──┐
 *   session's thread ──► lane's ring ──┼──► match thread
 *   channels' thread ──► ring of lines ┘
 */
#ifndef SN_ETW_SOURCE_H
#define SN_ETW_SOURCE_H
#include <stddef.h>
#include <stdint.h>

struct sn_engine;
struct sn_etw_source;

enum { SN_ETW_LANES_MAX = 4, SN_ETW_LANE_BYTES = 8 << 20 };

/* All uint64_t, only grow. received = filtered + recorded + dropped + oversized. */
struct sn_etw_source_stats {
	uint64_t received;     /* events that the sessions delivered, and lines that did not go into their ring */
	uint64_t filtered;     /* of providers and ids that are not in etw_layout.def */
	uint64_t recorded;     /* into a ring */
	uint64_t dropped;      /* no room in it */
	uint64_t oversized;    /* do not fit into SN_RECORD_MAX */
	uint64_t lines;	       /* into the ring of lines */
	uint64_t lost_events;  /* times that a session said among its events that it lost some; filtered as well */
	uint64_t lost_buffers; /* the same of whole buffers */
};

/* Of one provider, all uint64_t. */
struct sn_etw_provider_stats {
	uint64_t recorded, dropped, oversized;
};

/* Into `engine`, one source at most. While the engine does not run: -EBUSY. -EEXIST, -ENOMEM. */
int sn_etw_source__new(struct sn_engine *engine, struct sn_etw_source **out);
/* Before the engine is freed, when nobody calls the callback any more; while the engine does not run. */
void sn_etw_source__free(struct sn_etw_source *source);
/* EVENT_TRACE_LOGFILE.Context of one session, over its restarts: one thread at a time may call back with it. Its events
 * wait up to `patience_ms` for earlier ones of other sessions: 0 for those that matter most. While the engine does not
 * run; NULL: there are SN_ETW_LANES_MAX, or no memory. */
void *sn_etw_source__lane(struct sn_etw_source *source, uint32_t patience_ms);
/* EVENT_TRACE_LOGFILE.EventRecordCallback: takes an EVENT_RECORD. Copies what is decoded, counts all else; never waits,
 * allocates or calls Python. */
void sn_etw_event_record(void *event_record);
/* Its address. */
uintptr_t sn_etw_source__callback(void);
/* An event as one JSON object (ndjson.c), judged as sn_engine__feed_json judges it. One thread at a time. -ENOBUFS: no
 * room; -E2BIG; both counted. */
int sn_etw_source__line(struct sn_etw_source *source, const char *json, size_t size);
/* Any thread. */
void sn_etw_source__stats(const struct sn_etw_source *source, struct sn_etw_source_stats *out);
/* By number from 0, with its name; NULL beyond the end. Any thread. */
const char *sn_etw_source__provider(const struct sn_etw_source *source, uint32_t number,
				    struct sn_etw_provider_stats *out);

/* What the events came to on the match thread, all uint64_t, only grow until the engine forgets. */
struct sn_etw_decoding {
	uint64_t told;		  /* judged */
	uint64_t joined;	  /* told with others, or only to be remembered */
	uint64_t unknown_version; /* malformed, as the next */
	uint64_t broken;	  /* whose data end within a column */
	uint64_t process_unknown; /* of processes that nobody told of */
	uint64_t parent_unknown;  /* starts by such */
	uint64_t key_unknown;	  /* changes of a registry key whose path was not said */
	uint64_t forgotten;	  /* processes that lived, for want of room */
	uint64_t too_long;	  /* texts of processes, paths of keys that were not kept */
	uint64_t starts_hurried;  /* that could not wait for their other event, for want of room */
	uint64_t keys_forgotten;  /* registry keys that were open, for want of room */
	uint64_t names_refused;	  /* of drives and accounts, for want of room */
	uint64_t hosts_forgotten; /* names that hosts were looked up by, for want of room */
};
/* Any thread. */
void sn_engine__etw_decoding(const struct sn_engine *engine, struct sn_etw_decoding *out);

/* What a Windows host calls what its kernel names otherwise (etw_names.h), one thread at a time, also while the engine
 * runs: \Device\HarddiskVolume3 is C:, S-1-5-21-... is DOMAIN\name. What is set later goes before. -EINVAL, -ENOSPC. */
int sn_engine__set_path(struct sn_engine *engine, const char *from, const char *to);
int sn_engine__set_account(struct sn_engine *engine, const char *sid, const char *name);
/* A SID without a name that an event had, each once in a while, as text with its NUL: its bytes; 0 none; -ENOSPC. The
 * thread that sets. */
int64_t sn_engine__unknown_account(struct sn_engine *engine, char *buf, size_t size);
#endif
