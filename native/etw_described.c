/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_described.h"

#include <errno.h>
#include <stdio.h>

#include "etw_text.h"

enum {
	DEPTH_MAX = 8, /* structures within one another */
	CHAIN = 0x80,  /* of a byte: another one follows */
	TYPE = 0x1f,
	FIXED_COUNT = 0x20,    /* an array of as many as the schema says; */
	VARIABLE_COUNT = 0x40, /* as the data say; */
	OWN_FORM = 0x60,       /* bytes that somebody else knows how to read */
	OUT_BOOLEAN = 3,
	OUT_PORT = 7, /* TlgOut_t: what a number means */
	OUT_IP4,
};

enum how { UNKNOWN, FIXED, UP_TO_NUL, COUNTED, SID, STRUCTURE };

enum { REAL = SN_ETW_TYPES, BOOLEAN, GUID };

/* TlgIn_t: how a value lies in the data, in how many bytes (0: a pointer's) or bytes a unit, and what it is. */
static const struct form {
	uint8_t how, bytes, is;
} forms[TYPE + 1] = {
	{UNKNOWN, 0, 0},	{UP_TO_NUL, 2, SN_ETW_WTEXT}, {UP_TO_NUL, 1, SN_ETW_ATEXT}, {FIXED, 1, SN_ETW_I32},
	{FIXED, 1, SN_ETW_U64}, {FIXED, 2, SN_ETW_I32},	      {FIXED, 2, SN_ETW_U64},	    {FIXED, 4, SN_ETW_I32},
	{FIXED, 4, SN_ETW_U64}, {FIXED, 8, SN_ETW_I32},	      {FIXED, 8, SN_ETW_U64},	    {FIXED, 4, REAL},
	{FIXED, 8, REAL},	{FIXED, 4, BOOLEAN},	      {COUNTED, 1, SN_ETW_BLOB},    {FIXED, 16, GUID},
	{FIXED, 0, SN_ETW_PTR}, {FIXED, 8, SN_ETW_TIME},      {FIXED, 16, SN_ETW_BLOB},	    {SID, 0, SN_ETW_SID},
	{FIXED, 4, SN_ETW_PTR}, {FIXED, 8, SN_ETW_PTR},	      {COUNTED, 1, SN_ETW_WTEXT},   {COUNTED, 1, SN_ETW_ATEXT},
	{STRUCTURE, 0, 0},	{COUNTED, 1, SN_ETW_BLOB},
};

struct field {
	struct sn_bytes name;
	const struct form *form;
	uint32_t array, count, out; /* `out` of a structure: how many fields it has, which follow */
};

struct reading {
	struct sn_writer *w;
	struct sn_bytes schema, data; /* what is left */
	uint8_t pointer;
	uint32_t values;
};

/* ---- bytes: 0, or -EBADMSG where there are less ---- */

static int take(struct sn_bytes *from, uint32_t size, struct sn_bytes *out)
{
	if (size > from->len)
		return -EBADMSG;
	*out = (struct sn_bytes){from->at, size};
	*from = sn_bytes__behind(*from, size);
	return 0;
}

static uint64_t number_of(struct sn_bytes bytes)
{
	uint64_t number = 0;

	for (uint32_t i = bytes.len; i > 0; i--)
		number = number << 8 | bytes.at[i - 1];
	return number;
}

static int take_number(struct sn_bytes *from, uint32_t size, uint32_t *out)
{
	struct sn_bytes bytes;

	if (take(from, size, &bytes))
		return -EBADMSG;
	*out = (uint32_t)number_of(bytes);
	return 0;
}

/* Up to the NUL, which is passed over. */
static int take_text(struct sn_bytes *from, uint32_t unit, struct sn_bytes *out)
{
	struct sn_bytes nul;
	uint32_t len = 0;

	while (len + unit <= from->len && (from->at[len] || from->at[len + unit - 1]))
		len += unit;
	return take(from, len, out) || take(from, unit, &nul) ? -EBADMSG : 0;
}

static int take_counted(struct sn_bytes *from, struct sn_bytes *out)
{
	uint32_t size;

	return take_number(from, 2, &size) || take(from, size, out) ? -EBADMSG : 0;
}

/* ---- the schema ---- */

static int pass_chain(struct sn_bytes *schema)
{
	uint32_t byte = CHAIN;

	while (byte & CHAIN)
		if (take_number(schema, 1, &byte))
			return -EBADMSG;
	return 0;
}

static int take_field(struct sn_bytes *schema, struct field *field)
{
	struct sn_bytes form;
	uint32_t in;

	field->out = field->count = 0;
	if (take_text(schema, 1, &field->name) || take_number(schema, 1, &in) ||
	    (in & CHAIN && take_number(schema, 1, &field->out)) || (field->out & CHAIN && pass_chain(schema)))
		return -EBADMSG;
	field->out &= ~(uint32_t)CHAIN;
	field->form = &forms[in & TYPE];
	field->array = in & OWN_FORM;
	if (field->array == FIXED_COUNT)
		return take_number(schema, 2, &field->count);
	return field->array == OWN_FORM ? take_counted(schema, &form) : 0;
}

