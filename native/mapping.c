/* SPDX-License-Identifier: Apache-2.0 */
#include "mapping.h"

#include <stdlib.h>
#include <string.h>

#include "logsource.h"
#include "rule_table.h"
#include "text.h"

enum how { COPY, HEX, PATH, KEY, ARGS, ENTRY, WAY };

struct row {
	const char *service;
	const char *category;
	const char *field;
	enum how how;
	const char *from;
};

struct event {
	const char *service;
	uint32_t id;
	const char *category;
};

static const struct row rows[] = {
#define SN_MAP(service, category, field, how, from) {service, category, field, how, from},
#include "taxonomy.def"
};

static const struct event events[] = {
#define SN_EVENT(service, id, category) {service, id, category},
#include "taxonomy.def"
};

/* By enum sn_start_field. */
static const char *const starts[SN_START_FIELDS] = {
	"Image",       "OriginalFileName", "CommandLine",	"ParentImage",	"ParentCommandLine", "ProcessId",
	"ProcessGuid", "ParentProcessId",  "ParentProcessGuid", "User",		"CurrentDirectory",  "UtcTime",
	"SystemTime",  "ImageLoaded",	   "TimeDateStamp",	"ImageChecksum"};

enum {
	ROWS = sizeof(rows) / sizeof(*rows),
	EVENTS = sizeof(events) / sizeof(*events),
	STEPS_MAX = 128,
	MEMBER_MAX = 32,
};

/* One field of one kind of event. */
struct step {
	uint32_t service;
	uint32_t id;
	enum how how;
	uint32_t field;
	uint32_t from[2]; /* the second: SN_NO_FIELD but for PATH and KEY */
};

struct sn_mapping {
	uint32_t fields; /* of the table */
	uint32_t steps;
	uint32_t members;
	struct step step[STEPS_MAX];
	char member[SN_VALUES_MEMBERS][MEMBER_MAX];
};

/* The number that a member has; a new one where the table has none. */
static uint32_t number_of(struct sn_mapping *mapping, const struct sn_rules *rules, const char *name, size_t len)
{
	uint32_t number = sn_rules__field(rules, name, len);

	if (number != UINT32_MAX || len >= MEMBER_MAX)
		return number;
	for (number = 0; number < mapping->members; number++) {
		if (strlen(mapping->member[number]) == len && memcmp(mapping->member[number], name, len) == 0)
			return mapping->fields + number;
	}
	if (number == SN_VALUES_MEMBERS)
		return UINT32_MAX;
	memcpy(mapping->member[number], name, len);
	mapping->members++;
	return mapping->fields + number;
}

uint32_t sn_mapping__start_field(const struct sn_rules *rules, enum sn_start_field field)
{
	uint32_t number = sn_rules__field(rules, starts[field], strlen(starts[field])), behind = 0;

	for (uint32_t i = 0; i < field; i++)
		behind += sn_rules__field(rules, starts[i], strlen(starts[i])) == UINT32_MAX;
	return number == UINT32_MAX ? sn_rules__field_count(rules) + behind : number;
}

/* Of a field of the table or a member that has a number already. */
static uint32_t known_number(const struct sn_mapping *mapping, const struct sn_rules *rules, const char *name)
{
	uint32_t number = sn_rules__field(rules, name, strlen(name));

	for (uint32_t i = 0; number == UINT32_MAX && i < mapping->members; i++)
		if (strcmp(mapping->member[i], name) == 0)
			return mapping->fields + i;
	return number;
}

static void add(struct sn_mapping *mapping, const struct sn_rules *rules, const struct row *row,
		const struct event *event)
{
	size_t first = strcspn(row->from, " ");
	const char *second = row->from[first] ? row->from + first + 1 : NULL;
	struct step step = {.id = event->id, .how = row->how};

	step.field = known_number(mapping, rules, row->field);
	if (step.field == UINT32_MAX || mapping->steps == STEPS_MAX)
		return;
	step.service = sn_logsource__service_named(row->service);
	step.from[0] = number_of(mapping, rules, row->from, first);
	step.from[1] = second ? number_of(mapping, rules, second, strlen(second)) : UINT32_MAX;
	for (uint32_t i = 0; i < mapping->steps; i++) {
		const struct step *other = &mapping->step[i];

		if (other->service == step.service && other->id == step.id && other->field == step.field)
			return; /* the event's other category has it as well */
	}
	mapping->step[mapping->steps++] = step;
}

struct sn_mapping *sn_mapping__new(const struct sn_rules *rules)
{
	struct sn_mapping *mapping = calloc(1, sizeof(*mapping));

	if (!mapping)
		return NULL;
	mapping->fields = sn_rules__field_count(rules);
	for (uint32_t i = 0; i < SN_START_FIELDS; i++)
		number_of(mapping, rules, starts[i], strlen(starts[i]));
	for (uint32_t i = 0; i < EVENTS; i++) {
		for (uint32_t j = 0; j < ROWS; j++) {
			if (strcmp(rows[j].service, events[i].service) == 0 &&
			    strcmp(rows[j].category, events[i].category) == 0)
				add(mapping, rules, &rows[j], &events[i]);
		}
	}
	return mapping;
}

