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

/* Bytes of a number that is as it lies there, by its type; 0: the column is something else. */
static const uint8_t widths[SN_ETW_TYPES] = {
	[SN_ETW_U8] = 1, [SN_ETW_U16] = 2, [SN_ETW_U32] = 4, [SN_ETW_U64] = 8, [SN_ETW_TIME] = 8};

/* What numbers of so many bytes keep of eight; both are little endian. */
static const uint64_t masks[] = {0, 0xff, 0xffff, 0, 0xffffffff, 0, 0, 0, UINT64_MAX};

/* 0 or -EBADMSG. */
static inline int number(struct left *left, uint32_t bytes, uint64_t *out)
{
	size_t there = (size_t)(left->end - left->at);
	uint64_t all = 0;

	if (there >= 8)
		memcpy(&all, left->at, 8);
	else if (there >= bytes)
		memcpy(&all, left->at, bytes);
	else
		return -EBADMSG;
	*out = all & masks[bytes];
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
	for (; end - at >= 32; at += 32) {
		__m128i low = _mm_loadu_si128((const __m128i *)at), high = _mm_loadu_si128((const __m128i *)at + 1);
		/* a byte a unit */
		__m128i zero = _mm_packs_epi16(_mm_cmpeq_epi16(low, _mm_setzero_si128()),
					       _mm_cmpeq_epi16(high, _mm_setzero_si128()));
		int zeros = _mm_movemask_epi8(zero);

		if (zeros)
			return at + 2 * __builtin_ctz((unsigned)zeros);
	}
#endif
	for (; end - at >= 2; at += 2)
		if (!at[0] && !at[1])
			return at;
	return NULL;
}

static inline int text(struct left *left, uint32_t unit, struct sn_etw_column *column)
{
	const uint8_t *end =
		unit == 2 ? wide_end(left->at, left->end) : memchr(left->at, 0, (size_t)(left->end - left->at));

	if (!end)
		return -EBADMSG;
	column->bytes = (struct sn_bytes){left->at, (uint32_t)(end - left->at)};
	left->at = end + unit;
	return 0;
}

static int read_column(struct left *left, uint32_t type, struct sn_etw_column *column)
{
	uint64_t size = 0;
	int rc;

	if (widths[type])
		return number(left, widths[type], &column->number);
	switch (type) {
	case SN_ETW_PTR:
		return number(left, left->pointer, &column->number);
	case SN_ETW_I32:
		rc = number(left, 4, &size);
		column->number = (uint64_t)(int64_t)(int32_t)size;
		return rc;
	case SN_ETW_PORT:
		rc = number(left, 2, &size);
		column->number = (size & 0xff) << 8 | size >> 8;
		return rc;
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
	case SN_ETW_BOOL:
		return number(left, left->end - left->at < 4 ? 1 : 4, &column->number);
	default: /* SN_ETW_BLOB */
		return number(left, 2, &size) ? -EBADMSG : run(left, (uint32_t)size, column);
	}
}

/* Numbers are read here, one after the other: nearly all columns are such. */
static int read_columns(struct left *left, const struct column *known, uint32_t count, uint32_t version,
			struct sn_etw_column *column)
{
	for (const struct column *behind = known + count; known < behind; known++, column++) {
		const uint32_t type = known->type, width = widths[type];
		uint64_t word;

		/* member by member: made as a whole it is written in pieces that are read back as others */
		column->type = (uint16_t)type;
		column->there = version >= known->since;
		column->number = 0;
		column->bytes.at = NULL;
		column->bytes.len = 0;
		if (!column->there)
			continue;
		if (width && left->end - left->at >= 8) {
			memcpy(&word, left->at, 8);
			column->number = word & masks[width];
			left->at += width;
		} else if (read_column(left, type, column)) {
			return -EBADMSG;
		}
	}
	return 0;
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

/* The first row that has a key, of those that are not below it; rows are in their order. SN_ETW_KINDS: none. */
static uint32_t first_row(uint32_t key)
{
	uint32_t row = 0;

	for (uint32_t rows = SN_ETW_KINDS; rows > 1; rows -= rows / 2)
		row += event_keys[row + rows / 2 - 1] < key ? rows / 2 : 0;
	return row + (event_keys[row] < key);
}

int sn_etw__reads(enum sn_etw_provider provider, uint16_t id)
{
	uint32_t key = EVENT_KEY(provider, id), row = first_row(key);

	return row < SN_ETW_KINDS && event_keys[row] == key;
}

int sn_etw__is_classic(enum sn_etw_provider provider)
{
	return provider >= SN_ETW_LOST_EVENT;
}

static int has_row(const struct sn_etw_event *event, uint32_t key, uint32_t row)
{
	return row < SN_ETW_KINDS && event_keys[row] == key && event->version >= events[row].from &&
	       (event->version <= events[row].to || events[row].more);
}

/* The row of its kind; -ENOENT, -ENOSYS as sn_etw__decode. */
static int find(const struct sn_etw_event *event, int provider)
{
	uint32_t key = EVENT_KEY(provider, event->id), i = SN_ETW_KINDS;
	int rc = -ENOENT;

	if (provider >= 0 && event->classic == sn_etw__is_classic((enum sn_etw_provider)provider))
		i = first_row(key);
	for (; i < SN_ETW_KINDS && event_keys[i] == key; i++) {
		if (has_row(event, key, i))
			return (int)i;
		rc = -ENOSYS;
	}
	return rc;
}

static int read_row(const struct sn_etw_event *event, uint32_t row, struct sn_etw_decoded *out)
{
	struct left left = {event->data, event->data + event->size, event->pointer};
	const struct event *known = &events[row];
	uint32_t version = (event->version < known->to ? event->version : known->to) + known->plus;

	out->kind = row;
	out->first = known->first;
	out->count = known->count;
	if (read_columns(&left, &columns[known->first], known->count, version, out->column))
		return -EBADMSG;
	out->rest = (uint32_t)(left.end - left.at);
	return 0;
}

int sn_etw__decode(const struct sn_etw_event *event, struct sn_etw_decoded *out)
{
	int provider = sn_etw__provider_of(&event->provider), kind = find(event, provider), rc;

	if (kind < 0)
		return kind;
	out->provider = (enum sn_etw_provider)provider;
	rc = read_row(event, (uint32_t)kind, out);
	if ((!rc && !out->rest) || !has_row(event, EVENT_KEY(provider, event->id), (uint32_t)kind + 1))
		return rc;
	rc = read_row(event, (uint32_t)kind + 1, out);
	return rc || out->rest ? -EBADMSG : 0;
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
