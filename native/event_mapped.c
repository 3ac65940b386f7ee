/* SPDX-License-Identifier: Apache-2.0 */
#include "event_mapped.h"

#include "mapping.h"
#include "text.h"

enum how { COPY, HEX, PATH, KEY, ARGS, ENTRY, WAY };

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
	enum how how;
} rows[] = {
#define SN_MAP(service, category, field, how, from) {service, category, field, from, how},
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
	return 2 * size + (size_t)SN_MAPPED_MAX * (SN_TEXT_NUMBER + 16);
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

/* How Sysmon begins a key; as they stand in JSON. */
static uint32_t put_root(struct made *made, const char *text, uint32_t len)
{
	static const char *const roots[][2] = {{"\\\\REGISTRY\\\\MACHINE\\\\", "HKLM\\\\"},
					       {"\\\\REGISTRY\\\\USER\\\\", "HKU\\\\"}};

	for (uint32_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		uint32_t n = 0;

		while (roots[i][0][n] && n < len &&
		       (text[n] >= 'a' && text[n] <= 'z' ? text[n] - 'a' + 'A' : text[n]) == roots[i][0][n])
			n++;
		if (roots[i][0][n])
			continue;
		put(made, roots[i][1], strlen(roots[i][1]));
		return n;
	}
	return 0;
}

static void make(struct made *made, struct sn_member *field, enum how how, const struct sn_member *first,
		 const struct sn_member *second)
{
	const char *text[2], *begin = made->text;
	uint32_t len[2] = {inside_of(first, &text[0]), inside_of(second, &text[1])}, root = 0;
	const char *way = how == WAY ? sn_mapping__initiated(text[0], len[0]) : NULL;
	uint64_t number;

	field->value = first->value;
	field->value_len = first->value_len;
	field->odd = first->odd || (second && second->odd);
	if (how == COPY || (how == WAY && !way) || (how == HEX && !read_hex(text[0], len[0], &number)))
		return;
	put(made, "\"", 1);
	if (how == HEX) {
		made->text += sn_text__u64(made->text, number);
	} else if (way) {
		put(made, way, strlen(way));
	} else {
		if (how == KEY)
			root = put_root(made, text[0], len[0]);
		put(made, text[0] + root, len[0] - root);
		if (second) {
			put(made, "\\\\", 2);
			put(made, text[1], len[1]);
		}
	}
	put(made, "\"", 1);
	field->value = begin;
	field->value_len = (uint32_t)(made->text - begin);
}

static const struct sn_member *named(const struct sn_member *field, uint32_t count, const char *name, size_t len)
{
	const struct sn_member *found;
	char copy[NAME_MAX];

	if (len >= sizeof(copy))
		return NULL;
	memcpy(copy, name, len);
	copy[len] = 0;
	found = sn_member__find(field, count, copy);
	return found && *found->value != 'n' && *found->value != '[' ? found : NULL;
}

static void take(struct made *made, uint32_t row, const struct sn_member *field, uint32_t count)
{
	size_t len = strcspn(rows[row].from, " ");
	const struct sn_member *first = named(field, count, rows[row].from, len), *second = NULL;
	struct sn_member *out = &made->field[made->count];

	for (uint32_t i = 0; i < made->count; i++) {
		if (sn_member__is_named(&made->field[i], rows[row].field))
			return;
	}
	if (rows[row].from[len])
		second = named(field, count, rows[row].from + len + 1, strlen(rows[row].from + len + 1));
	if ((!first && !second) || made->count == SN_MAPPED_MAX)
		return;
	sn_member__name(out, rows[row].field, (uint32_t)strlen(rows[row].field));
	make(made, out, rows[row].how, first ? first : second, first ? second : NULL);
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
