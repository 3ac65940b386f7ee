/* SPDX-License-Identifier: Apache-2.0
 *
 * The public functions: all that Python may call. sn_object__verb, object first, -errno on failure.
 * cffi reads this file and those that sensor/_build.py names as they are: declarations only, one #include block at the
 * top. What only Linux has is in sources_linux.h.
 *
 * Threads: one capture thread (sn_capture__run), one match thread (sn_engine__run), one reader (the rest).
 * Python owns the threads; both run functions return after sn_..._stop, which any thread may call.
 */
#ifndef SN_SENSOR_H
#define SN_SENSOR_H
#include <stddef.h>
#include <stdint.h>
#include "etw_source.h"
#include "event.h"
#include "provenance.h"
#include "questions.h"

/* ---- rule table (rule_table.c) ---- */
struct sn_rules;

/* Verifies `size` bytes as a rule table and copies them. On -EINVAL `why` says what is wrong and where. */
int sn_rules__open(const void *bytes, size_t size, struct sn_rules **out, char *why, size_t why_size);
void sn_rules__close(struct sn_rules *rules);
uint32_t sn_rules__count(const struct sn_rules *rules);
uint32_t sn_rules__field_count(const struct sn_rules *rules);
/* Field number of a Sigma name in this table, UINT32_MAX when no rule uses it. */
uint32_t sn_rules__field(const struct sn_rules *rules, const char *name, size_t len);
/* Name of a field, number < sn_rules__field_count. Borrowed; need not end in NUL. */
const char *sn_rules__field_name(const struct sn_rules *rules, uint32_t number, uint32_t *len);
/* Route of a logsource; empty strings mean "not given". UINT32_MAX when no rule applies. */
uint32_t sn_rules__route(const struct sn_rules *rules, const char *product, const char *category, const char *service);

/* Case folding of rules and events, as ranges: first to last in steps of `step` fold to themselves plus `delta`. */
struct sn_fold_range {
	uint32_t first, last, step;
	int32_t delta;
};
/* NULL beyond the end (fold.c). */
const struct sn_fold_range *sn_fold__range(uint32_t number);

/* ---- engine: ring, process table, matcher, alert ring (engine.c, pump.c) ---- */
struct sn_engine;

struct sn_engine_options {
	uint64_t ring_bytes;	 /* capture to match; power of two */
	uint64_t alert_bytes;	 /* alert ring; power of two */
	uint64_t table_bytes;	 /* process table: strings */
	uint32_t table_entries;	 /* process table: processes */
	uint32_t exited_keep_ms; /* an exited process can be named for so long, if room allows */
	uint32_t lineage_max;	 /* ancestors in an alert */
	uint32_t timing;	 /* 1: keep a histogram of match times (replay, bench) */
	uint32_t facts;		 /* 1: somebody answers sn_engine__questions; 0: facts of files are absent */
	uint32_t fact_wait_ms;	 /* so long an event waits for them; 0: not at all */
	uint32_t pad;
};

/* All counters only grow. received = decoded + malformed. */
struct sn_stats {
	uint64_t received, decoded, malformed;
	uint64_t ring_dropped, ring_dropped_bytes; /* own ring full */
	uint64_t alerts, alerts_dropped;	   /* alert ring full */
	uint64_t undecidable;
	uint64_t matched_events; /* events with at least one alert */
	uint64_t judged;	 /* events that were shown to the matcher */
	uint64_t seq_lost;	 /* gaps in per-CPU sequence numbers, after late arrivals */
	uint64_t seq_late;	 /* arrived out of order */
	uint64_t by_type[16];
	uint64_t table_entries, table_bytes, table_evicted, table_exited, table_unknown_parent;
	uint64_t match_ns_sum, match_ns_max, decode_ns_sum;
	uint64_t match_hist[64]; /* with timing: events that took 2^i .. 2^(i+1)-1 ns */
	uint64_t generation;	 /* of the rule table in use */
	uint64_t recorded, recorded_bytes, record_failed;
	uint64_t candidates;   /* rules that the index brought, judged one by one */
	uint64_t regex_bounds; /* searches given up at SN_REGEX_STEPS_MAX: undecidable */
	uint64_t files_unsure; /* file records whose process, or the program that it ran then, could not be told */
	uint64_t writers_forgotten, writers_nameless; /* files that gave way to others; writes without a program */
	uint64_t questions, questions_dropped;	      /* asked of files; not asked, for want of room */
	uint64_t answers;
	uint64_t facts_known;		   /* files that something is known of now */
	uint64_t held, held_now, held_max; /* events that waited for facts; now; most at a time */
	uint64_t held_late, held_refused;  /* of them until the time was up; that did not wait for want of room */
	uint64_t alerts_again;		   /* left out: another source of Windows had told of the same start before */
	uint64_t loads_own; /* what was mapped and is no library: the program itself, or what its exec brought */
	uint64_t undecidable_dropped; /* of alerts_dropped */
};

