/* SPDX-License-Identifier: Apache-2.0 */
#include "event_mapped.h"

#include "sysmon_form.h"
#include "text.h"

static const struct {
	const char *name, *service;
} channels[] = {
#define SN_CHANNEL(channel, service) {channel, service},
#include "taxonomy.def"
};

static const struct {
	const char *service, *category;
	uint32_t id;
} events[] = {
#define SN_EVENT(service, id, category) {service, category, id},
#include "taxonomy.def"
};

static const struct {
	const char *service, *category, *field, *from;
	enum sn_how how;
} rows[] = {
#define SN_MAP(service, category, field, how, from) {service, category, field, from, SN_HOW_##how},
#include "taxonomy.def"
};

enum {
	CHANNELS = sizeof(channels) / sizeof(*channels),
	EVENTS = sizeof(events) / sizeof(*events),
	ROWS = sizeof(rows) / sizeof(*rows),
	NAME_MAX = 32, /* of a member that something is made from */
};

/* What is added, before it is: rows see the event's own members. */
struct made {
	struct sn_member field[SN_MAPPED_MAX];
	uint32_t count;
	char *text;
};

size_t sn_event_mapped__room(size_t size)
{
	return 2 * size + (size_t)SN_MAPPED_MAX * (SN_SYSMON_DETAILS_MAX + 16);
}

/* A string's inside as it stands in the line, or a number, true or false; its length, 0 for anything else. */
static uint32_t inside_of(const struct sn_member *value, const char **text)
{
	*text = "";
	if (!value || *value->value == '[' || *value->value == '{' || *value->value == 'n')
		return 0;
	*text = value->value + (*value->value == '"');
	return value->value_len - (*value->value == '"' ? 2 : 0);
}

/* "" for a channel that is not in the table. */
static const char *service_named(const struct sn_member *channel)
{
	const char *text;
	uint32_t len = inside_of(channel, &text);

	for (uint32_t i = 0; len && i < CHANNELS; i++) {
		if (strlen(channels[i].name) == len && memcmp(channels[i].name, text, len) == 0)
			return channels[i].service;
	}
	return "";
}

static const char *service_of(const struct sn_member *field, uint32_t count)
{
	static const char *const names[] = {"Channel", "Provider_Name", "SourceName"};
	const char *service = "";

	for (uint32_t i = 0; !*service && i < sizeof(names) / sizeof(*names); i++)
		service = service_named(sn_member__find(field, count, names[i]));
	return service;
}

static uint32_t id_of(const struct sn_member *value)
{
	const char *text;
	uint32_t len = inside_of(value, &text), id = 0;

	for (uint32_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' || id > 99999)
			return UINT32_MAX;
		id = id * 10 + (uint32_t)(text[i] - '0');
	}
	return len ? id : UINT32_MAX;
}

/* 0x and up to 16 digits as a decimal; 0 for what is none. */
static int read_hex(const char *text, uint32_t len, uint64_t *number)
{
	*number = 0;
	if (len < 3 || len > 18 || text[0] != '0' || (text[1] | 0x20) != 'x')
		return 0;
	for (uint32_t i = 2; i < len; i++) {
		char c = text[i], letter = c | 0x20;

		if (c >= '0' && c <= '9')
			*number = *number << 4 | (uint64_t)(c - '0');
		else if (letter >= 'a' && letter <= 'f')
			*number = *number << 4 | (uint64_t)(letter - 'a' + 10);
		else
			return 0;
	}
	return 1;
}

static void put(struct made *made, const char *text, size_t len)
{
	memcpy(made->text, text, len);
	made->text += len;
}