/* The fields of one structure, and of those within it. */
static int pass_fields(struct sn_bytes *schema, uint32_t left)
{
	struct field field;

	for (; left > 0; left--) {
		if (take_field(schema, &field))
			return -EBADMSG;
		left += field.form->how == STRUCTURE ? field.out : 0;
	}
	return 0;
}

/* ---- values ---- */

static void write_quoted(struct sn_writer *w, const char *text, uint32_t len)
{
	sn_write__text(w, (const uint8_t *)text, len);
}

static void write_hex(struct sn_writer *w, struct sn_bytes bytes)
{
	char digits[3];

	sn_write__literal(w, "\"");
	for (uint32_t i = 0; i < bytes.len; i++)
		sn_write__bytes(w, digits, (size_t)snprintf(digits, sizeof(digits), "%02x", bytes.at[i]));
	sn_write__literal(w, "\"");
}

static void write_guid(struct sn_writer *w, const void *at)
{
	struct sn_guid guid;
	char text[40];

	memcpy(&guid, at, sizeof(guid));
	write_quoted(w, text,
		     (uint32_t)snprintf(text, sizeof(text), "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", guid.a,
					guid.b, guid.c, guid.d[0], guid.d[1], guid.d[2], guid.d[3], guid.d[4],
					guid.d[5], guid.d[6], guid.d[7]));
}

/* JSON has no number that is none, or infinite. */
static void write_real(struct sn_writer *w, struct sn_bytes bytes)
{
	char text[32];
	double number;
	float small;
	uint32_t len;

	memcpy(&small, bytes.at, sizeof(small));
	if (bytes.len == sizeof(number))
		memcpy(&number, bytes.at, sizeof(number));
	else
		number = (double)small;
	len = (uint32_t)snprintf(text, sizeof(text), "%.*g", bytes.len == sizeof(number) ? 17 : 9, number);
	if (text[len - 1] <= '9')
		sn_write__bytes(w, text, len);
	else
		write_quoted(w, text, len);
}

/* A value of `is`, whose bytes and number are in the column. */
static void write_column(struct sn_writer *w, uint32_t is, struct sn_etw_column *column)
{
	char text[SN_ETW_PLAIN_MAX];
	uint32_t len;

	switch (is) {
	case SN_ETW_WTEXT:
		sn_write__literal(w, "\"");
		sn_etw__write_wide_inner(w, column->bytes);
		sn_write__literal(w, "\"");
		return;
	case SN_ETW_ATEXT:
		sn_write__text(w, column->bytes.at, column->bytes.len);
		return;
	case SN_ETW_BLOB:
		write_hex(w, column->bytes);
		return;
	case GUID:
		write_guid(w, column->bytes.at);
		return;
	case REAL:
		write_real(w, column->bytes);
		return;
	case BOOLEAN:
		sn_write__bytes(w, column->number ? "true" : "false", column->number ? 4 : 5);
		return;
	default:
		column->type = (uint16_t)is;
		len = sn_etw__plain(text, column);
		if (sn_etw__is_number(is))
			sn_write__bytes(w, text, len);
		else
			write_quoted(w, text, len);
	}
}

/* Of a value that says itself how long it is. */
static int take_value(struct reading *reading, const struct form *form, struct sn_bytes *out)
{
	struct sn_bytes *data = &reading->data;

	switch (form->how) {
	case FIXED:
		return take(data, form->bytes ? form->bytes : reading->pointer, out);
	case UP_TO_NUL:
		return take_text(data, form->bytes, out);
	case COUNTED:
		return take_counted(data, out);
	case SID:
		return data->len < 8 || data->at[1] > 15 ? -EBADMSG : take(data, 8 + 4u * data->at[1], out);
	default:
		return -EBADMSG; /* nobody knows how long it is */
	}
}

static int write_value(struct reading *reading, const struct field *field)
{
	struct sn_etw_column column = {.there = 1};
	uint32_t is = field->form->is, unused;

	if (take_value(reading, field->form, &column.bytes))
		return -EBADMSG;
	unused = column.bytes.len < 8 ? 64 - 8 * column.bytes.len : 0;
	if (field->form->how == FIXED && column.bytes.len <= 8)
		column.number = number_of(column.bytes);
	if (is == SN_ETW_I32)
		column.number = (uint64_t)((int64_t)(column.number << unused) >> unused);
	if (is == SN_ETW_U64 && field->out == OUT_BOOLEAN)
		is = BOOLEAN;
	else if (is == SN_ETW_U64 && field->out == OUT_IP4 && column.bytes.len == 4)
		is = SN_ETW_IP4;
	else if (is == SN_ETW_U64 && field->out == OUT_PORT && column.bytes.len == 2)
		column.number = (column.number & 0xff) << 8 | column.number >> 8;
	write_column(reading->w, is, &column);
	return 0;
}