int sn_engine__new(const struct sn_engine_options *options, struct sn_engine **out);
void sn_engine__free(struct sn_engine *engine);
/* Takes effect between two events. The engine keeps the old table until then; the caller keeps ownership of
 * `rules` until a later swap has returned. */
int sn_engine__swap_rules(struct sn_engine *engine, struct sn_rules *rules);
/* uid to name for the field User; called before the run and, under the engine's own care, while it runs. */
int sn_engine__set_user(struct sn_engine *engine, uint32_t uid, const char *name);
/* One record into the ring (snapshot, sock_diag, process connector). Single producer: not while a capture runs,
 * -ENOBUFS when full (counted). */
int sn_engine__push(struct sn_engine *engine, const void *record, size_t size);
/* One record straight through table and matcher, on the caller's thread (replay, tests, start-up snapshot); -EBUSY
 * while the engine runs. -EBADMSG: malformed (counted). */
int sn_engine__feed(struct sn_engine *engine, const void *record, size_t size, uint32_t file, uint64_t index);
/* Or'ed to a route: for lines that say nothing of their logsource. Part of UINT32_MAX. */
enum { SN_ROUTE_OTHERWISE = 1 << 30 };
/* One JSON line; `route` from sn_rules__route, or UINT32_MAX to take it from the line (channel and event id, _cat); a
 * line of sn_record__json is then fed as that record. -EBADMSG: not one JSON object (counted as malformed). */
int sn_engine__feed_json(struct sn_engine *engine, const char *line, size_t size, uint32_t route, uint32_t file,
			 uint64_t index);
/* JSON lines one after another, as sn_engine__feed_json each; empty ones are stepped over and count towards `index`.
 * Stops after a line when the alert ring is half full, so that nothing is dropped as long as the caller takes: returns
 * the bytes consumed. A last line without newline is fed too. */
int64_t sn_engine__feed_lines(struct sn_engine *engine, const char *lines, size_t size, uint32_t route, uint32_t file,
			      uint64_t *index);
/* Match thread: until sn_engine__stop. Then judges what is still in the ring and returns. */
int sn_engine__run(struct sn_engine *engine);
void sn_engine__stop(struct sn_engine *engine);
/* Waits for alerts: >0 bytes ready, 0 time-out or stopped. */
int sn_engine__wait(struct sn_engine *engine, int timeout_ms);
/* Copies whole alert frames (struct sn_alert) into buf; returns bytes copied, 0 when there is none, -ENOSPC when the
 * next one is larger than buf: half of alert_bytes is always enough. */
int64_t sn_engine__take(struct sn_engine *engine, void *buf, size_t size);
void sn_engine__stats(struct sn_engine *engine, struct sn_stats *out);
/* ns at quantile q (0..1) of the match histogram. */
uint64_t sn_engine__match_quantile(struct sn_engine *engine, double q);
/* What a rule of the table in use was judged for, since that was swapped in; counted while rules are timed. */
struct sn_rule_cost {
	uint64_t candidates; /* times that it was judged */
	uint64_t timed, ns;  /* of them, and what these took */
};

/* Times one of `every` judgements, 0 none: the default. From the thread that swaps the rules, also while another runs
 * the engine. */
void sn_engine__time_rules(struct sn_engine *engine, uint32_t every);
/* By rule number, at most `max` of them: returns how many. From the same thread. */
uint32_t sn_engine__rule_costs(struct sn_engine *engine, struct sn_rule_cost *costs, uint32_t max);

enum sn_reach {
	SN_REACH_NOT = 0,     /* no witness occurred: it was not judged */
	SN_REACH_WITNESS = 1, /* the index brought it */
	SN_REACH_ALWAYS = 2,  /* it has no witness */
	SN_REACH_UNKNOWN = 3, /* something that rules of its route read is cut or lost, so all of them were judged */
};

struct sn_explained_witness {
	uint32_t field, op; /* op: enum sn_op of rule_table.h */
	const char *text;   /* in the table */
	uint32_t len;
	uint32_t occurs;
};

/* A test, in the order of the table; `values`: how many it compares with. */
struct sn_explained_step {
	uint32_t field, op, negated;
	uint32_t truth; /* 0 no, 1 yes, 2 undecidable */
	uint32_t values;
};

