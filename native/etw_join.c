/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_join.h"

#include <errno.h>
#include <stdlib.h>

#include "count.h"
#include "etw_hosts.h"
#include "etw_learn.h"
#include "etw_starts.h"

static const uint64_t twin_ns = 1000000;     /* between the two events of one start */
static const uint64_t image_ns = 1000000000; /* for the kernel logger's start to map its image */

struct sn_etw_join {
	struct sn_etw_join_options options;
	struct sn_etw_learner learner;
	struct sn_etw_keys *keys;
	struct sn_etw_hosts *hosts;
	struct sn_etw_starts *starts;
	/* by `classic`: events of starts that came; starts that waited in vain for the first of them */
	uint8_t there_are[2];
	uint8_t in_vain[2];
	struct sn_etw_join_stats stats;
	struct sn_etw_decoded decoded; /* of the event that was taken last */
	struct sn_etw_told told;
};

enum { IN_VAIN_MAX = 3 }; /* then nobody is expected to send such events */

static uint32_t number(const struct sn_etw_decoded *decoded, uint32_t column)
{
	return (uint32_t)decoded->column[column].number;
}

static const struct sn_etw_told *tell(struct sn_etw_join *join, const struct sn_etw_told *told)
{
	join->told = *told;
	join->told.actors = join->options.actors;
	join->told.names = join->options.names;
	sn_count(&join->stats.told, 1);
	return &join->told;
}

/* ---- starts ---- */

static struct sn_actor *process_of(const struct sn_etw_join *join, const struct sn_etw_start *start)
{
	const struct sn_actor_id id = {.pid = start->id.pid, .time = start->id.time};

	return sn_actors__find(join->options.actors, &id);
}

static int is_image_there(const struct sn_etw_join *join, const struct sn_etw_start *start)
{
	const struct sn_actor *process;

	if (start->event[0])
		return 1;
	process = process_of(join, start);
	return !process || process->text[SN_ACTOR_IMAGE];
}

int sn_etw_join__is_waiting(const struct sn_etw_join *join)
{
	return sn_etw_starts__first(join->starts) != NULL;
}

/* Whether its other event may still come. */
static int is_alone(const struct sn_etw_join *join, const struct sn_etw_start *start)
{
	int other = start->event[0] != NULL;

	return !start->event[other] && (join->there_are[other] || join->in_vain[other] < IN_VAIN_MAX);
}

int sn_etw_join__is_due(struct sn_etw_join *join, uint64_t now, size_t bytes)
{
	const struct sn_etw_start *start = sn_etw_starts__first(join->starts);
	uint64_t age;

	if (!start)
		return 0;
	if (!sn_etw_starts__has_room(join->starts, bytes)) {
		sn_count(&join->stats.hurried, 1);
		return 1;
	}
	age = now > start->id.time ? now - start->id.time : 0;
	if (is_alone(join, start) && age <= join->options.wait_ns)
		return 0;
	return age > image_ns || is_image_there(join, start);
}

const struct sn_etw_told *sn_etw_join__release(struct sn_etw_join *join)
{
	const struct sn_etw_start *start = sn_etw_starts__first(join->starts);
	struct sn_actor *process = process_of(join, start);
	int classic = !start->event[0];
	struct sn_etw_told told = {.event = *start->event[classic],
				   .main = start->decoded[classic],
				   .classic = !classic && start->event[1] ? start->decoded[1] : NULL,
				   .time = start->id.time,
				   .index = start->index,
				   .process = process};

	if (is_alone(join, start) && !join->there_are[start->event[0] != NULL])
		join->in_vain[start->event[0] != NULL]++;
	if (process && join->options.command_line)
		told.line_from = sn_etw_learner__ask(&join->learner, process, join->options.command_line);
	told.parent = process ? sn_actors__parent(join->options.actors, process) : NULL;
	sn_count(&join->stats.parent_unknown, !told.parent);
	sn_etw_starts__drop_first(join->starts);
	return tell(join, &told);
}

/* The first one that waits is told at once when it is whole, NULL: it waits. */
static const struct sn_etw_told *take_start(struct sn_etw_join *join, const struct sn_etw_event *event)
{
	const struct sn_etw_decoded *decoded = &join->decoded;
	int classic = decoded->provider == SN_ETW_CLASSIC_PROCESS;
	struct sn_etw_start_id id = {.time = event->time};
	struct sn_etw_start *twin;

	id.pid = number(decoded, classic ? (uint32_t)SN_ETW_CLASSIC_PROCESS_ProcessId : SN_ETW_PROCESS_START_ProcessID);
	id.parent = number(decoded,
			   classic ? (uint32_t)SN_ETW_CLASSIC_PROCESS_ParentId : SN_ETW_PROCESS_START_ParentProcessID);
	twin = sn_etw_starts__twin(join->starts, &id, classic, twin_ns);
	sn_etw_learner__start(&join->learner, event, decoded, twin != NULL);
	sn_count(&join->stats.joined, twin != NULL);
	if (twin && twin == sn_etw_starts__first(join->starts)) {
		sn_etw_starts__end(twin, classic, event, decoded);
		return sn_etw_join__release(join);
	}
	if (twin)
		sn_etw_starts__pair(join->starts, twin, classic, event, decoded);
	else
		sn_etw_starts__add(join->starts, &id, classic, event, decoded);
	return NULL;
}

