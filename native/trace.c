/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_trace (sensor.h): the events of an .etl file as JSON lines, joined with what other events say.
 *
 * A process that starts is told of twice: by Kernel-Process (the image's whole path, integrity) and by the kernel
 * logger (command line, user; the image's path is that of the first file that it maps), or by one of them. So a start
 * waits, in the trace's time, for the other one and for the image; starts come out in their order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "etl.h"
#include "etw_keys.h"
#include "etw_line.h"
#include "etw_processes.h"
#include "sensor.h"

enum {
	WAITING_MAX = 256, /* a power of two */
};
static const uint64_t twin_ns = 1000000;     /* between the two events of one start */
static const uint64_t image_ns = 1000000000; /* for the kernel logger's start to map its image */

struct start {
	struct sn_etw_event event[2]; /* by is_classic */
	int there[2];
	uint32_t pid, parent;
	uint64_t time; /* of the first of them */
};

struct sn_trace {
	struct sn_etl *etl;
	struct sn_etw_processes *processes;
	struct sn_etw_keys *keys;
	struct start waiting[WAITING_MAX]; /* first to last, turning */
	uint32_t first, last;
	struct sn_etw_event event; /* the next one */
	int is_there;
	struct sn_trace_stats stats;
};

static uint32_t number(const struct sn_etw_decoded *decoded, uint32_t column)
{
	return (uint32_t)decoded->column[column].number;
}

static void put(struct sn_trace *trace, struct sn_writer *w, const struct sn_etw_event *event,
		const struct sn_etw_decoded *decoded, const struct sn_etw_known *known)
{
	sn_etw__write_line(w, event, decoded, known);
	trace->stats.lines++;
}

/* ---- processes ---- */

enum {
	START = 1,
	STOP = 2,
	CLASSIC_RUNDOWN = 3,
	CLASSIC_RUNDOWN_END = 4,
	IMAGE = 5,
	IMAGE_UNLOAD = 6,
	CLASSIC_IMAGE_LOAD = 10,
	RUNDOWN = 15
};

static int is_image_there(const struct sn_trace *trace, const struct start *start)
{
	const struct sn_etw_process *process = sn_etw_processes__at(trace->processes, start->pid, start->time);

	return start->there[0] || !process || process->image.len;
}

static const struct sn_etw_process *parent_of(const struct sn_trace *trace, const struct start *start,
					      const struct sn_etw_decoded *decoded)
{
	const struct sn_etw_process *parent = sn_etw_processes__at(trace->processes, start->parent, start->time);
	uint64_t sequence = 0;

	if (decoded->provider == SN_ETW_KERNEL_PROCESS)
		sequence = decoded->column[SN_ETW_PROCESS_START_ParentProcessSequenceNumber].number;
	if (parent && parent->sequence && sequence && parent->sequence != sequence)
		return NULL;
	return parent;
}

static void release(struct sn_trace *trace, struct sn_writer *w)
{
	const struct start *start = &trace->waiting[trace->first++ % WAITING_MAX];
	struct sn_etw_decoded main, classic;
	struct sn_etw_known known = {0};

	/* both were decoded when they came */
	sn_etw__decode(&start->event[!start->there[0]], &main);
	if (start->there[0] && start->there[1] && sn_etw__decode(&start->event[1], &classic) == 0)
		known.classic = &classic;
	known.process = sn_etw_processes__at(trace->processes, start->pid, start->time);
	known.parent = parent_of(trace, start, &main);
	put(trace, w, &start->event[!start->there[0]], &main, &known);
}

/* Whether the first of them has nothing more to wait for at `now`. */
static int is_ripe(const struct sn_trace *trace, uint64_t now)
{
	const struct start *start = &trace->waiting[trace->first % WAITING_MAX];
	uint64_t age = now - start->time;

	if (trace->first == trace->last || (age <= twin_ns && !(start->there[0] && start->there[1])))
		return 0;
	return age > image_ns || is_image_there(trace, start);
}

/* The other event of the same start, or NULL. */
static struct start *twin_of(struct sn_trace *trace, const struct start *of, int classic)
{
	for (uint32_t i = trace->first; i != trace->last; i++) {
		struct start *start = &trace->waiting[i % WAITING_MAX];

		if (start->pid == of->pid && start->parent == of->parent && !start->there[classic] &&
		    of->time - start->time <= twin_ns)
			return start;
	}
	return NULL;
}

static struct sn_etw_process *begin(struct sn_trace *trace, uint32_t pid, uint64_t start, int is_new)
{
	struct sn_etw_process *known = sn_etw_processes__at(trace->processes, pid, start);

	return known && !is_new && !known->end ? known : sn_etw_processes__begin(trace->processes, pid, start);
}

/* What an event says of a process. */
static void learn(struct sn_etw_process *process, const struct sn_etw_decoded *decoded)
{
	const struct sn_etw_column *column = decoded->column;

	if (decoded->provider == SN_ETW_KERNEL_PROCESS) {
		process->image = column[SN_ETW_PROCESS_START_ImageName].bytes;
		process->sequence = column[SN_ETW_PROCESS_START_ProcessSequenceNumber].number;
	} else {
		process->name = column[SN_ETW_CLASSIC_PROCESS_ImageFileName].bytes;
		process->line = column[SN_ETW_CLASSIC_PROCESS_CommandLine].bytes;
	}
}

static void take_start(struct sn_trace *trace, struct sn_writer *w, const struct sn_etw_event *event,
		       const struct sn_etw_decoded *decoded)
{
	int classic = decoded->provider == SN_ETW_CLASSIC_PROCESS;
	struct start *twin, made = {.time = event->time};

	made.pid =
		number(decoded, classic ? (uint32_t)SN_ETW_CLASSIC_PROCESS_ProcessId : SN_ETW_PROCESS_START_ProcessID);
	made.parent = number(decoded, classic ? (uint32_t)SN_ETW_CLASSIC_PROCESS_ParentId
					      : SN_ETW_PROCESS_START_ParentProcessID);
	twin = twin_of(trace, &made, classic);
	learn(begin(trace, made.pid, event->time, !twin), decoded);
	if (twin) {
		trace->stats.joined++;
	} else {
		if (trace->last - trace->first == WAITING_MAX)
			release(trace, w);
		twin = &trace->waiting[trace->last++ % WAITING_MAX];
		*twin = made;
	}
	twin->event[classic] = *event;
	twin->there[classic] = 1;
}

/* One that lived when the trace began, or when it ended. */
static void take_rundown(struct sn_trace *trace, uint32_t pid, uint64_t since, uint64_t now,
			 const struct sn_etw_decoded *decoded)
{
	struct sn_etw_process *process = sn_etw_processes__at(trace->processes, pid, now);

	if (!process || process->end)
		process = sn_etw_processes__begin(trace->processes, pid, since);
	learn(process, decoded);
}

static void take_end(struct sn_trace *trace, uint32_t pid, uint64_t time)
{
	struct sn_etw_process *process = sn_etw_processes__at(trace->processes, pid, time);

	if (process && !process->end)
		process->end = time;
}

static void take_process(struct sn_trace *trace, const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
{
	int classic = decoded->provider == SN_ETW_CLASSIC_PROCESS;
	uint32_t pid = number(decoded, classic ? SN_ETW_CLASSIC_PROCESS_ProcessId : 0);

	if (event->id == STOP)
		take_end(trace, pid, event->time);
	else if (classic)
		take_rundown(trace, pid, event->id == CLASSIC_RUNDOWN ? 0 : event->time, event->time, decoded);
	else
		take_rundown(trace, pid, 0, event->time, decoded);
}

/* ---- events ---- */

static int is_image(const struct sn_etw_event *event)
{
	return event->id == IMAGE || event->id == IMAGE_UNLOAD;
}

/* An event of Kernel-File that says what names are, or that what was there has been opened. */
static int is_no_change(const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
{
	enum { NAME_CREATE = 10, NAME_DELETE, CREATE, DISPOSITION_AT = 24, OPEN = 1 };

	_Static_assert((int)SN_ETW_FILE_CREATE_CreateOptions == (int)SN_ETW_FILE_CREATE_0_CreateOptions,
		       "the column is taken by FILE_CREATE's number");
	return event->id == NAME_CREATE || event->id == NAME_DELETE ||
	       (event->id == CREATE && number(decoded, SN_ETW_FILE_CREATE_CreateOptions) >> DISPOSITION_AT == OPEN);
}

/* Whose it is; UINT32_MAX: not said. Network, process and image events say it themselves: the thread that wrote them is
 * often somebody else's. */
static uint32_t pid_of(const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
{
	switch (decoded->provider) {
	case SN_ETW_KERNEL_PROCESS:
		return number(decoded, is_image(event) ? (uint32_t)SN_ETW_IMAGE_LOAD_ProcessID : 0);
	case SN_ETW_KERNEL_NETWORK:
	case SN_ETW_CLASSIC_TCP:
	case SN_ETW_CLASSIC_UDP:
		return number(decoded, SN_ETW_TCP4_PID);
	case SN_ETW_CLASSIC_PROCESS:
		return number(decoded, SN_ETW_CLASSIC_PROCESS_ProcessId);
	case SN_ETW_CLASSIC_IMAGE:
		return number(decoded, SN_ETW_CLASSIC_IMAGE_ProcessId);
	default:
		return event->pid;
	}
}

static void take(struct sn_trace *trace, struct sn_writer *w, const struct sn_etw_event *event,
		 const struct sn_etw_decoded *decoded)
{
	uint32_t pid = pid_of(event, decoded);
	struct sn_etw_process *process = sn_etw_processes__at(trace->processes, pid, event->time);
	struct sn_etw_known known = {.process = process};
	int is_process = decoded->provider == SN_ETW_CLASSIC_PROCESS ||
			 (decoded->provider == SN_ETW_KERNEL_PROCESS && !is_image(event));

	if (is_process && event->id == START) {
		take_start(trace, w, event, decoded);
		return;
	}
	if (is_process) {
		take_process(trace, event, decoded);
		known.process = sn_etw_processes__at(trace->processes, pid, event->time);
	} else if (process && decoded->provider == SN_ETW_KERNEL_PROCESS && event->id == IMAGE) {
		sn_etw_process__mapped(process, decoded->column[SN_ETW_IMAGE_LOAD_ImageName].bytes);
	} else if (process && decoded->provider == SN_ETW_CLASSIC_IMAGE &&
		   (event->id == CLASSIC_IMAGE_LOAD || event->id == CLASSIC_RUNDOWN)) {
		sn_etw_process__mapped(process, decoded->column[SN_ETW_CLASSIC_IMAGE_FileName].bytes);
	} else if (decoded->provider == SN_ETW_KERNEL_FILE && is_no_change(event, decoded)) {
		trace->stats.joined++;
		return;
	} else if (decoded->provider == SN_ETW_KERNEL_REGISTRY &&
		   !sn_etw_keys__changed(trace->keys, event, decoded, &known.key)) {
		trace->stats.joined++;
		return;
	}
	put(trace, w, event, decoded, &known);
}

static void take_event(struct sn_trace *trace, struct sn_writer *w, const struct sn_etw_event *event)
{
	struct sn_etw_decoded decoded;
	int rc = sn_etw__decode(event, &decoded);

	if (rc == 0) {
		take(trace, w, event, &decoded);
	} else if (rc == -ENOENT) {
		trace->stats.not_decoded++;
	} else if (rc == -ENOSYS) {
		trace->stats.unknown_version++;
	} else {
		trace->stats.broken++;
		sn_etw__write_left_out(w, event, "its data end within a column");
	}
}

/* One event, or one start that is ripe; 0: the end. */
static int step(struct sn_trace *trace, struct sn_writer *w)
{
	if (!trace->is_there)
		trace->is_there = sn_etl__next(trace->etl, &trace->event);
	if (trace->first != trace->last && (!trace->is_there || is_ripe(trace, trace->event.time))) {
		release(trace, w);
		return 1;
	}
	if (!trace->is_there)
		return 0;
	take_event(trace, w, &trace->event);
	trace->is_there = 0;
	return 1;
}

/* Those that live when a trace begins are listed while it already runs: so they are looked for before all else. A
 * process that started before it could be listed is none of them. */
static void read_rundown(struct sn_trace *trace)
{
	struct sn_etw_event event;
	struct sn_etw_decoded decoded;

	while (sn_etl__next(trace->etl, &event)) {
		int rc = sn_etw__decode(&event, &decoded), classic, lists;
		struct sn_etw_process *process;
		uint32_t pid;

		if (rc)
			continue;
		classic = decoded.provider == SN_ETW_CLASSIC_PROCESS;
		pid = pid_of(&event, &decoded);
		process = sn_etw_processes__at(trace->processes, pid, UINT64_MAX);
		lists = classic ? event.id == CLASSIC_RUNDOWN
				: decoded.provider == SN_ETW_KERNEL_PROCESS && event.id == RUNDOWN;
		if (lists && (!process || !process->start))
			take_rundown(trace, pid, 0, UINT64_MAX, &decoded);
		else if ((classic || decoded.provider == SN_ETW_KERNEL_PROCESS) && event.id == START && !process)
			sn_etw_processes__begin(trace->processes, pid, event.time);
		else if (process && !process->start && decoded.provider == SN_ETW_CLASSIC_IMAGE &&
			 event.id == CLASSIC_RUNDOWN)
			sn_etw_process__mapped(process, decoded.column[SN_ETW_CLASSIC_IMAGE_FileName].bytes);
	}
	sn_etl__rewind(trace->etl);
}

/* ---- life ---- */

int sn_trace__open(const void *bytes, size_t size, struct sn_trace **out)
{
	struct sn_trace *trace = calloc(1, sizeof(*trace));
	int rc = -ENOMEM;

	if (!trace)
		return -ENOMEM;
	trace->processes = sn_etw_processes__new();
	trace->keys = sn_etw_keys__new();
	if (trace->processes && trace->keys)
		rc = sn_etl__open(bytes, size, &trace->etl);
	if (rc) {
		sn_trace__close(trace);
		return rc;
	}
	read_rundown(trace);
	*out = trace;
	return 0;
}

void sn_trace__close(struct sn_trace *trace)
{
	if (!trace)
		return;
	sn_etl__close(trace->etl);
	sn_etw_keys__free(trace->keys);
	sn_etw_processes__free(trace->processes);
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
	struct sn_etl_stats etl;

	sn_etl__stats(trace->etl, &etl);
	*out = trace->stats;
	out->events = etl.events;
	out->unknown = etl.unknown;
	out->damaged = etl.damaged;
	out->compressed = etl.compressed;
	out->cut_off = etl.cut_off;
	out->events_lost = etl.events_lost;
	out->buffers_lost = etl.buffers_lost;
	out->forgotten = sn_etw_processes__forgotten(trace->processes);
}