struct sn_explanation {
	uint32_t rule;			/* in: which */
	uint32_t witness_max, step_max; /* in: elements that there is room for */
	uint32_t witnesses, steps;	/* how many there are; no more than there is room for are written */
	uint32_t routed;		/* 1: the event is of the rule's logsource; if not, nothing below is set */
	uint32_t reach;			/* enum sn_reach */
	uint32_t verdict;		/* 0 or enum sn_verdict; worked out in any case */
	struct sn_explained_witness *witness;
	struct sn_explained_step *step;
};

/* From now on each event that is fed is explained into `out`, the caller's until this is called with NULL. -EBUSY while
 * the engine runs, -EINVAL: no such rule in the table in use. */
int sn_engine__explain(struct sn_engine *engine, struct sn_explanation *out);
/* The process table as SN_PROCESS records, oldest first, whole records only, from `*cursor` (0 to begin; 0 again at
 * the end). Only while the engine does not run, or from the match thread. */
int64_t sn_engine__export(struct sn_engine *engine, uint64_t *cursor, void *buf, size_t size);
/* The same from any one thread at a time, also while the engine runs: the match thread copies each part between two
 * events, so a table that changes meanwhile is seen in parts of different moments (table_request.c). */
int64_t sn_engine__processes(struct sn_engine *engine, uint64_t *cursor, void *buf, size_t size);

/* ---- alert frames ---- */
enum sn_verdict { SN_MATCH = 1, SN_UNDECIDABLE = 2 };
enum sn_payload { SN_PAYLOAD_RECORD = 1, SN_PAYLOAD_JSON = 2 };
/* Whether the executed file is a proxy, as far as is known, and goes by another's name: the field RenamedProxy. */
enum sn_renamed { SN_NO_PROXY = 0, SN_NOT_RENAMED = 1, SN_IS_RENAMED = 2 };

/* Followed by: the event (event_size bytes, padded to 8), the process as SN_PROCESS record (process_size, may be 0),
 * `lineage` SN_PROCESS records, parent first, the struct sn_proxy_block, and struct sn_facts of image and payload. */
struct sn_alert {
	uint32_t size;	     /* whole frame, multiple of 8 */
	uint32_t rule;	     /* number in the table */
	uint64_t generation; /* of the table: sn_stats.generation at that time */
	uint32_t verdict;
	uint32_t cause_field; /* SN_UNDECIDABLE: the table's field number that was missing, else UINT32_MAX */
	uint32_t file;	      /* replay: number of the input file */
	uint32_t payload;     /* enum sn_payload */
	uint64_t index;	      /* of the event in its file or stream */
	uint64_t lost_total;  /* events lost on this event's CPU since the start */
	uint64_t lost_recent; /* of them within the 10 s before this event */
	uint64_t lost_any;    /* lost on all CPUs since the start */
	uint32_t event_size;
	uint32_t process_size;
	uint32_t lineage;
	uint32_t lineage_complete; /* 1: ends at a process without parent; 0: cut or unknown beyond */
	uint32_t proxy_size;	   /* of struct sn_proxy_block, may be 0 */
	uint32_t image_facts;	   /* sizes, may be 0 */
	uint32_t payload_facts;
	uint32_t renamed; /* enum sn_renamed */
	uint64_t time;	  /* of an event of Windows that a session or its recording gave: ns since 1970, else 0 */
};

/* A process of an event that came as JSON: `process_size` bytes, and `lineage` of them, parent first. Texts are
 * UTF-8; what is empty or 0 is not known. */
enum { SN_ACTOR_BLOCK_TEXTS = 4 };

struct sn_actor_block {
	uint32_t size; /* whole, multiple of 8 */
	uint32_t pid;
	uint64_t start;				   /* ns since 1970 */
	struct sn_span text[SN_ACTOR_BLOCK_TEXTS]; /* image, command line, user, working directory */
};

/* ---- alert frames as JSON lines (alert_json.c) ---- */
struct sn_alerts;

/* What alerts say beyond their frames: JSON texts, each with a newline behind it. */
struct sn_lines {
	const char *text;
	uint64_t size;
};
struct sn_alert_texts {
	struct sn_lines rules;	/* by rule number: the map; where the rule is undecidable its level is low at most */
	struct sn_lines levels; /* by rule number: the level in the map */
	struct sn_lines fields; /* by field number: the name, as a string */
	struct sn_lines files;	/* by number: names of a replay's inputs; none when live */
	const char *host;	/* live: this host's name, without newline; "" in replay */
	const char *run;	/* live: what event.id begins with, plain characters that name this run; "" in replay */
};

