/* SPDX-License-Identifier: Apache-2.0
 *
 * sn_record__parse: the way back from sn_record__json, so that a dump can be replayed like a recording. Not on the
 * sensor's own way of an event.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "bytes.h"
#include "json.h"
#include "schema.h"
#include "sensor.h"
#include "text.h"

enum { TIME_DIGITS_MAX = 9 };

struct record_builder {
	uint8_t *record;
	size_t room; /* of the whole record */
	size_t used;
	struct sn_header h;
	uint16_t family;
};

static int is(const struct sn_json_string *string, const char *text)
{
	return string->len == strlen(text) && memcmp(string->text, text, string->len) == 0;
}

static int parse_unsigned(const uint8_t *p, uint32_t len, uint64_t *out)
{
	*out = 0;
	for (uint32_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9' || *out > (UINT64_MAX - (p[i] - '0')) / 10)
			return 0;
		*out = *out * 10 + (p[i] - '0');
	}
	return len != 0;
}

static uint32_t digits_at(const uint8_t *p, uint32_t n)
{
	uint64_t value;

	return parse_unsigned(p, n, &value) ? (uint32_t)value : UINT32_MAX;
}

/* YYYY-MM-DDTHH:MM:SS[.digits]Z to ns since the epoch: days_from_civil (Howard Hinnant), from 1970 on. */
static int parse_time(const struct sn_json_string *s, uint64_t *out)
{
	uint32_t part[6], at[] = {0, 5, 8, 11, 14, 17}, len[] = {4, 2, 2, 2, 2, 2}, fraction;
	uint64_t days, ns = 0, year;

	if (s->len < 20 || s->len > 21 + TIME_DIGITS_MAX || s->text[s->len - 1] != 'Z' || s->text[10] != 'T')
		return 0;
	for (int i = 0; i < 6; i++)
		if ((part[i] = digits_at(s->text + at[i], len[i])) == UINT32_MAX)
			return 0;
	if (part[0] < 1970 || part[0] > 2554 || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31)
		return 0;
	fraction = s->len - 20;
	if (fraction && (s->text[19] != '.' || !parse_unsigned(s->text + 20, fraction - 1, &ns)))
		return 0;
	for (uint32_t i = fraction ? fraction - 1 : 0; i < TIME_DIGITS_MAX; i++)
		ns *= 10;
	year = part[0] - (part[1] <= 2);
	days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * (part[1] + (part[1] > 2 ? -3 : 9)) + 2) / 5 +
	       part[2] - 1 - 719468;
	*out = (((days * 24 + part[3]) * 60 + part[4]) * 60 + part[5]) * 1000000000 + ns;
	return 1;
}

/* The next value as a number: 1 or 0. */
static int read_number(struct sn_json *json, uint64_t *out)
{
	struct sn_json_string text;
	int negative;

	if (!sn_json__scalar(json, &text) || !text.len)
		return 0;
	negative = *text.text == '-';
	if (!parse_unsigned(text.text + negative, text.len - (uint32_t)negative, out))
		return 0;
	*out = negative ? 0 - *out : *out;
	return 1;
}

static int read_time(struct sn_json *json, uint64_t *out)
{
	struct sn_json_string text;

	sn_json__space(json);
	if (json->at < json->end && *json->at == '"')
		return sn_json__string(json, &text) && parse_time(&text, out);
	return read_number(json, out);
}

/* The next value, a string, appended to the record. */
static int read_bytes(struct record_builder *b, struct sn_json *json, struct sn_span *span)
{
	struct sn_json_string text;

	if (!sn_json__string(json, &text) || b->room - b->used < text.len + SN_JSON_SLACK)
		return 0;
	span->off = (uint32_t)b->used;
	span->len = (uint32_t)(sn_json__unescape(&text, b->record + b->used) - (b->record + b->used));
	b->used += span->len;
	return 1;
}

static int read_argv(struct record_builder *b, struct sn_json *json, struct sn_exec *exec)
{
	uint32_t from = (uint32_t)b->used;
	struct sn_span argument;

	if (!sn_json__take(json, '['))
		return 0;
	if (!sn_json__take(json, ']')) {
		do {
			if (!read_bytes(b, json, &argument))
				return 0;
			b->record[b->used++] = 0;
		} while (sn_json__take(json, ','));
		if (!sn_json__take(json, ']'))
			return 0;
	}
	exec->argv = (struct sn_span){from, (uint32_t)b->used - from};
	exec->argv_head = exec->argv.len;
	return 1;
}

