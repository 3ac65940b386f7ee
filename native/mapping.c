/* SPDX-License-Identifier: Apache-2.0 */
#include "mapping.h"

#include <stdlib.h>
#include <string.h>

#include "key_hash.h"
#include "logsource.h"
#include "rule_table.h"
#include "sysmon_form.h"
#include "text.h"

struct row {
	const char *service;
	const char *category;
	const char *field;
	enum sn_how how;
	const char *from;
};

struct event {
	const char *service;
	uint32_t id;
	const char *category;
};

static const struct row rows[] = {
#define SN_MAP(service, category, field, how, from) {service, category, field, SN_HOW_##how, from},
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
	STEPS_MAX = 192,
	KIND_BITS = 8,
	KINDS = 1 << KIND_BITS, /* slots of the hash of kinds of events, more than twice as many */
	MEMBER_MAX = 32,
};

/* One field of one kind of event. */
struct step {
	const struct row *row;
	uint32_t field;
	uint32_t from[2]; /* the second: SN_NO_FIELD but for PATH, KEY and DATA */
};

/* Of one service and id. */
struct kind {
	uint32_t service, id;
	struct sn_mapped mapped;
};

_Static_assert((int)KINDS >= 2 * (int)EVENTS, "kinds are found in a step or two");

struct sn_mapping {
	uint32_t fields; /* of the table */
	uint32_t steps;
	uint32_t members;
	struct kind kind[KINDS];
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

static uint32_t slot_of(const struct sn_mapping *mapping, uint32_t service, uint32_t id)
{
	uint32_t i = sn_pair_hash(service, id, KIND_BITS);

	while (mapping->kind[i].service && (mapping->kind[i].service != service || mapping->kind[i].id != id))
		i = (i + 1) % KINDS;
	return i;
}

static void add_step(struct sn_mapping *mapping, const struct sn_rules *rules, const struct row *row, struct kind *kind)
{
	size_t first = strcspn(row->from, " ");
	const char *second = row->from[first] ? row->from + first + 1 : NULL;
	struct step step = {.row = row};

	step.field = known_number(mapping, rules, row->field);
	if (step.field == UINT32_MAX || mapping->steps == STEPS_MAX)
		return;
	step.from[0] = number_of(mapping, rules, row->from, first);
	step.from[1] = second ? number_of(mapping, rules, second, strlen(second)) : UINT32_MAX;
	for (uint32_t i = kind->mapped.from; i < kind->mapped.to; i++) {
		const struct step *other = &mapping->step[i];

		if (other->field == step.field && strcmp(other->row->category, row->category) != 0)
			return; /* the event's other category has it as well */
	}
	mapping->step[mapping->steps++] = step;
	kind->mapped.to = mapping->steps;
}

/* One of the categories of a kind of events. */
static void add(struct sn_mapping *mapping, const struct sn_rules *rules, const struct event *event)
{
	uint32_t service = sn_logsource__service_named(event->service);
	struct kind *kind = &mapping->kind[slot_of(mapping, service, event->id)];

	/* rows of one kind stand together, so that what is made of them does */
	if (!kind->service)
		*kind = (struct kind){service, event->id, {mapping->steps, mapping->steps}};
	for (uint32_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].service, event->service) == 0 && strcmp(rows[i].category, event->category) == 0)
			add_step(mapping, rules, &rows[i], kind);
}

struct sn_mapping *sn_mapping__new(const struct sn_rules *rules)
{
	struct sn_mapping *mapping = calloc(1, sizeof(*mapping));

