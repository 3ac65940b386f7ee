/* SPDX-License-Identifier: Apache-2.0 */
#include "actor_events.h"

#include <string.h>

#include "bytes.h"

enum { GUID_TEXT = 36 };

_Static_assert((int)SN_ACTOR_TEXTS == (int)SN_ACTOR_BLOCK_TEXTS, "a block has all of them");

void sn_actor_fields__of(const struct sn_rules *rules, struct sn_actor_fields *out)
{
	for (uint32_t i = 0; i < SN_START_FIELDS; i++)
		out->number[i] = sn_mapping__start_field(rules, (enum sn_start_field)i);
	out->sysmon = sn_logsource__service_named("sysmon");
	out->security = sn_logsource__service_named("security");
}

/* ---- values ---- */

static struct sn_bytes text_of(const struct sn_actor_fields *fields, const struct sn_values *values,
			       enum sn_start_field which)
{
	return sn_values__text(values, fields->number[which]);
}

/* Decimal, or 0x1a4 as the audit log writes it. 0: none. */
static uint32_t pid_of(struct sn_bytes text)
{
	uint32_t base = text.len > 2 && text.at[0] == '0' && (text.at[1] | 0x20) == 'x' ? 16 : 10;
	uint64_t pid = 0;

	for (uint32_t i = base == 16 ? 2 : 0; i < text.len && pid <= UINT32_MAX; i++) {
		uint32_t c = text.at[i], digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

		if (digit >= base)
			return 0;
		pid = pid * base + digit;
	}
	return pid > UINT32_MAX ? 0 : (uint32_t)pid;
}

/* {B32F0EA1-0000-0000-0000-000000000000}, with or without braces. What is none is all zero, which means none. */
static struct sn_guid guid_of(struct sn_bytes text)
{
	static const uint8_t place[sizeof(struct sn_guid)] = {0,  2,  4,  6,  9,  11, 14, 16,
							      19, 21, 24, 26, 28, 30, 32, 34};
	uint8_t bytes[sizeof(place)];
	struct sn_guid guid = {0};
	uint32_t odd = 0;

