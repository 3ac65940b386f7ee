/* SPDX-License-Identifier: Apache-2.0 */
#include "alert_json.h"

/* What is longer may not fit into a double. */
enum { DECIMAL_MAX = 200, EXPONENT_MAX = 2 };

/* -2^63 .. 2^64 - 1 */
static int fits_64_bits(const char *text, uint32_t len)
{
	int negative = *text == '-';
	uint64_t value = 0, most = negative ? (uint64_t)1 << 63 : UINT64_MAX;

	for (uint32_t i = negative; i < len; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');

		if (value > (most - digit) / 10)
			return 0;
		value = value * 10 + digit;
	}
	return 1;
}

/* Other numbers stay the text that they were: not every reader could take them. */
static int is_readable_number(const char *text, uint32_t len)
{
	uint32_t exponent = 0;

	for (uint32_t i = 0; i < len; i++) {
		if (text[i] != 'e' && text[i] != 'E')
			continue;
		exponent = len - i - 1;
		exponent -= text[i + 1] == '+' || text[i + 1] == '-';
	}
	if (exponent || memchr(text, '.', len))
		return len <= DECIMAL_MAX && exponent <= EXPONENT_MAX;
	return fits_64_bits(text, len);
}

static void put_scalar(struct sn_writer *w, const char *text, uint32_t len)
{
	if (*text == '"') {
		sn_write__literal(w, "\"");
		sn_write__again(w, (const uint8_t *)text + 1, len - 2);
		sn_write__literal(w, "\"");
	} else if (*text == 't' || *text == 'f' || *text == 'n' || is_readable_number(text, len)) {
		sn_write__bytes(w, text, len);
	} else {
		sn_write__text(w, (const uint8_t *)text, len);
	}
}

static void put_value(struct sn_writer *w, const struct sn_member *field)
{
	struct sn_json json = sn_member__json(field);
	struct sn_member element;

	if (!sn_json__take(&json, '[')) {
		put_scalar(w, field->value, field->value_len);
		return;
	}
	sn_write__literal(w, "[");
	if (!sn_json__take(&json, ']')) {
		do {
			sn_member__value(&json, &element);
			put_scalar(w, element.value, element.value_len);
			sn_write__literal(w, ",");
		} while (sn_json__take(&json, ','));
	}
	sn_write__close(w, ']');
}

void sn_alert_event__fields(struct sn_writer *w, const struct sn_event_fields *fields)
{
	for (uint32_t i = 0; i < fields->count; i++) {
		sn_write__key(w, fields->field[i].name, fields->field[i].name_len);
		put_value(w, &fields->field[i]);
		sn_write__literal(w, ",");
	}
}

/* ---- process and parent, from the fields that name them ---- */

static uint32_t digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10 : UINT32_MAX;
}

/* Sysmon writes 420, Windows's own log 0x1a4: up to ten decimal or eight hexadecimal digits, as a number or a text. */
static int read_pid(const struct sn_member *field, uint64_t *pid)
{
	const char *p = field->value, *end = p + field->value_len;
	uint32_t base = 10, most = 10;

	if (*p == '"') {
		p++;
		end--;
	}
	if (end - p > 2 && p[0] == '0' && p[1] == 'x') {
		base = 16;
		most = 8;
		p += 2;
	}
	if (p == end || end - p > most)
		return 0;
	for (*pid = 0; p < end; p++) {
		uint32_t digit = digit_of(*p);

		if (digit >= base)
			return 0;
		*pid = *pid * base + digit;
	}
	return 1;
}

static void put_text(struct sn_writer *w, const struct sn_event_fields *fields, const char *name, const char *from)
{
	const struct sn_member *field = sn_member__find(fields->field, fields->count, from);

	if (!field || *field->value != '"')
		return;
	sn_write__key(w, name, strlen(name));
	put_value(w, field);
	sn_write__literal(w, ",");
}

static void put_pid(struct sn_writer *w, const struct sn_event_fields *fields, const char *from)
{
	const struct sn_member *field = sn_member__find(fields->field, fields->count, from);
	uint64_t pid;

	if (field && read_pid(field, &pid))
		sn_write__member(w, "pid", pid);
}

/* Takes back what was written from `before` on when the object that begins at `object` is empty. */
static void drop_empty(struct sn_writer *w, char *before, const char *object)
{
	if (!w->full && object[1] == '}')
		w->at = before;
}

void sn_alert_event__processes(struct sn_writer *w, const struct sn_event_fields *fields)
{
	char *before = w->at;

	sn_write__literal(w, "\"lineage\":[{");
	put_text(w, fields, "command_line", "ParentCommandLine");
	put_text(w, fields, "image", "ParentImage");
	put_pid(w, fields, "ParentProcessId");
	sn_write__close(w, '}');
	sn_write__literal(w, "],\"lineage_complete\":false,");
	drop_empty(w, before, before + strlen("\"lineage\":["));
	before = w->at;
	sn_write__literal(w, "\"process\":{");
	put_text(w, fields, "command_line", "CommandLine");
	put_text(w, fields, "cwd", "CurrentDirectory");
	put_text(w, fields, "image", "Image");
	put_pid(w, fields, "ProcessId");
	put_text(w, fields, "user", "User");
	sn_write__close(w, '}');
	sn_write__literal(w, ",");
	drop_empty(w, before, before + strlen("\"process\":"));
}
