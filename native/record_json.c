/* SPDX-License-Identifier: Apache-2.0
 *
 * sn_record__json: a record as one JSON object, the only decoder of records beside the rules' view. The fields come
 * from fields.def; what is not known is left out.
 *
 * A name or an argument is bytes, JSON is text: bytes that are no UTF-8 are written as \udc80..\udcff, what Python's
 * surrogateescape makes of them, so nothing is lost and the rest stays readable.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "schema.h"
#include "sensor.h"
#include "text.h"
#include "utf8.h"

/* Appends as long as there is room. `full` once there was not: what is there is then of no use. */
struct writer {
	char *at;
	char *end;
	int full;
};

static const char HEX[] = "0123456789abcdef";

static void put(struct writer *w, const char *bytes, size_t n)
{
	if ((size_t)(w->end - w->at) < n) {
		w->full = 1;
		w->at = w->end;
		return;
	}
	memcpy(w->at, bytes, n);
	w->at += n;
}

static void put_number(struct writer *w, uint64_t value)
{
	char text[SN_TEXT_NUMBER];

	put(w, text, sn_text__u64(text, value));
}

static void put_key(struct writer *w, const char *name, size_t n)
{
	put(w, ",\"", 2);
	put(w, name, n);
	put(w, "\":", 2);
}

static void put_code(struct writer *w, uint32_t high, uint8_t byte)
{
	char text[6] = {'\\', 'u', high ? 'd' : '0', high ? 'c' : '0', HEX[byte >> 4], HEX[byte & 15]};

	put(w, text, sizeof(text));
}

static void put_escaped(struct writer *w, uint8_t byte)
{
	switch (byte) {
	case '"':
		put(w, "\\\"", 2);
		break;
	case '\\':
		put(w, "\\\\", 2);
		break;
	case '\n':
		put(w, "\\n", 2);
		break;
	case '\r':
		put(w, "\\r", 2);
		break;
	case '\t':
		put(w, "\\t", 2);
		break;
	default:
		put_code(w, byte >= 0x80, byte);
	}
}

static void put_text(struct writer *w, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n, *plain = p;

	put(w, "\"", 1);
	while (p < end) {
		uint32_t length = sn_utf8__length(p, end);

		if (length && *p >= 0x20 && *p != '"' && *p != '\\' && *p != 0x7f) {
			p += length;
			continue;
		}
		put(w, (const char *)plain, (size_t)(p - plain));
		put_escaped(w, *p);
		plain = ++p;
	}
	put(w, (const char *)plain, (size_t)(p - plain));
	put(w, "\"", 1);
}

/* Arguments of one NUL-separated stretch; a last one without NUL is an argument too. */
static void put_arguments(struct writer *w, const uint8_t *p, size_t n, int *first)
{
	const uint8_t *end = p + n;

	while (p < end) {
		const uint8_t *nul = memchr(p, 0, (size_t)(end - p));
		const uint8_t *stop = nul ? nul : end;

		if (!*first)
			put(w, ",", 1);
		*first = 0;
		put_text(w, p, (size_t)(stop - p));
		p = stop + 1;
	}
}

static void put_argv(struct writer *w, const uint8_t *record, const struct sn_span *argv)
{
	struct sn_exec exec;
	uint32_t head;
	int first = 1;

	memcpy(&exec, record, sizeof(exec));
	head = exec.h.flags & SN_F_ARGV_TRUNCATED ? exec.argv_head : argv->len;
	put(w, "[", 1);
	put_arguments(w, record + argv->off, head, &first);
	put_arguments(w, record + argv->off + head, argv->len - head, &first);
	put(w, "]", 1);
}

/* Days since the epoch to year, month, day: Howard Hinnant's civil_from_days. */
static void civil_date(uint64_t days, uint64_t *year, uint32_t *month, uint32_t *day)
{
	uint64_t z = days + 719468, era = z / 146097;
	uint32_t doe = (uint32_t)(z - era * 146097);
	uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2);
}

static void put_padded(struct writer *w, uint64_t value, uint32_t width)
{
	char digits[SN_TEXT_NUMBER];

	for (uint32_t i = width; i-- > 0; value /= 10)
		digits[i] = (char)('0' + value % 10);
	put(w, digits, width);
}

/* `ns` since the epoch, UTC, as RFC 3339. */
static void put_time(struct writer *w, uint64_t ns)
{
	uint64_t second = ns / 1000000000, of_day = second % 86400, year;
	uint32_t month, day;

	civil_date(second / 86400, &year, &month, &day);
	put(w, "\"", 1);
	put_padded(w, year, 4);
	put(w, "-", 1);
	put_padded(w, month, 2);
	put(w, "-", 1);
	put_padded(w, day, 2);
	put(w, "T", 1);
	put_padded(w, of_day / 3600, 2);
	put(w, ":", 1);
	put_padded(w, of_day / 60 % 60, 2);
	put(w, ":", 1);
	put_padded(w, of_day % 60, 2);
	put(w, ".", 1);
	put_padded(w, ns % 1000000000, 9);
	put(w, "Z\"", 2);
}