	if (text.len == GUID_TEXT + 2 && text.at[0] == '{' && text.at[GUID_TEXT + 1] == '}')
		text = (struct sn_bytes){text.at + 1, GUID_TEXT};
	if (text.len != GUID_TEXT || text.at[8] != '-' || text.at[13] != '-' || text.at[18] != '-' ||
	    text.at[23] != '-')
		return guid;
	for (uint32_t i = 0; i < sizeof(place); i++) {
		uint32_t high = sn_bytes__hex_digit(text.at[place[i]]);
		uint32_t low = sn_bytes__hex_digit(text.at[place[i] + 1]);

		odd |= high | low;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	if (odd < 16)
		memcpy(&guid, bytes, sizeof(guid));
	return guid;
}

static uint32_t two(const uint8_t *at)
{
	return (uint32_t)(at[0] - '0') * 10 + at[1] - '0';
}

/* 2020-03-21 12:10:11.123, as Sysmon writes UTC, or 2020-03-21T12:10:11.1234567Z, as the event log does, in ns since
 * 1970; 0: it is neither. */
static uint64_t time_of(struct sn_bytes text)
{
	static const char form[] = "0000-00-00 00:00:00.";
	uint64_t days, year, month, ns = 0, digit_ns = 1000000000;
	uint32_t at = sizeof(form) - 1;

	if (text.len && text.at[text.len - 1] == 'Z')
		text.len--;
	if (text.len <= at)
		return 0;
	for (uint32_t i = 0; i < at; i++)
		if (form[i] == '0' ? text.at[i] < '0' || text.at[i] > '9'
				   : text.at[i] != (uint8_t)form[i] && !(form[i] == ' ' && text.at[i] == 'T'))
			return 0;
	for (; at < text.len && text.at[at] >= '0' && text.at[at] <= '9'; at++)
		ns += (digit_ns /= 10) * (uint64_t)(text.at[at] - '0');
	/* days_from_civil (Howard Hinnant), from 1970 on */
	month = two(text.at + 5);
	year = two(text.at) * 100 + two(text.at + 2) - (month <= 2);
	if (at < text.len || year < 1970 || !month || month > 12)
		return 0;
	days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 +
	       two(text.at + 8) - 1 - 719468;
	return (((days * 24 + two(text.at + 11)) * 60 + two(text.at + 14)) * 60 + two(text.at + 17)) * 1000000000 + ns;
}

/* When it happened: as Sysmon says, as the event log does, or as whoever gave the event; 0: nobody says it. */
static uint64_t moment_of(const struct sn_actor_fields *fields, const struct sn_values *values, uint64_t time)
{
	uint64_t said = time_of(text_of(fields, values, SN_START_TIME));

	if (!said)
		said = time_of(text_of(fields, values, SN_START_LOGGED));
	return said ? said : time;
}

/* ---- in ---- */

static void set(struct sn_actors *actors, struct sn_actor *actor, enum sn_actor_text which, struct sn_bytes text)
{
	if (text.len)
		sn_actors__set(actors, actor, which, text.at, text.len);
}

static struct sn_actor_id id_of(const struct sn_actor_fields *fields, const struct sn_values *values, uint64_t time)
{
	return (struct sn_actor_id){.pid = pid_of(text_of(fields, values, SN_START_PROCESS_ID)),
				    .time = time ? time : UINT64_MAX,
				    .guid = guid_of(text_of(fields, values, SN_START_PROCESS_GUID))};
}

static struct sn_actor *start(struct sn_actors *actors, const struct sn_actor_fields *fields,
			      const struct sn_values *values, uint64_t time, enum sn_actor_source source)
{
	static const struct {
		enum sn_actor_text text;
		enum sn_start_field from;
	} texts[] = {{SN_ACTOR_IMAGE, SN_START_IMAGE},
		     {SN_ACTOR_LINE, SN_START_COMMAND_LINE},
		     {SN_ACTOR_USER, SN_START_USER},
		     {SN_ACTOR_CWD, SN_START_DIRECTORY}};
	struct sn_actor_id id = id_of(fields, values, time);
	struct sn_actor_id parent = {.pid = pid_of(text_of(fields, values, SN_START_PARENT_PROCESS_ID)),
				     .time = time ? time : UINT64_MAX,
				     .guid = guid_of(text_of(fields, values, SN_START_PARENT_PROCESS_GUID))};
	struct sn_actor *actor;

	if (!id.pid)
		return NULL;
	if (parent.pid && !sn_actors__find(actors, &parent)) {
		actor = sn_actors__begin(actors, &parent, 0);
		set(actors, actor, SN_ACTOR_IMAGE, text_of(fields, values, SN_START_PARENT_IMAGE));
		set(actors, actor, SN_ACTOR_LINE, text_of(fields, values, SN_START_PARENT_COMMAND_LINE));
	}
	actor = sn_actors__start(actors, &id, &parent, time, source);
	for (uint32_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!sn_actors__size(actors, actor, texts[i].text))
			set(actors, actor, texts[i].text, text_of(fields, values, texts[i].from));
	return actor;
}

struct sn_actor *sn_actor_events__learn(struct sn_actors *actors, const struct sn_actor_fields *fields,
					const struct sn_values *values, const struct sn_routes *routes, uint64_t time)
{
	enum { SYSMON_START = 1, AUDIT_START = 4688 };
	int by_sysmon = routes->id == SYSMON_START && routes->service == fields->sysmon;

	if (!by_sysmon && !(routes->id == AUDIT_START && routes->service == fields->security))
		return NULL;
	return start(actors, fields, values, moment_of(fields, values, time),
		     by_sysmon ? SN_TOLD_BY_SYSMON : SN_TOLD_BY_AUDIT);
}

void sn_actor_events__end(struct sn_actors *actors, const struct sn_actor_fields *fields,
			  const struct sn_values *values, const struct sn_routes *routes, uint64_t time)
{
	enum { SYSMON_END = 5, AUDIT_END = 4689 };
	struct sn_actor_id id;
	struct sn_actor *actor;

	if (!(routes->id == SYSMON_END && routes->service == fields->sysmon) &&
	    !(routes->id == AUDIT_END && routes->service == fields->security))
		return;
	time = moment_of(fields, values, time);
	id = id_of(fields, values, time);
	actor = id.pid ? sn_actors__find(actors, &id) : NULL;
	if (actor)
		sn_actors__end(actor, time);
}

/* ---- out ---- */

struct sn_actor *sn_actor_events__find(struct sn_actors *actors, const struct sn_actor_fields *fields,
				       const struct sn_values *values, uint64_t time)
{
	struct sn_actor_id id = id_of(fields, values, moment_of(fields, values, time));

	return id.pid ? sn_actors__find(actors, &id) : NULL;
}

size_t sn_actor_events__write(const struct sn_actors *actors, const struct sn_actor *actor, uint8_t *to, size_t room)
{
	struct sn_actor_block block = {.pid = actor->id.pid, .start = actor->start};
	size_t used = sizeof(block);

	for (uint32_t i = 0; i < SN_ACTOR_TEXTS; i++) {
		size_t size = sn_actors__size(actors, actor, (enum sn_actor_text)i);

		if (used > room || size > room - used)
			return 0;
		block.text[i] = (struct sn_span){(uint32_t)used, (uint32_t)size};
		sn_actors__read(actors, actor, (enum sn_actor_text)i, to + used);
		used += size;
	}
	if (used + 7 > room)
		return 0;
	memset(to + used, 0, -used & 7);
	block.size = (uint32_t)(used + (-used & 7));
	memcpy(to, &block, sizeof(block));
	return block.size;
}