/* The texts are borrowed, and the names of users come from `engine`: all must outlive it. -EINVAL: the two lists of
 * rules differ in length. */
int sn_alerts__new(struct sn_engine *engine, const struct sn_alert_texts *texts, struct sn_alerts **out);
void sn_alerts__free(struct sn_alerts *alerts);
/* What to add to a record's time to get ns since the epoch. 0, as at first: not known, alerts have no time unless their
 * record counts from the epoch. */
void sn_alerts__set_clock(struct sn_alerts *alerts, int64_t boot_to_epoch_ns);
struct sn_alert_progress {
	uint64_t used;	/* bytes of frames that are written; goes up */
	uint64_t lines; /* as many lines; goes up */
};

/* Frames of one rule table from progress->used on as whole lines, as many as have room: the bytes written.
 * -ENOSPC: not even one has; -ENOMEM; -EBADMSG: not what sn_engine__take gives. Any thread, one at a time. */
int64_t sn_alerts__json(struct sn_alerts *alerts, const void *frames, size_t size, struct sn_alert_progress *progress,
			char *buf, size_t buf_size);

/* Behind the lineage, `proxy_size` bytes: what the exec was really made to run (proxy.h). The texts follow the head; of
 * `chain` and `argv` each is ended by NUL, the last perhaps not. */
struct sn_proxy_block {
	uint32_t size;	    /* whole, multiple of 8 */
	uint32_t depth;	    /* proxies in the chain; 0: it cannot be told */
	uint32_t kind;	    /* enum sn_payload_kind; 0: the payload is not known */
	uint32_t truncated; /* 1: the payload goes on beyond what is there */
	struct sn_span chain, function, argv, text, path, url, kind_name;
	struct sn_span doubt; /* of an unknown payload: the option that may take for its value what looks like it */
};

/* What one command line is made to run, through its first `limit` (at most 16) proxies, as a struct sn_proxy_block in
 * an 8-aligned buf: its size; 0: it is no proxy, or names nothing. `grammars`: the compiler's bytes, 4-aligned; `argv`:
 * each argument ended by NUL, the program first. -EINVAL, -ENOMEM, -ENOSPC. */
int64_t sn_unwind__block(const void *grammars, size_t grammars_size, const char *argv, size_t argv_size, uint32_t limit,
			 void *buf, size_t buf_size);

/* The same for a process creation of Windows, of which `texts` has the image, OriginalFileName, command line, the
 * parent's image and the parent's command line, each ended by NUL, empty where it is not known. */
int64_t sn_unwind__windows(const void *grammars, size_t grammars_size, const char *texts, size_t texts_size,
			   uint32_t limit, void *buf, size_t buf_size);

/* ---- recording: native format (recording.c) ---- */
struct sn_recording;

/* `header` is a JSON object (schema, host, boot_id, boot_to_epoch_ns, ...), kept as it is. */
int sn_recording__create(int fd, const char *header, size_t size, struct sn_recording **out);
int sn_engine__record_to(struct sn_engine *engine, struct sn_recording *recording); /* before the run; NULL ends it */
int sn_recording__append(struct sn_recording *recording, const void *record, size_t size);
int sn_recording__flush(struct sn_recording *recording);
/* Reads from a descriptor. -EINVAL: not a recording. */
int sn_recording__open(int fd, struct sn_recording **out);
int64_t sn_recording__header(struct sn_recording *recording, char *buf, size_t size);
/* Next whole record, valid until the next call. 1 record, 0 clean end, -EBADMSG checksum or nonsense, -ENODATA cut
 * off; `offset` is where the record (or the damage) begins. */
int sn_recording__next(struct sn_recording *recording, const void **record, uint64_t *offset);
void sn_recording__close(struct sn_recording *recording);

/* ---- a recording in batches (playback.c) ---- */
struct sn_playback {
	uint64_t index;	 /* of the next record; goes up */
	uint64_t limit;	 /* at most so many records in this call */
	uint64_t until;	 /* and none later than this (CLOCK_BOOTTIME, ns) */
	uint64_t time;	 /* out: of the record that was looked at last, fed or not */
	uint64_t offset; /* out: as sn_recording__next */
	uint32_t file;	 /* number of the input file */
	uint32_t pad;
};

/* Records as sn_engine__feed, until `limit`, `until` or an alert ring that is half full: 1 call again, 0 the end, or
 * as sn_recording__next. */
