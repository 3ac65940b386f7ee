/* SPDX-License-Identifier: Apache-2.0 */
#include "actors.h"
#include "alert_json.h"

/* What is longer may not fit into a double. */
enum { DECIMAL_MAX = 200, EXPONENT_MAX = 2 };

enum { DIGITS_SAFE = 18 }; /* so many fit into 64 bits whatever they are */

/* -2^63 .. 2^64 - 1 */
static int fits_64_bits(const char *text, uint32_t len)
{
	int negative = *text == '-';
	uint64_t value = 0, most = negative ? (uint64_t)1 << 63 : UINT64_MAX;

	for (uint32_t i = negative; len > DIGITS_SAFE && i < len; i++) {
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

static void put_scalar(struct sn_writer *w, const struct sn_member *value)
{
	const char *text = value->value;
	uint32_t len = value->value_len;

	if (*text == '"' && !value->odd) {
		sn_write__bytes(w, text, len);
	} else if (*text == '"') {
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
	struct sn_member element = {0};

	if (!sn_json__take(&json, '[')) {
		put_scalar(w, field);
		return;
	}
	sn_write__literal(w, "[");
	if (!sn_json__take(&json, ']')) {
		do {
			sn_member__value(&json, &element);
			put_scalar(w, &element);
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

/* Whether a block lies whole in so many bytes. */
static int is_sound(const uint8_t *at, size_t room)
{
	struct sn_actor_block block;

	if (room < sizeof(block))
		return 0;
	memcpy(&block, at, sizeof(block));
	if (block.size < sizeof(block) || block.size > room || block.size % 8)
		return 0;
	for (uint32_t i = 0; i < SN_ACTOR_BLOCK_TEXTS; i++)
		if (block.text[i].off > block.size || block.text[i].len > block.size - block.text[i].off)
			return 0;
	return 1;
}

int sn_alert_event__read(struct sn_alert_records *records, const struct sn_alert *alert, const uint8_t *at, size_t room)
{
	const uint8_t *end = at + room;
	uint32_t size = alert->process_size;

	for (uint32_t i = 0; alert->process_size && i <= alert->lineage; i++, at += size) {
		if (!is_sound(at, (size_t)(end - at)))
			return 0;
		memcpy(&size, at, sizeof(size));
		if (!i)
			records->own = at;
		else if (i == 1)
			records->lineage = at;
	}
	records->ancestors = alert->process_size ? alert->lineage : 0;
	if (sn_alert_proxy__read(records, alert, at, (size_t)(end - at)))
		return 0;
	at += alert->proxy_size;
	return sn_alert_facts__read(records, alert, at, (size_t)(end - at));
}

/* What the event says, else what the block does, which may be NULL. */
static void put_text(struct sn_writer *w, const struct sn_event_fields *fields, const char *name, const char *from,
		     const uint8_t *block, enum sn_actor_text which)
{
	const struct sn_member *field = from ? sn_member__find(fields->field, fields->count, from) : NULL;
	struct sn_actor_block known;

	if (field && *field->value == '"') {
		sn_write__key(w, name, strlen(name));
		put_value(w, field);
		sn_write__literal(w, ",");
		return;
	}
	if (!block)
		return;
	memcpy(&known, block, sizeof(known));
	if (!known.text[which].len)
		return;
	sn_write__key(w, name, strlen(name));
	sn_write__text(w, block + known.text[which].off, known.text[which].len);
	sn_write__literal(w, ",");
}

/* Process id and start. */
static void put_identity(struct sn_writer *w, const struct sn_event_fields *fields, const char *from,
			 const uint8_t *block)
{
	const struct sn_member *field = from ? sn_member__find(fields->field, fields->count, from) : NULL;
	struct sn_actor_block known = {0};
	uint64_t pid;

	if (block)
		memcpy(&known, block, sizeof(known));
	if (field && read_pid(field, &pid))
		sn_write__member(w, "pid", pid);
	else if (known.pid)
		sn_write__member(w, "pid", known.pid);
	if (known.start)
		sn_write__member(w, "start", known.start);
}

/* Takes back what was written from `before` on when the object that begins at `object` is empty. */
static void drop_empty(struct sn_writer *w, char *before, const char *object)
{
	if (!w->full && object[1] == '}')
		w->at = before;
}

/* One of the lineage; `says`: the event has fields for it. */
static void put_ancestor(struct sn_writer *w, const struct sn_event_fields *fields, int says, const uint8_t *block)
{
	sn_write__literal(w, "{");
	put_text(w, fields, "command_line", says ? "ParentCommandLine" : NULL, block, SN_ACTOR_LINE);
	put_text(w, fields, "image", says ? "ParentImage" : NULL, block, SN_ACTOR_IMAGE);
	put_identity(w, fields, says ? "ParentProcessId" : NULL, block);
	sn_write__close(w, '}');
	sn_write__literal(w, ",");
}

void sn_alert_event__processes(struct sn_writer *w, const struct sn_event_fields *fields,
			       const struct sn_alert_records *records)
{
	const uint8_t *block = records->ancestors ? records->lineage : NULL;
	char *before = w->at;

	sn_write__literal(w, "\"lineage\":[");
	put_ancestor(w, fields, 1, block);
	for (uint32_t i = 1; i < records->ancestors; i++) {
		uint32_t size;

		memcpy(&size, block, sizeof(size));
		block += size;
		put_ancestor(w, fields, 0, block);
	}
	sn_write__close(w, ']');
	sn_write__literal(w, ",\"lineage_complete\":");
	if (records->complete)
		sn_write__literal(w, "true,");
	else
		sn_write__literal(w, "false,");
	drop_empty(w, before, before + strlen("\"lineage\":["));
	before = w->at;
	sn_write__literal(w, "\"process\":{");
	put_text(w, fields, "command_line", "CommandLine", records->own, SN_ACTOR_LINE);
	put_text(w, fields, "cwd", "CurrentDirectory", records->own, SN_ACTOR_CWD);
	put_text(w, fields, "image", "Image", records->own, SN_ACTOR_IMAGE);
	put_identity(w, fields, "ProcessId", records->own);
	put_text(w, fields, "user", "User", records->own, SN_ACTOR_USER);
	sn_write__close(w, '}');
	sn_write__literal(w, ",");
	drop_empty(w, before, before + strlen("\"process\":"));
}