static int read_address(struct record_builder *b, struct sn_json *json, uint8_t *out)
{
	struct sn_json_string text;

	return sn_json__string(json, &text) &&
	       (b->family = sn_text__parse_address((const char *)text.text, text.len, out)) != 0;
}

static int read_device(struct sn_json *json, uint32_t *out)
{
	struct sn_json_string text;
	const uint8_t *colon;
	uint64_t major, minor;

	if (!sn_json__string(json, &text) || !(colon = memchr(text.text, ':', text.len)) ||
	    !parse_unsigned(text.text, (uint32_t)(colon - text.text), &major) ||
	    !parse_unsigned(colon + 1, text.len - (uint32_t)(colon - text.text) - 1, &minor))
		return 0;
	*out = (uint32_t)(major << 20 | minor);
	return 1;
}

static int read_protocol(struct sn_json *json, uint16_t *out)
{
	struct sn_json_string text;

	return sn_json__string(json, &text) && sn_text__parse_protocol((const char *)text.text, text.len, out);
}

static int read_flag(struct record_builder *b, struct sn_json *json, uint32_t flag)
{
	struct sn_json_string text;

	if (!sn_json__scalar(json, &text) || (!is(&text, "true") && !is(&text, "false")))
		return 0;
	b->h.flags |= *text.text == 't' ? flag : 0;
	return 1;
}

static int read_name(struct record_builder *b, struct sn_json *json, uint8_t *out, size_t size)
{
	size_t before = b->used;
	struct sn_span span;

	if (!read_bytes(b, json, &span) || span.len > size)
		return 0;
	memcpy(out, b->record + span.off, span.len);
	b->used = before;
	return 1;
}

/* Two digits a byte, dashes between them anywhere: how many bytes, UINT32_MAX: it is not that. */
static uint32_t read_hex(const struct sn_json_string *text, uint8_t *out, size_t room)
{
	uint32_t count = 0, i = 0;

	for (; i < text->len; i++) {
		uint32_t high, low;

		if (text->text[i] == '-')
			continue;
		high = sn_bytes__hex_digit(text->text[i]);
		low = i + 1 < text->len ? sn_bytes__hex_digit(text->text[++i]) : UINT32_MAX;
		if (count == room || (high | low) > 15)
			return UINT32_MAX;
		out[count++] = (uint8_t)(high << 4 | low);
	}
	return count;
}

static int read_guid(struct sn_json *json, uint8_t *out)
{
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	struct sn_json_string text;
	uint8_t bytes[16];

	if (!sn_json__string(json, &text) || read_hex(&text, bytes, sizeof(bytes)) != sizeof(bytes))
		return 0;
	for (uint32_t i = 0; i < sizeof(bytes); i++)
		out[order[i]] = bytes[i];
	return 1;
}

static int read_data(struct record_builder *b, struct sn_json *json, struct sn_span *span)
{
	struct sn_json_string text;
	uint32_t count;

	if (!sn_json__string(json, &text))
		return 0;
	count = read_hex(&text, b->record + b->used, b->room - b->used);
	if (count == UINT32_MAX)
		return 0;
	*span = (struct sn_span){(uint32_t)b->used, count};
	b->used += count;
	return 1;
}

static int read_field(struct record_builder *b, struct sn_json *json, const struct sn_field *field)
{
	uint8_t *at = b->record + field->offset;
	uint64_t number;

	switch ((enum sn_kind)field->kind) {
	case SN_KIND_TEXT:
		return read_bytes(b, json, (struct sn_span *)at);
	case SN_KIND_ARGV:
		return read_argv(b, json, (struct sn_exec *)b->record);
	case SN_KIND_NAME:
		return read_name(b, json, at, sizeof(((struct sn_exec *)0)->tty));
	case SN_KIND_ADDR:
		return read_address(b, json, at);
	case SN_KIND_PROTO:
		return read_protocol(json, (uint16_t *)at);
	case SN_KIND_FLAG:
		return read_flag(b, json, field->flag);
	case SN_KIND_GUID:
		return read_guid(json, at);
	case SN_KIND_HEX:
		return read_data(b, json, (struct sn_span *)at);
	case SN_KIND_DEV:
		return read_device(json, (uint32_t *)at);
	case SN_KIND_U16:
	case SN_KIND_KNOWN16:
		return read_number(json, &number) && (*(uint16_t *)at = (uint16_t)number) == number;
	case SN_KIND_U64:
	case SN_KIND_KNOWN64:
		return read_number(json, (uint64_t *)at);
	case SN_KIND_I32:
		return read_number(json, &number) && (uint64_t)(int64_t)(*(int32_t *)at = (int32_t)number) == number;
	case SN_KIND_U32:
	case SN_KIND_KNOWN32:
	case SN_KIND_ID32:
		return read_number(json, &number) && (*(uint32_t *)at = (uint32_t)number) == number;
	}
	return 0;
}