/* ---- other events ---- */

/* An event of Kernel-File that says what names are, or that what was there has been opened. */
static int is_no_change(const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
{
	enum { NAME_CREATE = 10, NAME_DELETE, CREATE, DISPOSITION_AT = 24, OPEN = 1 };

	_Static_assert((int)SN_ETW_FILE_CREATE_CreateOptions == (int)SN_ETW_FILE_CREATE_0_CreateOptions,
		       "the column is taken by FILE_CREATE's number");
	return event->id == NAME_CREATE || event->id == NAME_DELETE ||
	       (event->id == CREATE && number(decoded, SN_ETW_FILE_CREATE_CreateOptions) >> DISPOSITION_AT == OPEN);
}

/* Whether it is only to be remembered. */
static int is_silent(struct sn_etw_join *join, const struct sn_etw_event *event, struct sn_bytes *key)
{
	const struct sn_etw_decoded *decoded = &join->decoded;

	if (decoded->provider == SN_ETW_KERNEL_FILE)
		return is_no_change(event, decoded);
	if (decoded->provider != SN_ETW_KERNEL_REGISTRY)
		return 0;
	if (!sn_etw_keys__changed(join->keys, event, decoded, key))
		return 1;
	sn_count(&join->stats.key_unknown, !key->len);
	return 0;
}

/* By which names hosts are looked up, and by which a connection's was. */
static void look_up(struct sn_etw_join *join, struct sn_etw_told *told)
{
	enum { ANSWER = 3008 };
	const struct sn_etw_column *column = told->main->column;

	if (told->main->provider == SN_ETW_DNS_CLIENT && told->event.id == ANSWER)
		sn_count(&join->stats.hosts_forgotten,
			 sn_etw_hosts__answered(join->hosts, told->pid, told->time,
						column[SN_ETW_DNS_ANSWER_QueryName].bytes,
						column[SN_ETW_DNS_ANSWER_QueryResults].bytes));
	else if (sn_etw__is_network(told->main->provider))
		told->host = sn_etw_hosts__name(join->hosts, told->pid, told->time, column[SN_ETW_TCP4_daddr].bytes);
}

/* Of the event whose columns are in join->decoded. */
static const struct sn_etw_told *take(struct sn_etw_join *join, const struct sn_etw_event *event)
{
	const struct sn_etw_decoded *decoded = &join->decoded;
	uint32_t pid = sn_etw_learn__pid(event, decoded);
	struct sn_actor_id id = {.pid = pid, .time = event->time};
	struct sn_etw_told told = {
		.event = *event, .main = decoded, .time = event->time, .index = event->index, .pid = pid};

	if (sn_etw_learn__is_start(event, decoded)) {
		join->there_are[decoded->provider == SN_ETW_CLASSIC_PROCESS] = 1;
		return take_start(join, event);
	}
	sn_etw_learner__event(&join->learner, event, decoded);
	if (is_silent(join, event, &told.key)) {
		sn_count(&join->stats.joined, 1);
		return NULL;
	}
	if (pid != UINT32_MAX)
		told.process = sn_actors__find(join->options.actors, &id);
	sn_count(&join->stats.process_unknown, !told.process);
	look_up(join, &told);
	return tell(join, &told);
}

int sn_etw_join__take(struct sn_etw_join *join, const struct sn_etw_event *event, const struct sn_etw_told **told)
{
	int rc = sn_etw__decode(event, &join->decoded);

	*told = rc ? NULL : take(join, event);
	if (rc == -ENOENT) {
		sn_count(&join->stats.not_decoded, 1);
		sn_count(&join->stats.lost, sn_etw__is_loss(event));
	} else if (rc == -ENOSYS) {
		sn_count(&join->stats.unknown_version, 1);
	} else if (rc) {
		sn_count(&join->stats.broken, 1);
	}
	return rc;
}

void sn_etw_join__look(struct sn_etw_join *join, const struct sn_etw_event *event)
{
	struct sn_etw_decoded decoded;

	if (sn_etw__decode(event, &decoded) == 0)
		sn_etw_learner__look(&join->learner, event, &decoded);
}

/* ---- life ---- */

struct sn_etw_join *sn_etw_join__new(const struct sn_etw_join_options *options)
{
	struct sn_etw_join *join = calloc(1, sizeof(*join));

	if (!join)
		return NULL;
	join->options = *options;
	join->learner.actors = options->actors;
	join->learner.names = options->names;
	join->there_are[0] = join->there_are[1] = options->wait_ns <= twin_ns;
	join->keys = sn_etw_keys__new();
	join->hosts = sn_etw_hosts__new();
	join->starts = sn_etw_starts__new();
	if (join->keys && join->hosts && join->starts)
		return join;
	sn_etw_join__free(join);
	return NULL;
}

void sn_etw_join__free(struct sn_etw_join *join)
{
	if (!join)
		return;
	sn_etw_keys__free(join->keys);
	sn_etw_hosts__free(join->hosts);
	sn_etw_starts__free(join->starts);
	free(join);
}

const struct sn_etw_join_stats *sn_etw_join__stats(const struct sn_etw_join *join)
{
	return &join->stats;
}

const struct sn_etw_keys_stats *sn_etw_join__keys(const struct sn_etw_join *join)
{
	return sn_etw_keys__stats(join->keys);
}