/* The number of a member, and whether it is known. */
static int read_number(const struct sn_field *field, const uint8_t *at, uint64_t *value)
{
	uint16_t v16;
	uint32_t v32;

	switch (field->kind) {
	case SN_KIND_U16:
	case SN_KIND_PROTO:
	case SN_KIND_KNOWN16:
		memcpy(&v16, at, sizeof(v16));
		*value = v16;
		return v16 || field->kind != SN_KIND_KNOWN16;
	case SN_KIND_U64:
	case SN_KIND_KNOWN64:
		memcpy(value, at, sizeof(*value));
		return *value || field->kind != SN_KIND_KNOWN64;
	default:
		memcpy(&v32, at, sizeof(v32));
		*value = v32;
		return field->kind == SN_KIND_KNOWN32 ? v32 != 0 : field->kind != SN_KIND_ID32 || v32 != UINT32_MAX;
	}
}

static void put_quoted(struct writer *w, const struct sn_field *field, const char *text, size_t n)
{
	put_key(w, field->json, field->json_len);
	put(w, "\"", 1);
	put(w, text, n);
	put(w, "\"", 1);
}

static void put_address(struct writer *w, const struct sn_field *field, const uint8_t *record, const uint8_t *at)
{
	char text[SN_TEXT_ADDRESS];
	uint16_t family;
	uint32_t n;

	memcpy(&family, record + offsetof(struct sn_connect, family), sizeof(family));
	n = sn_text__address(text, family, at);
	/* only a source can be unknown; a destination of all zeros is what was asked for */
	if (n && (field->offset != offsetof(struct sn_connect, saddr) || !sn_text__no_address(family, at)))
		put_quoted(w, field, text, n);
}

static void put_device(struct writer *w, const struct sn_field *field, const uint8_t *at)
{
	char text[2 * SN_TEXT_NUMBER + 1];
	uint32_t dev, n;

	memcpy(&dev, at, sizeof(dev));
	n = sn_text__u64(text, dev >> 20);
	text[n++] = ':';
	n += sn_text__u64(text + n, dev & 0xfffff);
	put_quoted(w, field, text, n);
}

static void put_field(struct writer *w, const struct sn_field *field, const uint8_t *record)
{
	const uint8_t *at = record + field->offset;
	struct sn_span span;
	uint64_t number;
	char text[SN_TEXT_NUMBER];

	switch (field->kind) {
	case SN_KIND_TEXT:
		memcpy(&span, at, sizeof(span));
		if (!span.len)
			return;
		put_key(w, field->json, field->json_len);
		put_text(w, record + span.off, span.len);
		return;
	case SN_KIND_ARGV:
		memcpy(&span, at, sizeof(span));
		put_key(w, field->json, field->json_len);
		put_argv(w, record, &span);
		return;
	case SN_KIND_NAME:
		if (!*at)
			return;
		put_key(w, field->json, field->json_len);
		put_text(w, at, strnlen((const char *)at, sizeof(((struct sn_exec *)0)->tty)));
		return;
	case SN_KIND_ADDR:
		put_address(w, field, record, at);
		return;
	case SN_KIND_PROTO:
		read_number(field, at, &number);
		put_quoted(w, field, text, sn_text__protocol(text, (uint16_t)number));
		return;
	case SN_KIND_FLAG:
		read_number(field, at, &number);
		if (!(number & field->flag))
			return;
		put_key(w, field->json, field->json_len);
		put(w, "true", 4);
		return;
	case SN_KIND_DEV:
		put_device(w, field, at);
		return;
	case SN_KIND_I32:
		put_key(w, field->json, field->json_len);
		read_number(field, at, &number);
		put(w, text, sn_text__i64(text, (int32_t)number));
		return;
	default:
		if (!read_number(field, at, &number))
			return;
		put_key(w, field->json, field->json_len);
		put_number(w, number);
	}
}

static void put_header(struct writer *w, const struct sn_header *h, int64_t boot_to_epoch_ns)
{
	put(w, "{\"type\":\"", 9);
	put(w, sn_types[h->type].name, strlen(sn_types[h->type].name));
	put(w, "\",\"time\":", 9);
	if (boot_to_epoch_ns)
		put_time(w, h->time + (uint64_t)boot_to_epoch_ns);
	else
		put_number(w, h->time);
	if (h->type != SN_LOSS) {
		put_key(w, "pid", 3);
		put_number(w, h->pid);
		put_key(w, "start", 5);
		put_number(w, h->start);
	}
	if (h->cpu != SN_CPU_NONE) {
		put_key(w, "cpu", 3);
		put_number(w, h->cpu);
		put_key(w, "seq", 3);
		put_number(w, h->seq);
	}
}

int64_t sn_record__json(const void *record, size_t size, int64_t boot_to_epoch_ns, char *buf, size_t buf_size)
{
	struct writer w = {buf, buf + buf_size, 0};
	struct sn_header h;

	if (sn_record__check(record, size))
		return -EBADMSG;
	memcpy(&h, record, sizeof(h));
	put_header(&w, &h, boot_to_epoch_ns);
	for (const struct sn_field *field = sn_fields; field->json; field++)
		if (field->types & 1 << h.type)
			put_field(&w, field, record);
	put(&w, "}", 1);
	return w.full ? -ENOSPC : w.at - buf;
}