	if (!mapping)
		return NULL;
	mapping->fields = sn_rules__field_count(rules);
	for (uint32_t i = 0; i < SN_START_FIELDS; i++)
		number_of(mapping, rules, starts[i], strlen(starts[i]));
	for (uint32_t i = 0; i < EVENTS; i++)
		add(mapping, rules, &events[i]);
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

static const struct sn_value *present(const struct sn_values *values, enum sn_how how, uint32_t number)
{
	const struct sn_value *value = number == UINT32_MAX ? NULL : &values->event.value[number];

	if (!value || value->state != SN_PRESENT || sn_sysmon__is_none(how, (const char *)value->text, value->len))
		return NULL;
	return value;
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t len)
{
	if (len)
		memcpy(at, bytes, len);
	return at + len;
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

/* first\second; with only one of them, that one. */
static struct sn_value joined(struct sn_values *values, enum sn_how how, const struct sn_value *first,
			      const struct sn_value *second)
{
	static const char unnamed[] = SN_SYSMON_DEFAULT;
	uint8_t *room, *end;

	room = sn_values__room(values, first->len + (second ? second->len : 0) + sizeof(unnamed));
	if (!room)
		return (struct sn_value){.state = SN_LOST};
	if (how == SN_HOW_KEY)
		end = room + sn_sysmon__key((char *)room, (const char *)first->text, first->len, 1);
	else
		end = put(room, first->text, first->len);
	if (second) {
		*end++ = '\\';
		end = how == SN_HOW_KEY && !second->len ? put(end, unnamed, sizeof(unnamed) - 1)
							: put(end, second->text, second->len);
	}
	sn_values__used(values, end);
	return sn_value__text(room, (uint32_t)(end - room));
}

static struct sn_value details(struct sn_values *values, const struct sn_value *type, const struct sn_value *data)
{
	uint8_t *room = sn_values__room(values, SN_SYSMON_DETAILS_MAX);
	size_t len;

	if (!room)
		return (struct sn_value){.state = SN_LOST};
	len = sn_sysmon__details((char *)room, (const char *)type->text, type->len, (const char *)data->text,
				 data->len);
	sn_values__used(values, room + len);
	return len ? sn_value__text(room, (uint32_t)len) : *data;
}

/* Whether it gave the field a value. */
static bool take(const struct step *step, struct sn_values *values)
{
	const enum sn_how how = step->row->how;
	const struct sn_value *first = present(values, how, step->from[0]),
			      *second = present(values, how, step->from[1]);
	const char *word = NULL;
	struct sn_value value;

	if (!first) {
		first = second;
		second = NULL;
	}
	if (!first)
		return false;
	value = *first;
	value.next = 0;
	if (how == SN_HOW_WORD || how == SN_HOW_KNOWN)
		word = sn_sysmon__word(step->row->field, (const char *)first->text, first->len);
	if (how == SN_HOW_KNOWN && !word)
		return false;
	if (word)
		value = sn_value__text(word, (uint32_t)strlen(word));
	else if (how == SN_HOW_HEX)
		value = decimal(values, value);
	else if (how == SN_HOW_PATH || how == SN_HOW_KEY)
		value = joined(values, how, first, second);
	else if (how == SN_HOW_DATA && second)
		value = details(values, first, second);
	sn_values__set(values, step->field, &value);
	return true;
}

struct sn_mapped sn_mapping__of(const struct sn_mapping *mapping, uint32_t service, uint32_t id)
{
	return mapping->kind[slot_of(mapping, service, id)].mapped;
}

uint32_t sn_mapping__made(const struct sn_mapping *mapping, struct sn_mapped mapped, uint32_t number, uint32_t skip)
{
	for (uint32_t i = mapped.from; i < mapped.to; i++)
		if ((mapping->step[i].from[0] == number || mapping->step[i].from[1] == number) && !skip--)
			return mapping->step[i].field;
	return UINT32_MAX;
}

void sn_mapping__apply(const struct sn_mapping *mapping, struct sn_mapped mapped, struct sn_values *values)
{
	uint32_t made = (uint32_t)SN_NO_FIELD; /* rows of one field stand together: the first that counts */

	for (uint32_t i = mapped.from; i < mapped.to; i++)
		if (mapping->step[i].field != made && take(&mapping->step[i], values))
			made = mapping->step[i].field;
}
