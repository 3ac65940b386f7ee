/* SPDX-License-Identifier: Apache-2.0
 *
 * A name or an argument is bytes, JSON is text: bytes that are no UTF-8 are written as \udc80..\udcff, what Python's
 * surrogateescape makes of them, so nothing is lost and the rest stays readable.
 */
#include "record_write.h"

#include <stddef.h>
#include <string.h>

#include "text.h"

/* Arguments of one NUL-separated stretch, `between` them; a last one without NUL is an argument too. */
static void put_arguments(struct sn_writer *w, const uint8_t *p, size_t n, const char *between, int *first)
{
	const uint8_t *end = p + n;

	while (p < end) {
		const uint8_t *nul = memchr(p, 0, (size_t)(end - p));
		const uint8_t *stop = nul ? nul : end;

		if (!*first)
			sn_write__bytes(w, between, strlen(between));
		*first = 0;
		sn_write__inner(w, p, (size_t)(stop - p));
		p = stop + 1;
	}
}

/* Head and tail of a truncated argv are stretches of their own. */
static void put_argv(struct sn_writer *w, const uint8_t *record, const char *between)
{
	struct sn_exec exec;
	uint32_t head;
	int first = 1;

	memcpy(&exec, record, sizeof(exec));
	head = exec.h.flags & SN_F_ARGV_TRUNCATED ? exec.argv_head : exec.argv.len;
	sn_write__literal(w, "\"");
	put_arguments(w, record + exec.argv.off, head, between, &first);
	put_arguments(w, record + exec.argv.off + head, exec.argv.len - head, between, &first);
	sn_write__literal(w, "\"");
}

int sn_record__write_command_line(struct sn_writer *w, const void *record)
{
	struct sn_span argv;

	memcpy(&argv, (const uint8_t *)record + offsetof(struct sn_exec, argv), sizeof(argv));
	if (!argv.len)
		return 0;
	put_argv(w, record, " ");
	return 1;
}

void sn_record__write_arguments(struct sn_writer *w, const void *record)
{
	struct sn_span argv;

	memcpy(&argv, (const uint8_t *)record + offsetof(struct sn_exec, argv), sizeof(argv));
	sn_write__literal(w, "[");
	if (argv.len)
		put_argv(w, record, "\",\"");
	sn_write__literal(w, "]");
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

static void put_quoted(struct sn_writer *w, const char *text, size_t n)
{
	sn_write__literal(w, "\"");
	sn_write__bytes(w, text, n);
	sn_write__literal(w, "\"");
}

static int put_address(struct sn_writer *w, const struct sn_field *field, const uint8_t *record)
{
	const uint8_t *at = record + field->offset;
	char text[SN_TEXT_ADDRESS];
	uint16_t family;

	memcpy(&family, record + offsetof(struct sn_connect, family), sizeof(family));
	/* only a source can be unknown; a destination of all zeros is what was asked for */
	if (field->offset == offsetof(struct sn_connect, saddr) && sn_text__no_address(family, at))
		return 0;
	put_quoted(w, text, sn_text__address(text, family, at));
	return 1;
}

static void put_device(struct sn_writer *w, const uint8_t *at)
{
	uint32_t dev;

	memcpy(&dev, at, sizeof(dev));
	sn_write__literal(w, "\"");
	sn_write__number(w, dev >> 20);
	sn_write__literal(w, ":");
	sn_write__number(w, dev & 0xfffff);
	sn_write__literal(w, "\"");
}

/* Kinds that are neither text nor an address. */
static int put_value(struct sn_writer *w, const struct sn_field *field, const uint8_t *at)
{
	uint64_t number;
	char text[SN_TEXT_NUMBER];

	if (!read_number(field, at, &number))
		return 0;
	switch (field->kind) {
	case SN_KIND_PROTO:
		put_quoted(w, text, sn_text__protocol(text, (uint16_t)number));
		return 1;
	case SN_KIND_FLAG:
		if (!(number & field->flag))
			return 0;
		sn_write__literal(w, "true");
		return 1;
	case SN_KIND_DEV:
		put_device(w, at);
		return 1;
	case SN_KIND_I32:
		sn_write__bytes(w, text, sn_text__i64(text, (int32_t)number));
		return 1;
	default:
		sn_write__number(w, number);
		return 1;
	}
}

static void put_hex(struct sn_writer *w, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char pair[2] = {"0123456789abcdef"[bytes[i] >> 4], "0123456789abcdef"[bytes[i] & 15]};

		sn_write__bytes(w, pair, 2);
	}
}

/* As it is written everywhere: a number of 4 bytes and two of 2, which lie lowest byte first, then 2 and 6 bytes. */
static void put_guid(struct sn_writer *w, const uint8_t *at)
{
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

	sn_write__literal(w, "\"");
	for (uint32_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			sn_write__literal(w, "-");
		put_hex(w, at + order[i], 1);
	}
	sn_write__literal(w, "\"");
}

int sn_record__write(struct sn_writer *w, const struct sn_field *field, const void *record)
{
	const uint8_t *at = (const uint8_t *)record + field->offset;
	struct sn_span span;

	switch (field->kind) {
	case SN_KIND_TEXT:
		memcpy(&span, at, sizeof(span));
		if (span.len)
			sn_write__text(w, (const uint8_t *)record + span.off, span.len);
		return span.len != 0;
	case SN_KIND_ARGV:
		sn_record__write_arguments(w, record);
		return 1;
	case SN_KIND_NAME:
		if (*at)
			sn_write__text(w, at, strnlen((const char *)at, sizeof(((struct sn_exec *)0)->tty)));
		return *at != 0;
	case SN_KIND_ADDR:
		return put_address(w, field, record);
	case SN_KIND_GUID:
		put_guid(w, at);
		return 1;
	case SN_KIND_HEX:
		memcpy(&span, at, sizeof(span));
		sn_write__literal(w, "\"");
		put_hex(w, (const uint8_t *)record + span.off, span.len);
		sn_write__literal(w, "\"");
		return 1;
	default:
		return put_value(w, field, at);
	}
}
