/* SPDX-License-Identifier: Apache-2.0 */
#include "etw.h"

#include <errno.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static const struct column {
	uint8_t since;
	uint8_t type;
	const char *name;
} columns[] = {
#define SN_ETW_COLUMN(layout, since, type, name) {since, SN_ETW_##type, #name},
#define SN_ETW_LAYOUT(layout, columns)		 columns
#include "etw_layout.def"
};
_Static_assert(sizeof(columns) / sizeof(*columns) == SN_ETW_ALL_COLUMNS, "numbers of columns");
#define SN_ETW_LAYOUT(layout, columns)                                                                                 \
	_Static_assert((int)SN_ETW_##layout##_COLUMNS <= (int)SN_ETW_COLUMNS_MAX, #layout);
#include "etw_layout.def"

static const struct provider {
	const char *name;
	struct sn_guid guid;
} providers[] = {
#define SN_ETW_PROVIDER(key, name, ...) {name, __VA_ARGS__},
#include "etw_layout.def"
};

static const struct event {
	uint8_t from, to, plus, more;
	uint16_t first, count; /* columns */
} events[] = {
#define SN_ETW_EVENT(provider, id, from, to, plus, more, layout)                                                       \
	{from, to, plus, more, SN_ETW_FIRST_##layout, SN_ETW_##layout##_COLUMNS},
#include "etw_layout.def"
};

/* By the same numbers: provider and id. */
#define EVENT_KEY(provider, id) ((uint32_t)(provider) << 16 | (id))
static const uint32_t event_keys[] = {
#define SN_ETW_EVENT(provider, id, from, to, plus, more, layout) EVENT_KEY(SN_ETW_##provider, id),
#include "etw_layout.def"
};

/* ---- one column ---- */

/* What is left of the data. */
struct left {
	const uint8_t *at, *end;
	uint8_t pointer;
};

/* Bytes of a number by its type, 0: it is none, or SN_ETW_PTR. */
static const uint8_t widths[SN_ETW_TYPES] = {[SN_ETW_U8] = 1,  [SN_ETW_U16] = 2,  [SN_ETW_U32] = 4, [SN_ETW_I32] = 4,
					     [SN_ETW_U64] = 8, [SN_ETW_TIME] = 8, [SN_ETW_PORT] = 2};

/* 0 or -EBADMSG. */
static inline int number(struct left *left, uint32_t bytes, uint64_t *out)
{
	size_t there = (size_t)(left->end - left->at);
	uint64_t all = 0;

	if (there < bytes)
		return -EBADMSG;
	if (there >= 8)
		memcpy(&all, left->at, 8);
	else
		memcpy(&all, left->at, bytes);
	*out = all & UINT64_MAX >> (64 - 8 * bytes); /* both are little endian */
	left->at += bytes;
	return 0;
}

static int run(struct left *left, uint32_t bytes, struct sn_etw_column *column)
{
	if ((size_t)(left->end - left->at) < bytes)
		return -EBADMSG;
	column->bytes = (struct sn_bytes){left->at, bytes};
	left->at += bytes;
	return 0;
}

/* Revision, count, an authority of 6 bytes, as many sub-authorities of 4. */
static int sid(struct left *left, struct sn_etw_column *column)
{
	if (left->end - left->at < 8 || left->at[0] != 1 || left->at[1] > 15)
		return -EBADMSG;
	return run(left, 8 + 4u * left->at[1], column);
}

static int user(struct left *left, struct sn_etw_column *column)
{
	struct sn_etw_column none = {0};

	if (left->end - left->at < 4)
		return -EBADMSG;
	if (!(left->at[0] | left->at[1] | left->at[2] | left->at[3]))
		return run(left, 4, &none);
	return run(left, 2u * left->pointer, &none) ? -EBADMSG : sid(left, column);
}

/* Where the NUL of UTF-16 is, NULL: nowhere. */
static const uint8_t *wide_end(const uint8_t *at, const uint8_t *end)
{
#ifdef __SSE2__
	for (; end - at >= 16; at += 16) {
		__m128i units = _mm_loadu_si128((const __m128i *)at);
		int zeros = _mm_movemask_epi8(_mm_cmpeq_epi16(units, _mm_setzero_si128()));

		if (zeros)
			return at + __builtin_ctz((unsigned)zeros);
	}
#endif
	for (; end - at >= 2; at += 2)
		if (!at[0] && !at[1])
			return at;
	return NULL;
}

static int text(struct left *left, uint32_t unit, struct sn_etw_column *column)
{
	const uint8_t *end =
		unit == 2 ? wide_end(left->at, left->end) : memchr(left->at, 0, (size_t)(left->end - left->at));

	if (!end)
		return -EBADMSG;
	column->bytes = (struct sn_bytes){left->at, (uint32_t)(end - left->at)};
	left->at = end + unit;
	return 0;
}

static inline int read_number(struct left *left, uint32_t bytes, struct sn_etw_column *column)
{
	if (number(left, bytes, &column->number))
		return -EBADMSG;
	if (column->type == SN_ETW_I32)
		column->number = (uint64_t)(int64_t)(int32_t)column->number;
	else if (column->type == SN_ETW_PORT)
		column->number = (column->number & 0xff) << 8 | column->number >> 8;
	return 0;
}

static int read_column(struct left *left, struct sn_etw_column *column)
{
	uint64_t size;

	if (widths[column->type])
		return read_number(left, widths[column->type], column);
	switch (column->type) {
	case SN_ETW_PTR:
		return read_number(left, left->pointer, column);
	case SN_ETW_SID:
		return sid(left, column);
	case SN_ETW_USER:
		return user(left, column);
	case SN_ETW_WTEXT:
	case SN_ETW_WPATH:
		return text(left, 2, column);
	case SN_ETW_ATEXT:
		return text(left, 1, column);
	case SN_ETW_IP4:
		return run(left, 4, column);
	case SN_ETW_IP6:
		return run(left, 16, column);
	default: /* SN_ETW_BLOB */
		return number(left, 2, &size) ? -EBADMSG : run(left, (uint32_t)size, column);
	}
}

/* ---- the event ---- */

/* By the GUID's first number, as a switch that the compiler makes of the table. */
int sn_etw__provider_of(const struct sn_guid *guid)
{
	int provider;

#undef SN_GUID
#define SN_GUID(a, ...) a
	switch (guid->a) {
#define SN_ETW_PROVIDER(key, name, a)                                                                                  \
	case a:                                                                                                        \
		provider = SN_ETW_##key;                                                                               \
		break;
#include "etw_layout.def"
	default:
		return -1;
	}
	return memcmp(&providers[provider].guid, guid, sizeof(*guid)) == 0 ? provider : -1;
}

int sn_etw__reads(enum sn_etw_provider provider, uint16_t id)
{
	for (uint32_t i = 0; i < SN_ETW_KINDS; i++)
		if (event_keys[i] == EVENT_KEY(provider, id))
			return 1;
	return 0;
}

/* The row of its kind; -ENOENT, -ENOSYS as sn_etw__decode. */
static int find(const struct sn_etw_event *event, int provider)
{
	int rc = -ENOENT;

	for (uint32_t i = 0; provider >= 0 && i < SN_ETW_KINDS; i++) {
		const struct event *known = &events[i];

		if (event_keys[i] != EVENT_KEY(provider, event->id))
			continue;
		if (event->version >= known->from && (event->version <= known->to || known->more))
			return (int)i;
		rc = -ENOSYS;
	}
	return rc;
}

int sn_etw__decode(const struct sn_etw_event *event, struct sn_etw_decoded *out)
{
	struct left left = {event->data, event->data + event->size, event->pointer};
	int provider = sn_etw__provider_of(&event->provider), kind = find(event, provider);
	const struct event *known;
	uint32_t version;

	if (kind < 0)
		return kind;
	known = &events[kind];
	version = (event->version < known->to ? event->version : known->to) + known->plus;
	out->provider = (enum sn_etw_provider)provider;
	out->kind = (uint32_t)kind;
	out->first = known->first;
	out->count = known->count;
	for (uint32_t i = 0; i < out->count; i++) {
		const struct column *column = &columns[known->first + i];

		out->column[i] = (struct sn_etw_column){.type = column->type, .there = version >= column->since};
		if (out->column[i].there && read_column(&left, &out->column[i]))
			return -EBADMSG;
	}
	out->rest = (uint32_t)(left.end - left.at);
	return 0;
}

int sn_etw__is_loss(const struct sn_etw_event *event)
{
	enum { LOST_EVENT = 32, LOST_BUFFER, LOST_FILE };

	return memcmp(&event->provider, &providers[SN_ETW_LOST_EVENT].guid, sizeof(event->provider)) == 0 &&
	       event->id >= LOST_EVENT && event->id <= LOST_FILE;
}

const char *sn_etw__column_name(uint32_t number)
{
	return columns[number].name;
}

const char *sn_etw__provider_name(enum sn_etw_provider provider)
{
	return providers[provider].name;
}
