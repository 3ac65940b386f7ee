/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <errno.h>
#include <stdlib.h>

#include "etl.h"
#include "etw_described.h"
#include "etw_join.h"
#include "etw_line.h"

static const uint64_t wait_ns = 1000000; /* for a start's other event: a file's events are in order */

struct sn_trace {
	struct sn_etl *etl;
	struct sn_etw_join *join; /* NULL: nobody has begun */
	const struct sn_actors_stats *actors;
	uint64_t forgotten;	   /* when it was begun */
	struct sn_etw_event event; /* the next one */
	int is_there;
	uint64_t size, taken;		    /* bytes of the file; events of it that were looked at */
	uint32_t unread_id, unread_version; /* of the first event that could not be read */
	uint64_t described, described_broken;
	char *line; /* SN_ETW_LINE_MAX bytes: of an event that describes itself */
};

int sn_trace__open(const void *bytes, size_t size, struct sn_trace **out)
{
	struct sn_trace *trace = calloc(1, sizeof(*trace));
	int rc;

	if (!trace)
		return -ENOMEM;
	trace->size = size;
	rc = sn_etl__open(bytes, size, &trace->etl);
	if (rc)
		sn_trace__close(trace);
	else
		*out = trace;
	return rc;
}

void sn_trace__close(struct sn_trace *trace)
{
	if (!trace)
		return;
	sn_etl__close(trace->etl);
	sn_etw_join__free(trace->join);
	free(trace->line);
	free(trace);
}

int sn_trace__begin(struct sn_trace *trace, struct sn_actors *actors, struct sn_etw_names *names)
{
	struct sn_etw_event event;

	if (trace->join)
		return 0;
	trace->line = malloc(SN_ETW_LINE_MAX);
	if (!trace->line)
		return -ENOMEM;
	trace->join =
		sn_etw_join__new(&(struct sn_etw_join_options){.actors = actors, .names = names, .wait_ns = wait_ns});
	if (!trace->join)
		return -ENOMEM;
	trace->actors = sn_actors__stats(actors);
	trace->forgotten = trace->actors->forgotten;
	while (sn_etl__next(trace->etl, &event))
		sn_etw_join__look(trace->join, &event);
	sn_etl__rewind(trace->etl);
	return 0;
}

static void look(struct sn_trace *trace)
{
	if (trace->is_there)
		return;
	trace->is_there = sn_etl__next(trace->etl, &trace->event);
	trace->taken += (uint32_t)trace->is_there;
}

/* How many events could not be read. */
static uint64_t unread(const struct sn_trace *trace)
{
	const struct sn_etw_join_stats *join = sn_etw_join__stats(trace->join);

	return trace->described_broken + join->broken + join->unknown_version;
}

static void note_unread(struct sn_trace *trace, uint64_t before)
{
	if (before)
		return;
	trace->unread_id = trace->event.id;
	trace->unread_version = trace->event.version;
}

/* An event that no table knows: 1 if it describes itself. */
static int describe(struct sn_trace *trace, struct sn_traced *next)
{
	struct sn_writer w = {.at = trace->line, .end = trace->line + SN_ETW_LINE_MAX};
	struct sn_bytes schema, traits;

	sn_etl__description(trace->etl, &schema, &traits);
	if (!schema.len)
		return 0;
	if (sn_etw_described__write(&w, &trace->event, schema, traits)) {
		note_unread(trace, unread(trace));
		trace->described_broken++;
		return 1;
	}
	trace->described++;
	next->line = trace->line;
	next->line_size = (uint32_t)(w.at - trace->line);
	next->line_time = trace->event.time;
	return 1;
}

/* Takes the event that is there. Whether it is one that comes out, or cannot be read. */
static int take(struct sn_trace *trace, struct sn_traced *next)
{
	uint64_t before = unread(trace);
	int rc = sn_etw_join__take(trace->join, &trace->event, &next->told);

	trace->is_there = 0;
	if (rc == -EBADMSG || rc == -ENOSYS)
		note_unread(trace, before);
	return next->told || rc == -EBADMSG || rc == -ENOSYS || (rc == -ENOENT && describe(trace, next));
}

int sn_trace__next(struct sn_trace *trace, struct sn_traced *next)
{
	int is_out = 0;

	for (*next = (struct sn_traced){0}; !is_out;) {
		look(trace);
		if (trace->is_there ? sn_etw_join__is_due(trace->join, trace->event.time, trace->event.size)
				    : sn_etw_join__is_waiting(trace->join)) {
			next->told = sn_etw_join__release(trace->join);
			return 1;
		}
		if (!trace->is_there)
			return 0;
		is_out = take(trace, next);
	}
	return 1;
}

uint64_t sn_trace__time(struct sn_trace *trace)
{
	look(trace);
	return trace->event.time;
}

uint64_t sn_trace__position(const struct sn_trace *trace)
{
	struct sn_etl_stats etl;

	sn_etl__stats(trace->etl, &etl);
	return etl.events ? trace->size * trace->taken / etl.events : trace->size;
}

void sn_trace__stats(const struct sn_trace *trace, struct sn_trace_stats *out)
{
	struct sn_etw_join_stats join = {0};
	struct sn_etl_stats etl;

	sn_etl__stats(trace->etl, &etl);
	if (trace->join)
		join = *sn_etw_join__stats(trace->join);
	*out = (struct sn_trace_stats){.events = etl.events,
				       .told = join.told,
				       .joined = join.joined,
				       .described = trace->described,
				       .not_decoded = join.not_decoded - trace->described - trace->described_broken,
				       .unknown_version = join.unknown_version,
				       .broken = join.broken + trace->described_broken,
				       .unread_id = trace->unread_id,
				       .unread_version = trace->unread_version,
				       .forgotten = trace->join ? trace->actors->forgotten - trace->forgotten : 0,
				       .unknown = etl.unknown,
				       .damaged = etl.damaged,
				       .compressed = etl.compressed,
				       .cut_off = etl.cut_off,
				       .events_lost = etl.events_lost,
				       .buffers_lost = etl.buffers_lost,
				       .process_unknown = join.process_unknown,
				       .parent_unknown = join.parent_unknown,
				       .key_unknown = join.key_unknown,
				       .lost = join.lost};
}
