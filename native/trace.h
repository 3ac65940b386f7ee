/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_trace (sensor.h): the events of an .etl file, joined as those of sessions are; but they are in the order of
 * their times, and nobody that lives is asked about them.
 */
#ifndef SN_TRACE_H
#define SN_TRACE_H
#include "etw_told.h"
#include "sensor.h"

/* Learns of those that lived when the trace began; once, before its events are taken. `actors` and `names` must live as
 * long as events are taken. 0, or -ENOMEM. */
int sn_trace__begin(struct sn_trace *trace, struct sn_actors *actors, struct sn_etw_names *names);
/* An event: told, or, one that describes itself, as a line; neither: it cannot be read. Valid until the next. */
struct sn_traced {
	const struct sn_etw_told *told;
	const char *line;
	uint32_t line_size;
	uint64_t line_time; /* ns since 1970 */
};

/* The next event: 1; 0: the end. */
int sn_trace__next(struct sn_trace *trace, struct sn_traced *next);
/* When the event happened that is looked at next, ns since 1970; at the end, the last. */
uint64_t sn_trace__time(struct sn_trace *trace);
/* Bytes of the file, as many as the events that were taken are of all. */
uint64_t sn_trace__position(const struct sn_trace *trace);
#endif