static int read_member(struct record_builder *b, struct sn_json *json, const struct sn_json_string *key)
{
	uint64_t number;

	if (is(key, "time"))
		return read_time(json, &b->h.time);
	if (is(key, "start"))
		return read_number(json, &b->h.start);
	if (is(key, "seq"))
		return read_number(json, &b->h.seq);
	if (is(key, "pid"))
		return read_number(json, &number) && (b->h.pid = (uint32_t)number) == number;
	if (is(key, "cpu"))
		return read_number(json, &number) && (b->h.cpu = (uint16_t)number) == number;
	for (const struct sn_field *field = sn_fields; field->json; field++)
		if (field->types & 1 << b->h.type && is(key, field->json))
			return read_field(b, json, field);
	/* of a later version */
	return sn_json__skip(json, 1);
}

/* {"type":"exec" : 1 and the type in the header, 0 when it is something else. */
static int begin(struct record_builder *b, struct sn_json *json)
{
	struct sn_json_string key, value;

	if (!sn_json__take(json, '{') || !sn_json__string(json, &key) || !is(&key, "type") ||
	    !sn_json__take(json, ':') || !sn_json__string(json, &value))
		return 0;
	for (uint16_t type = SN_EXEC; type < SN_TYPES; type++)
		if (sn_types[type].name && is(&value, sn_types[type].name))
			b->h.type = type;
	return b->h.type != 0;
}

/* What is not in the text: it was left out because it is not known. */
static void fill_defaults(struct record_builder *b)
{
	for (const struct sn_field *field = sn_fields; field->json; field++)
		if (field->types & 1 << b->h.type && field->kind == SN_KIND_ID32)
			memset(b->record + field->offset, 0xff, sizeof(uint32_t));
}

static int64_t finish(struct record_builder *b)
{
	while (b->used % 8)
		b->record[b->used++] = 0;
	b->h.size = (uint32_t)b->used;
	memcpy(b->record, &b->h, sizeof(b->h));
	if (b->h.type == SN_CONNECT || b->h.type == SN_CONNECT_RESULT || b->h.type == SN_SOCKET)
		((struct sn_connect *)b->record)->family = b->family;
	/* where the head ended is not in the text: say of no byte that it is from the front */
	if (b->h.flags & SN_F_ARGV_TRUNCATED && (b->h.type == SN_EXEC || b->h.type == SN_PROCESS))
		((struct sn_exec *)b->record)->argv_head = 0;
	return sn_record__check(b->record, b->used) ? -EBADMSG : (int64_t)b->used;
}

int64_t sn_record__parse(const char *text, size_t size, void *buf, size_t buf_size)
{
	struct sn_json json = {(const uint8_t *)text, (const uint8_t *)text + size};
	struct record_builder b = {.record = buf, .room = buf_size - 8, .h.cpu = SN_CPU_NONE};
	struct sn_json_string key;

	if (!begin(&b, &json))
		return -ENOENT;
	if (buf_size < SN_RECORD_MAX || (uintptr_t)buf % 8)
		return -EINVAL;
	b.used = sn_types[b.h.type].size;
	memset(buf, 0, b.used);
	fill_defaults(&b);
	while (sn_json__take(&json, ','))
		if (!sn_json__string(&json, &key) || !sn_json__take(&json, ':') || !read_member(&b, &json, &key))
			return -EBADMSG;
	if (!sn_json__take(&json, '}'))
		return -EBADMSG;
	sn_json__space(&json);
	return json.at == json.end ? finish(&b) : -EBADMSG;
}
