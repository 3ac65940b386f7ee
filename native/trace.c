/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <errno.h>
#include <stdlib.h>

#include "etl.h"
#include "etw_join.h"

static const uint64_t wait_ns = 1000000; /* for a start's other event: a file's events are in order */

struct sn_trace {
	struct sn_etl *etl;
	struct sn_etw_join *join; /* NULL: nobody has begun */
	const struct sn_actors_stats *actors;
	uint64_t forgotten;	   /* when it was begun */
	struct sn_etw_event event; /* the next one */
	int is_there;
	uint32_t broken_id, broken_version; /* of the first event whose data end within a column */
};

int sn_trace__open(const void *bytes, size_t size, struct sn_trace **out)
{
	struct sn_trace *trace = calloc(1, sizeof(*trace));
	int rc;

	if (!trace)
		return -ENOMEM;
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
	free(trace);
}

int sn_trace__begin(struct sn_trace *trace, struct sn_actors *actors, struct sn_etw_names *names)
{
	struct sn_etw_event event;

	if (trace->join)
		return 0;
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
	if (!trace->is_there)
		trace->is_there = sn_etl__next(trace->etl, &trace->event);
}

/* Takes the event that is there: what is told of it, NULL: nothing, or its data end within a column, if `*is_broken`.
 */
static const struct sn_etw_told *take(struct sn_trace *trace, int *is_broken)
{
	const struct sn_etw_told *told;

	trace->is_there = 0;
	*is_broken = sn_etw_join__take(trace->join, &trace->event, &told) == -EBADMSG;
	if (*is_broken && sn_etw_join__stats(trace->join)->broken == 1) {
		trace->broken_id = trace->event.id;
		trace->broken_version = trace->event.version;
	}
	return told;
}

int sn_trace__next(struct sn_trace *trace, const struct sn_etw_told **told)
{
	int is_broken = 0;

	for (*told = NULL; !*told && !is_broken;) {
		look(trace);
		if (trace->is_there ? sn_etw_join__is_due(trace->join, trace->event.time, trace->event.size)
				    : sn_etw_join__is_waiting(trace->join))
			*told = sn_etw_join__release(trace->join);
		else if (trace->is_there)
			*told = take(trace, &is_broken);
		else
			return 0;
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
	return sn_etl__position(trace->etl);
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
				       .not_decoded = join.not_decoded,
				       .unknown_version = join.unknown_version,
				       .broken = join.broken,
				       .broken_id = trace->broken_id,
				       .broken_version = trace->broken_version,
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