void sn_mapping__free(struct sn_mapping *mapping)
{
	free(mapping);
}

const char *sn_mapping__member(const struct sn_mapping *mapping, uint32_t number)
{
	return number < mapping->members ? mapping->member[number] : NULL;
}

/* ---- values ---- */

static const struct sn_value *present(const struct sn_values *values, uint32_t number)
{
	const struct sn_value *value = number == UINT32_MAX ? NULL : &values->event.value[number];

	return value && value->state == SN_PRESENT ? value : NULL;
}

/* 0x1a2c as 6700; what is no hexadecimal number of 64 bits stays as it is. */
static struct sn_value decimal(struct sn_values *values, struct sn_value value)
{
	uint64_t number = 0;
	uint8_t *room;

	if (value.len < 3 || value.len > 18 || value.text[0] != '0' || (value.text[1] | 0x20) != 'x')
		return value;
	for (uint32_t i = 2; i < value.len; i++) {
		uint32_t digit = value.text[i], letter = digit | 0x20;

		if (digit >= '0' && digit <= '9')
			digit -= '0';
		else if (letter >= 'a' && letter <= 'f')
			digit = letter - 'a' + 10;
		else
			return value;
		number = number << 4 | digit;
	}
	room = sn_values__room(values, SN_TEXT_NUMBER);
	if (!room)
		return (struct sn_value){.state = SN_LOST};
	value = sn_value__text(room, sn_text__u64((char *)room, number));
	sn_values__used(values, room + value.len);
	return value;
}

/* How Sysmon begins a key that the kernel names by `prefix`. */
static const struct {
	const char *prefix;
	const char *root;
} roots[] = {{"\\REGISTRY\\MACHINE\\", "HKLM\\"}, {"\\REGISTRY\\USER\\", "HKU\\"}};

static int begins(const struct sn_value *value, const char *prefix)
{
	uint32_t i = 0;

	for (; prefix[i] && i < value->len; i++) {
		uint8_t c = value->text[i];

		if ((c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) != prefix[i])
			return 0;
	}
	return !prefix[i];
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

/* first\second; with only one of them, that one. */
static struct sn_value joined(struct sn_values *values, const struct step *step, const struct sn_value *first,
			      const struct sn_value *second)
{
	struct sn_value head = *first;
	uint8_t *room, *end;

	room = sn_values__room(values, first->len + (second ? second->len : 0) + 8);
	if (!room)
		return (struct sn_value){.state = SN_LOST};
	end = room;
	for (uint32_t i = 0; step->how == KEY && i < sizeof(roots) / sizeof(*roots); i++) {
		if (!begins(first, roots[i].prefix))
			continue;
		end = put(end, roots[i].root, strlen(roots[i].root));
		head.text += strlen(roots[i].prefix);
		head.len -= (uint32_t)strlen(roots[i].prefix);
	}
	end = put(end, head.text, head.len);
	if (second) {
		*end++ = '\\';
		end = put(end, second->text, second->len);
	}
	sn_values__used(values, end);
	return sn_value__text(room, (uint32_t)(end - room));
}

/* A direction that is none stays as it is. */
static struct sn_value initiated(struct sn_value value)
{
	const char *text = sn_mapping__initiated((const char *)value.text, value.len);

	return text ? sn_value__text((const uint8_t *)text, (uint32_t)strlen(text)) : value;
}

static void take(const struct step *step, struct sn_values *values)
{
	const struct sn_value *first = present(values, step->from[0]), *second = present(values, step->from[1]);
	struct sn_value value;

	if (!first) {
		first = second;
		second = NULL;
	}
	if (!first)
		return;
	value = *first;
	value.next = 0;
	if (step->how == HEX)
		value = decimal(values, value);
	else if (step->how == WAY)
		value = initiated(value);
	else if (step->how == PATH || step->how == KEY)
		value = joined(values, step, first, second);
	sn_values__set(values, step->field, &value);
}

struct sn_mapped sn_mapping__of(const struct sn_mapping *mapping, uint32_t service, uint32_t id)
{
	struct sn_mapped mapped = {0};

	while (mapped.from < mapping->steps &&
	       (mapping->step[mapped.from].id != id || mapping->step[mapped.from].service != service))
		mapped.from++;
	mapped.to = mapped.from;
	/* they lie together, as the events do in taxonomy.def */
	while (mapped.to < mapping->steps && mapping->step[mapped.to].id == id &&
	       mapping->step[mapped.to].service == service)
		mapped.to++;
	return mapped;
}

int sn_mapping__reads(const struct sn_mapping *mapping, struct sn_mapped mapped, uint32_t number)
{
	for (uint32_t i = mapped.from; i < mapped.to; i++)
		if (mapping->step[i].from[0] == number || mapping->step[i].from[1] == number)
			return 1;
	return 0;
}

void sn_mapping__apply(const struct sn_mapping *mapping, struct sn_mapped mapped, struct sn_values *values)
{
	for (uint32_t i = mapped.from; i < mapped.to; i++)
		take(&mapping->step[i], values);
}
