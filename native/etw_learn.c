/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_learn.h"

#include "few_bytes.h"

enum {
	START = 1,
	STOP = 2,
	CLASSIC_RUNDOWN = 3,
	CLASSIC_RUNDOWN_END = 4,
	IMAGE = 5,
	IMAGE_UNLOAD = 6,
	CLASSIC_IMAGE_LOAD = 10,
	RUNDOWN = 15,
	SHORT_NAME = 14, /* an image's name of so many bytes may be cut off */
};
static const uint64_t apart_ns = 1000000; /* between the two events of one start */

static uint32_t number(const struct sn_etw_decoded *decoded, uint32_t column)
{
	return (uint32_t)decoded->column[column].number;
}

static int is_image(const struct sn_etw_event *event)
{
	return event->id == IMAGE || event->id == IMAGE_UNLOAD;
}

/* Whether it is about a process, not about what one did. */
static int is_process(const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
{
	return decoded->provider == SN_ETW_CLASSIC_PROCESS ||
	       (decoded->provider == SN_ETW_KERNEL_PROCESS && !is_image(event));
}

static int is_listed(const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
{
	return decoded->provider == SN_ETW_CLASSIC_PROCESS ? event->id == CLASSIC_RUNDOWN : event->id == RUNDOWN;
}

int sn_etw_learn__is_start(const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
{
	return event->id == START && is_process(event, decoded);
}

uint32_t sn_etw_learn__pid(const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
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

/* ---- what is said ---- */

/* Who the event is about: by its sequence number where it has one. */
static struct sn_actor_id subject(const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
{
	struct sn_actor_id id = {.pid = sn_etw_learn__pid(event, decoded), .time = event->time};

	_Static_assert((int)SN_ETW_PROCESS_START_ProcessSequenceNumber ==
			       (int)SN_ETW_PROCESS_STOP_ProcessSequenceNumber,
		       "the column is taken by PROCESS_START's number");
	if (decoded->provider == SN_ETW_KERNEL_PROCESS && !is_image(event))
		id.sequence = decoded->column[SN_ETW_PROCESS_START_ProcessSequenceNumber].number;
	return id;
}

/* When it was made, 0: not said. */
static uint64_t created(const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
{
	uint64_t time;

	if (decoded->provider != SN_ETW_KERNEL_PROCESS)
		return 0;
	time = sn_etw__filetime_ns(decoded->column[SN_ETW_PROCESS_START_CreateTime].number);
	return time <= event->time ? time : 0;
}

/* `head` (UTF-8), and behind it `text` (UTF-16). */
static void set(struct sn_etw_learner *learner, struct sn_actor *actor, enum sn_actor_text which, struct sn_bytes head,
		struct sn_bytes text)
{
	uint8_t *room = sn_actors__room(learner->actors);

	_Static_assert((int)SN_ETW_NAME_MAX + SN_ETW_UTF8_ROOM(UINT16_MAX) <= (int)SN_ACTOR_ROOM, "of any event");
	if (head.len)
		sn_bytes__copy(room, head.at, head.len);
	sn_actors__set(learner->actors, actor, which, room, head.len + sn_etw__utf8(room + head.len, text));
}

static void set_line(struct sn_etw_learner *learner, struct sn_actor *actor, struct sn_bytes text)
{
	if (text.len)
		set(learner, actor, SN_ACTOR_LINE, (struct sn_bytes){0}, text);
}

static void set_image(struct sn_etw_learner *learner, struct sn_actor *actor, struct sn_bytes path)
{
	struct sn_etw_path named;

	if (!path.len)
		return;
	named = sn_etw_names__path(learner->names, path);
	set(learner, actor, SN_ACTOR_IMAGE, named.head, named.rest);
}

static void set_user(struct sn_etw_learner *learner, struct sn_actor *actor, struct sn_bytes sid)
{
	struct sn_bytes name = {0};

	if (sid.len)
		name = sn_etw_names__account(learner->names, sid);
	if (name.len)
		sn_actors__set(learner->actors, actor, SN_ACTOR_USER, name.at, name.len);
}

static uint32_t parent_pid(const struct sn_etw_decoded *decoded)
{
	return number(decoded, decoded->provider == SN_ETW_KERNEL_PROCESS
				       ? (uint32_t)SN_ETW_PROCESS_START_ParentProcessID
				       : SN_ETW_CLASSIC_PROCESS_ParentId);
}

static void learn(struct sn_etw_learner *learner, struct sn_actor *actor, const struct sn_etw_decoded *decoded)
{
	const struct sn_etw_column *column = decoded->column;
	struct sn_bytes name;

	actor->parent.time = actor->start;
	actor->parent.pid = parent_pid(decoded);
	if (decoded->provider == SN_ETW_KERNEL_PROCESS) {
		actor->id.sequence = column[SN_ETW_PROCESS_START_ProcessSequenceNumber].number;
		actor->parent.sequence = column[SN_ETW_PROCESS_START_ParentProcessSequenceNumber].number;
		set_image(learner, actor, column[SN_ETW_PROCESS_START_ImageName].bytes);
		return;
	}
	name = column[SN_ETW_CLASSIC_PROCESS_ImageFileName].bytes;
	actor->name_len = (uint8_t)(name.len < SN_ACTOR_NAME ? name.len : SN_ACTOR_NAME);
	if (actor->name_len)
		sn_bytes__copy(actor->name, name.at, actor->name_len);
	set_line(learner, actor, column[SN_ETW_CLASSIC_PROCESS_CommandLine].bytes);
	set_user(learner, actor, column[SN_ETW_CLASSIC_PROCESS_UserSID].bytes);
}

/* Takes `path` of a file that the process mapped for its image, if it has the image's name and none is known. */
static void learn_mapped(struct sn_etw_learner *learner, struct sn_actor *actor, struct sn_bytes path)
{
	uint32_t begin = path.len & ~1u, length;

	if (actor->text[SN_ACTOR_IMAGE] || !actor->name_len)
		return;
	while (begin >= 2 && (path.at[begin - 2] != '\\' || path.at[begin - 1]))
		begin -= 2;
	length = (path.len - begin) / 2;
	if (length != actor->name_len && (actor->name_len < SHORT_NAME || length < actor->name_len))
		return;
	for (uint32_t i = 0; i < actor->name_len; i++) {
		if (path.at[begin + 2 * i + 1] ||
		    sn_bytes__lower(path.at[begin + 2 * i]) != sn_bytes__lower(actor->name[i]))
			return;
	}
	set_image(learner, actor, path);
}

/* ---- events ---- */

/* Whether sn_etw_learner__look noted the process by this very start. */
static int is_foreseen(const struct sn_actor *actor, const struct sn_etw_event *event)
{
	return !actor->sources && actor->start == event->time;
}

void sn_etw_learner__start(struct sn_etw_learner *learner, const struct sn_etw_event *event,
			   const struct sn_etw_decoded *decoded, int is_second)
{
	struct sn_actor_id id = subject(event, decoded), either = id, parent = {.pid = parent_pid(decoded)};
	uint64_t start = created(event, decoded);
	struct sn_actor *actor;

	either.time += apart_ns;
	actor = sn_actors__find(learner->actors, is_second ? &either : &id);
	if (!actor || actor->end || !(is_second || is_foreseen(actor, event)))
		actor = sn_actors__start(learner->actors, &id, &parent, start ? start : event->time, SN_TOLD_BY_ETW);
	else if (start && start < actor->start)
		actor->start = start;
	actor->sources |= SN_TOLD_BY_ETW;
	learn(learner, actor, decoded);
}

/* One that lived when the trace began, or when it ended; `now` is when that is said. */
static void list(struct sn_etw_learner *learner, const struct sn_etw_event *event, const struct sn_etw_decoded *decoded,
		 uint64_t now)
{
	int ended_with_trace = decoded->provider == SN_ETW_CLASSIC_PROCESS && event->id == CLASSIC_RUNDOWN_END;
	struct sn_actor_id id = subject(event, decoded);
	struct sn_actor *actor;

	id.time = now;
	actor = sn_actors__find(learner->actors, &id);
	if (!actor || actor->end) {
		id.time = 0;
		actor = sn_actors__begin(learner->actors, &id,
					 ended_with_trace ? event->time : created(event, decoded));
	}
	learn(learner, actor, decoded);
}

static int maps(const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
{
	if (decoded->provider == SN_ETW_KERNEL_PROCESS)
		return event->id == IMAGE;
	return decoded->provider == SN_ETW_CLASSIC_IMAGE &&
	       (event->id == CLASSIC_IMAGE_LOAD || event->id == CLASSIC_RUNDOWN);
}

static struct sn_bytes mapped(const struct sn_etw_decoded *decoded)
{
	uint32_t column = decoded->provider == SN_ETW_KERNEL_PROCESS ? (uint32_t)SN_ETW_IMAGE_LOAD_ImageName
								     : SN_ETW_CLASSIC_IMAGE_FileName;

	return decoded->column[column].bytes;
}

void sn_etw_learner__event(struct sn_etw_learner *learner, const struct sn_etw_event *event,
			   const struct sn_etw_decoded *decoded)
{
	struct sn_actor_id id;
	struct sn_actor *actor;

	if (!is_process(event, decoded) && !maps(event, decoded))
		return;
	id = subject(event, decoded);
	if (is_process(event, decoded) && event->id != STOP) {
		list(learner, event, decoded, event->time);
		return;
	}
	actor = sn_actors__find(learner->actors, &id);
	if (actor && event->id == STOP && is_process(event, decoded) && !actor->end)
		actor->end = event->time;
	else if (actor && maps(event, decoded))
		learn_mapped(learner, actor, mapped(decoded));
}

void sn_etw_learner__look(struct sn_etw_learner *learner, const struct sn_etw_event *event,
			  const struct sn_etw_decoded *decoded)
{
	struct sn_actor_id id = subject(event, decoded);
	struct sn_actor *actor;

	id.time = UINT64_MAX;
	actor = sn_actors__find(learner->actors, &id);
	if (is_process(event, decoded) && is_listed(event, decoded) && (!actor || !actor->id.time)) {
		list(learner, event, decoded, UINT64_MAX);
	} else if (sn_etw_learn__is_start(event, decoded) && !actor) {
		id.time = event->time;
		sn_actors__begin(learner->actors, &id, event->time);
	} else if (actor && !actor->id.time && decoded->provider == SN_ETW_CLASSIC_IMAGE &&
		   event->id == CLASSIC_RUNDOWN) {
		learn_mapped(learner, actor, mapped(decoded));
	}
}

const char *sn_etw_learner__ask(struct sn_etw_learner *learner, struct sn_actor *actor, sn_etw_command_line *ask)
{
	uint8_t *room = sn_actors__room(learner->actors);
	const char *from = NULL;
	uint32_t len;

	if (actor->text[SN_ACTOR_LINE])
		return NULL;
	len = ask(actor->id.pid, actor->start, room, &from);
	if (!len)
		return NULL;
	sn_actors__set(learner->actors, actor, SN_ACTOR_LINE, room, len);
	return from;
}