int sn_engine__play(struct sn_engine *engine, struct sn_recording *recording, struct sn_playback *playback);
/* Empties process table, names of users and loss account, as between two recordings: they may be of two hosts.
 * -EBUSY while the engine runs. */
int sn_engine__forget(struct sn_engine *engine);
/* Records as JSON lines: the bytes written (add to `*records`), 0 the end, or as sn_recording__next. Waits for the
 * first record only, so a pipe's records come as they are written. -ENOSPC: less than SN_JSON_MAX. */
int64_t sn_recording__json(struct sn_recording *recording, int64_t boot_to_epoch_ns, char *buf, size_t size,
			   uint64_t *records, uint64_t *offset);

/* ---- JSON of a record (record_json.c, from fields.def) ---- */
enum {
	SN_JSON_MAX = 458752, /* the JSON of any record: six characters a byte, and names and numbers */
	SN_JSON_SPARE = 32,   /* so much more room than the text takes is enough */
};

/* One JSON object without newline. Bytes that are no UTF-8 become lone surrogates (\udc80..\udcff), as Python's
 * surrogateescape. boot_to_epoch_ns turns times into RFC 3339; 0 prints them as integers. Returns the length, or
 * -ENOSPC, -EBADMSG. */
int64_t sn_record__json(const void *record, size_t size, int64_t boot_to_epoch_ns, char *buf, size_t buf_size);
/* The way back, into an 8-aligned buf of SN_RECORD_MAX: the size; -ENOENT: another's JSON; -EBADMSG. Everything comes
 * back but where the head of a truncated argv ended; an RFC 3339 time becomes ns since the epoch. */
int64_t sn_record__parse(const char *json, size_t size, void *buf, size_t buf_size);
/* 0 when header, spans and type are sound. */
int sn_record__check(const void *record, size_t size);

/* ---- this process (heap.c) ---- */
/* From now on freed memory goes back to the system soon. Before there are threads; nothing where there is no glibc. */
void sn_heap__keep_small(void);

/* ---- the field table, for Python's schema and the docs ---- */
struct sn_field_info {
	const char *type, *kind, *member, *json, *sigma, *help;
	uint32_t offset, size;
};
/* NULL beyond the end. */
const struct sn_field_info *sn_schema__field(uint32_t number);

/* ---- event trace logs (.etl) ---- */
struct sn_trace;

/* All uint64_t. */
struct sn_trace_stats {
	uint64_t events;	  /* in the file */
	uint64_t told;		  /* judged */
	uint64_t joined;	  /* decoded, and judged only with others: two of one start; keys opened and closed */
	uint64_t described;	  /* judged: those that describe themselves (TraceLogging) */
	uint64_t not_decoded;	  /* of other providers and ids that are not in etw_layout.def */
	uint64_t unknown_version; /* that are, in a version that is not: malformed */
	uint64_t broken;	  /* whose data end too early: malformed */
	uint64_t unread_id, unread_version; /* of the first of both */
	uint64_t forgotten;		    /* processes that there was no room for */
	/* as in struct sn_etl_stats */
	uint64_t unknown, damaged, compressed, cut_off, events_lost, buffers_lost;
	uint64_t process_unknown; /* of processes that nothing was said of */
	uint64_t parent_unknown;  /* starts by such */
	uint64_t key_unknown;	  /* changes of a registry key whose path was not said */
	uint64_t lost;		  /* times that the session said among its events that it lost some */
};

/* `bytes` are the caller's until sn_trace__close. -EINVAL: no event trace log; -ENOMEM. */
int sn_trace__open(const void *bytes, size_t size, struct sn_trace **out);
void sn_trace__close(struct sn_trace *trace);
/* Its events in the order of their times, as sn_engine__play. One engine, which has forgotten what was before. */
int sn_engine__play_trace(struct sn_engine *engine, struct sn_trace *trace, struct sn_playback *playback);
void sn_trace__stats(const struct sn_trace *trace, struct sn_trace_stats *out);

/* ---- taxonomy.def, for Python's decoders and the docs ---- */
struct sn_taxonomy_row {
	const char *kind;     /* channel, event, source, fields, map: the macro that the row was written with */
	const char *source;   /* or the service of a Windows event */
	const char *category; /* of a source: its product; NULL for a channel */
	const char *field;    /* map: Sigma's name */
	const char *how;      /* map: enum sn_how */
	const char *from;     /* map: what from; channel: its name; fields: names; source: help */
	uint32_t id;	      /* event: its number */
	uint32_t pad;
};
/* NULL beyond the end. */
const struct sn_taxonomy_row *sn_taxonomy__row(uint32_t number);
#endif