/* What stands between the quotes; 0: the first member stays as it is. */
static int put_made(struct made *made, uint32_t row, const char *const text[2], const uint32_t len[2], int is_second)
{
	enum sn_how how = rows[row].how;
	char details[SN_SYSMON_DETAILS_MAX];
	const char *word;
	uint64_t number;
	size_t size;

	switch (how) {
	case SN_HOW_WORD:
	case SN_HOW_KNOWN:
		word = sn_sysmon__word(rows[row].field, text[0], len[0]);
		for (; word && *word; word++)
			put(made, *word == '\\' ? "\\\\" : word, *word == '\\' ? 2 : 1);
		return word != NULL;
	case SN_HOW_HEX:
		if (!read_hex(text[0], len[0], &number))
			return 0;
		made->text += sn_text__u64(made->text, number);
		return 1;
	case SN_HOW_DATA:
		size = is_second ? sn_sysmon__details(details, text[0], len[0], text[1], len[1]) : 0;
		if (size)
			put(made, details, size);
		return size != 0;
	case SN_HOW_KEY:
	case SN_HOW_PATH:
		if (how == SN_HOW_KEY)
			made->text += sn_sysmon__key(made->text, text[0], len[0], 2);
		else
			put(made, text[0], len[0]);
		if (!is_second)
			return 1;
		put(made, "\\\\", 2);
		if (how == SN_HOW_KEY && !len[1])
			put(made, SN_SYSMON_DEFAULT, strlen(SN_SYSMON_DEFAULT));
		else
			put(made, text[1], len[1]);
		return 1;
	default:
		return 0;
	}
}

static void make(struct made *made, struct sn_member *field, uint32_t row, const struct sn_member *first,
		 const struct sn_member *second)
{
	const char *text[2], *begin = made->text;
	uint32_t len[2] = {inside_of(first, &text[0]), inside_of(second, &text[1])};

	field->odd = first->odd || (second && second->odd);
	put(made, "\"", 1);
	if (put_made(made, row, text, len, second != NULL)) {
		put(made, "\"", 1);
		field->value = begin;
		field->value_len = (uint32_t)(made->text - begin);
		return;
	}
	made->text = (char *)begin;
	if (rows[row].how == SN_HOW_DATA && second)
		first = second;
	field->value = first->value;
	field->value_len = first->value_len;
}

static const struct sn_member *named(const struct sn_member *field, uint32_t count, uint32_t row, const char *name,
				     size_t len)
{
	const struct sn_member *found;
	const char *text;
	char copy[NAME_MAX];

	if (!len || len >= sizeof(copy))
		return NULL;
	memcpy(copy, name, len);
	copy[len] = 0;
	found = sn_member__find(field, count, copy);
	if (!found || *found->value == 'n' || *found->value == '[')
		return NULL;
	len = inside_of(found, &text);
	return sn_sysmon__is_none(rows[row].how, text, len) ? NULL : found;
}

static void take(struct made *made, uint32_t row, const struct sn_member *field, uint32_t count)
{
	const char *from = rows[row].from, *text;
	size_t len = strcspn(from, " "), behind = len + (from[len] != 0);
	const struct sn_member *first = named(field, count, row, from, len),
			       *second = named(field, count, row, from + behind, strlen(from + behind));
	struct sn_member *out = &made->field[made->count];

	for (uint32_t i = 0; i < made->count; i++) {
		if (sn_member__is_named(&made->field[i], rows[row].field))
			return;
	}
	if ((!first && !second) || made->count == SN_MAPPED_MAX)
		return;
	if (rows[row].how == SN_HOW_KNOWN) {
		len = inside_of(first, &text);
		if (!sn_sysmon__word(rows[row].field, text, len))
			return;
	}
	sn_member__name(out, rows[row].field, (uint32_t)strlen(rows[row].field));
	make(made, out, row, first ? first : second, first ? second : NULL);
	made->count++;
}

uint32_t sn_event_mapped__add(struct sn_member *field, uint32_t count, char *text)
{
	uint32_t id = id_of(sn_member__find(field, count, "EventID"));
	const char *service = service_of(field, count);
	struct made made = {.text = text};

	for (uint32_t i = 0; i < EVENTS; i++) {
		if (events[i].id != id || strcmp(events[i].service, service) != 0)
			continue;
		for (uint32_t j = 0; j < ROWS; j++) {
			if (strcmp(rows[j].service, service) == 0 && strcmp(rows[j].category, events[i].category) == 0)
				take(&made, j, field, count);
		}
	}
	memcpy(field + count, made.field, made.count * sizeof(*field));
	return count + made.count;
}
