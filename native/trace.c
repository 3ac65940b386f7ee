/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_trace (sensor.h): the events of an .etl file as JSON lines, joined with what other events say.
 */
#include <errno.h>
#include <stdlib.h>

#include "etl.h"
#include "etw_join.h"
#include "etw_line.h"
#include "sensor.h"

static const uint64_t wait_ns = 1000000; /* for a start's other event: a file's events are in order */

struct sn_trace {
	struct sn_etl *etl;
	struct sn_actors *actors;
	struct sn_etw_names *names;
	struct sn_etw_join *join;
	struct sn_etw_event event; /* the next one */
	int is_there;
};

/* One event, or one start that is due; 0: the end. */
static int step(struct sn_trace *trace, struct sn_writer *w)
{
	const struct sn_etw_told *told;

	if (!trace->is_there)
		trace->is_there = sn_etl__next(trace->etl, &trace->event);
	if (trace->is_there ? sn_etw_join__is_due(trace->join, trace->event.time, trace->event.size)
			    : sn_etw_join__is_waiting(trace->join)) {
		sn_etw__write_line(w, sn_etw_join__release(trace->join));
		return 1;
	}
	if (!trace->is_there)
		return 0;
	if (sn_etw_join__take(trace->join, &trace->event, &told) == -EBADMSG)
		sn_etw__write_left_out(w, &trace->event, "its data end within a column");
	if (told)
		sn_etw__write_line(w, told);
	trace->is_there = 0;
	return 1;
}

int sn_trace__open(const void *bytes, size_t size, struct sn_trace **out)
{
	struct sn_trace *trace = calloc(1, sizeof(*trace));
	struct sn_etw_event event;
	int rc = -ENOMEM;

	if (!trace)
		return -ENOMEM;
	trace->actors = sn_actors__new();
	trace->names = sn_etw_names__new();
	if (trace->actors && trace->names)
		trace->join = sn_etw_join__new(&(struct sn_etw_join_options){
			.actors = trace->actors, .names = trace->names, .wait_ns = wait_ns});
	if (trace->join)
		rc = sn_etl__open(bytes, size, &trace->etl);
	if (rc) {
		sn_trace__close(trace);
		return rc;
	}
	while (sn_etl__next(trace->etl, &event))
		sn_etw_join__look(trace->join, &event);
	sn_etl__rewind(trace->etl);
	*out = trace;
	return 0;
}

void sn_trace__close(struct sn_trace *trace)
{
	if (!trace)
		return;
	sn_etl__close(trace->etl);
	sn_etw_join__free(trace->join);
	sn_etw_names__free(trace->names);
	sn_actors__free(trace->actors);
	free(trace);
}

int64_t sn_trace__lines(struct sn_trace *trace, void *buf, size_t size)
{
	struct sn_writer w = {.at = buf, .end = (char *)buf + size};

	while ((size_t)(w.end - w.at) >= SN_TRACE_ROOM && step(trace, &w))
		;
	return w.at - (char *)buf;
}

void sn_trace__stats(const struct sn_trace *trace, struct sn_trace_stats *out)
{
	const struct sn_etw_join_stats *join = sn_etw_join__stats(trace->join);
	struct sn_etl_stats etl;

	sn_etl__stats(trace->etl, &etl);
	*out = (struct sn_trace_stats){.events = etl.events,
				       .lines = join->told,
				       .joined = join->joined,
				       .not_decoded = join->not_decoded,
				       .unknown_version = join->unknown_version,
				       .broken = join->broken,
				       .forgotten = sn_actors__stats(trace->actors)->forgotten,
				       .unknown = etl.unknown,
				       .damaged = etl.damaged,
				       .compressed = etl.compressed,
				       .cut_off = etl.cut_off,
				       .events_lost = etl.events_lost,
				       .buffers_lost = etl.buffers_lost,
				       .process_unknown = join->process_unknown,
				       .parent_unknown = join->parent_unknown,
				       .key_unknown = join->key_unknown,
				       .lost = join->lost};
}