/* ---- fields ---- */

static int write_fields(struct reading *reading, uint32_t count, uint32_t depth);

static int write_one(struct reading *reading, const struct field *field, uint32_t depth)
{
	if (++reading->values > SN_ETW_DESCRIBED_MAX)
		return -EBADMSG;
	if (field->form->how != STRUCTURE)
		return write_value(reading, field);
	if (depth == DEPTH_MAX)
		return -EBADMSG;
	sn_write__literal(reading->w, "{");
	if (write_fields(reading, field->out, depth + 1))
		return -EBADMSG;
	sn_write__close(reading->w, '}');
	return 0;
}

/* A list; characters that have a meaning together are a text. */
static int write_array(struct reading *reading, const struct field *field, uint32_t count, uint32_t depth)
{
	const struct sn_bytes schema = reading->schema;
	const struct form *form = field->form;
	struct sn_etw_column text;

	if (field->out && form->how == FIXED && (form->bytes == 1 || form->bytes == 2)) {
		if (take(&reading->data, count * form->bytes, &text.bytes))
			return -EBADMSG;
		write_column(reading->w, form->bytes == 1 ? SN_ETW_ATEXT : SN_ETW_WTEXT, &text);
		return 0;
	}
	sn_write__literal(reading->w, "[");
	for (; count > 0; count--) {
		reading->schema = schema;
		if (write_one(reading, field, depth))
			return -EBADMSG;
		sn_write__literal(reading->w, ",");
	}
	sn_write__close(reading->w, ']');
	reading->schema = schema;
	return form->how == STRUCTURE ? pass_fields(&reading->schema, field->out) : 0;
}

static int write_field(struct reading *reading, const struct field *field, uint32_t depth)
{
	struct sn_bytes own;
	uint32_t count = field->count;

	sn_write__text(reading->w, field->name.at, field->name.len);
	sn_write__literal(reading->w, ":");
	if (!field->array)
		return write_one(reading, field, depth);
	if (field->array == OWN_FORM) {
		if (take_counted(&reading->data, &own))
			return -EBADMSG;
		write_hex(reading->w, own);
		return 0;
	}
	if (field->array == VARIABLE_COUNT && take_number(&reading->data, 2, &count))
		return -EBADMSG;
	return write_array(reading, field, count, depth);
}

/* So many; of the event itself all that the schema has. */
static int write_fields(struct reading *reading, uint32_t count, uint32_t depth)
{
	struct field field;

	for (; depth ? count > 0 : reading->schema.len > 0; count--) {
		if (take_field(&reading->schema, &field) || write_field(reading, &field, depth))
			return -EBADMSG;
		sn_write__literal(reading->w, ",");
	}
	return 0;
}

/* Behind the size, which is that of all. */
static int begin(struct sn_bytes *described)
{
	uint32_t size;

	if (take_number(described, 2, &size) || size < 2 || size - 2 > described->len)
		return -EBADMSG;
	described->len = size - 2;
	return 0;
}

static void write_head(struct sn_writer *w, const struct sn_etw_event *event, struct sn_bytes provider,
		       struct sn_bytes name)
{
	sn_write__literal(w, "{\"_product\":\"windows\",\"event\":{\"Provider_Name\":");
	if (provider.len)
		sn_write__text(w, provider.at, provider.len);
	else
		write_guid(w, &event->provider);
	sn_write__literal(w, ",\"EventName\":");
	sn_write__text(w, name.at, name.len);
	sn_write__literal(w, ",\"TimeCreated\":");
	sn_write__time(w, event->time);
	sn_write__literal(w, ",");
	sn_write__member(w, "ExecutionProcessID", event->pid);
	sn_write__member(w, "ExecutionThreadID", event->tid);
}

int sn_etw_described__write(struct sn_writer *w, const struct sn_etw_event *event, struct sn_bytes schema,
			    struct sn_bytes traits)
{
	struct reading reading = {
		.w = w, .schema = schema, .data = {event->data, event->size}, .pointer = event->pointer};
	struct sn_bytes provider = {0}, name;

	if (begin(&reading.schema) || pass_chain(&reading.schema) || take_text(&reading.schema, 1, &name) ||
	    (traits.len && (begin(&traits) || take_text(&traits, 1, &provider))))
		return -EBADMSG;
	write_head(w, event, provider, name);
	if (write_fields(&reading, 0, 0) || w->full)
		return -EBADMSG;
	sn_write__close(w, '}');
	sn_write__literal(w, "}");
	return 0;
}
