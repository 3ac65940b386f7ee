/* SPDX-License-Identifier: Apache-2.0 */
#include "etl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUFFER_HEADER = 72,
	SAVED_OFFSET_AT = 4, /* bytes of the buffer that are in use */
	BUFFER_FLAGS_AT = 52,
	BUFFER_COMPRESSED = 0x40,
	MARKER_FLAGS =
		0xc0, /* TRACE_HEADER_FLAG | TRACE_HEADER_EVENT_TRACE: the fourth byte of all headers read here */
	PADDING = 0xff,
	EXTENDED_INFO = 0x0001, /* EVENT_HEADER_FLAG_... */
	IS_32_BIT = 0x0020,
	KEEPS_NOT_ALL =
		0x0002 | 0x0004 | 0x0400, /* EVENT_TRACE_FILE_MODE_CIRCULAR, _APPEND, EVENT_TRACE_BUFFERING_MODE */
	EXTENDED_ITEM = 8,
	SCHEMA = 11, /* EVENT_HEADER_EXT_TYPE_... */
	TRAITS = 12,
	CLASSIC_OPCODE_IMAGE_LOAD = 10,
};

/* The third byte of an event: which header it has. */
enum kind {
	SYSTEM32 = 0x01,
	SYSTEM64,
	COMPACT32,
	COMPACT64,
	FULL32 = 0x0a,
	PERFINFO32 = 0x10,
	PERFINFO64,
	EVENT32,
	EVENT64,
	FULL64,
};

/* The kernel logger's groups, and the classes (GUIDs) under which they are documented. Other groups are given as events
 * of the kernel logger itself, id = group << 8 | opcode. */
static const struct {
	uint8_t group;
	struct sn_guid provider;
} classes[] = {
	{0x00,
	 SN_GUID(0x68fdd900, 0x4a3e, 0x11d1, 0x84, 0xf4, 0x00, 0x00, 0xf8, 0x04, 0x64, 0xe3)}, /* EventTraceEvent */
	{0x03, SN_GUID(0x3d6fa8d0, 0xfe05, 0x11d0, 0x9d, 0xda, 0x00, 0xc0, 0x4f, 0xd7, 0xba, 0x7c)}, /* Process */
	{0x04, SN_GUID(0x90cbdc39, 0x4a3e, 0x11d1, 0x84, 0xf4, 0x00, 0x00, 0xf8, 0x04, 0x64, 0xe3)}, /* FileIo */
	{0x05, SN_GUID(0x3d6fa8d1, 0xfe05, 0x11d0, 0x9d, 0xda, 0x00, 0xc0, 0x4f, 0xd7, 0xba, 0x7c)}, /* Thread */
	{0x06, SN_GUID(0x9a280ac0, 0xc8e0, 0x11d1, 0x84, 0xe2, 0x00, 0xc0, 0x4f, 0xb9, 0x98, 0xa2)}, /* TcpIp */
	{0x08, SN_GUID(0xbf3a50c5, 0xa9c9, 0x4988, 0xa0, 0x05, 0x2d, 0xf0, 0xb7, 0xc8, 0x0f, 0x80)}, /* UdpIp */
	{0x09, SN_GUID(0xae53722e, 0xc863, 0x11d2, 0x86, 0x59, 0x00, 0xc0, 0x4f, 0xa3, 0x21, 0xa1)}, /* Registry */
	{0x14, SN_GUID(0x2cb15d1d, 0x5fc1, 0x11d2, 0xab, 0xe1, 0x00, 0xa0, 0xc9, 0x11, 0xf5, 0x18)}, /* Image */
};

/* SystemTraceControlGuid */
static const struct sn_guid kernel_logger =
	SN_GUID(0x9e814aad, 0x3204, 0x11d2, 0x9a, 0x82, 0x00, 0x60, 0x08, 0xa8, 0x69, 0x39);

struct place {
	uint64_t time;
	uint64_t offset;
};

struct sn_etl {
	const uint8_t *bytes;
	size_t size;
	uint64_t written;   /* bytes that the header says there are; 0: it cannot say it */
	uint64_t start;	    /* of the session, 100 ns since 1601 */
	uint64_t start_raw; /* the same on the events' clock */
	uint64_t frequency; /* of that clock, Hz; 0: the events' times are 100 ns since 1601 */
	uint8_t pointer;
	struct place *places;
	size_t count, room, next;
	struct sn_etl_stats stats;
};

static uint16_t u16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t u32(const uint8_t *at)
{
	return u16(at) | (uint32_t)u16(at + 2) << 16;
}

static uint64_t u64(const uint8_t *at)
{
	return u32(at) | (uint64_t)u32(at + 4) << 32;
}

/* ---- time ---- */

enum {
	CLOCK_SYSTEM = 2, /* TRACE_LOGFILE_HEADER.ReservedFlags; 1 is QPC, 3 the processor's cycles */
	CLOCK_CYCLES = 3,
	HZ = 10000000, /* of FILETIME */
	NS = 100,
};
static const uint64_t epoch = 116444736000000000u; /* 1970-01-01 in 100 ns since 1601 */
static const uint64_t frequency_max = 1ull << 33;

static uint64_t time_of(const struct sn_etl *etl, uint64_t raw)
{
	uint64_t since = raw - etl->start_raw, whole, rest;
	int before = raw < etl->start_raw;

	if (!etl->frequency)
		return raw < epoch ? 0 : (raw - epoch) * NS;
	if (before)
		since = etl->start_raw - raw;
	whole = since / etl->frequency;
	rest = since % etl->frequency * (HZ * (uint64_t)NS) / etl->frequency;
	since = whole * (HZ * (uint64_t)NS) + rest;
	return before ? (etl->start - epoch) * NS - since : (etl->start - epoch) * NS + since;
}

/* ---- one event ---- */

/* What an event's header takes before its data, 0: none that is known. */
static uint32_t header_size(uint8_t kind)
{
	static const uint8_t sizes[FULL64 + 1] = {
		[SYSTEM32] = 32,   [SYSTEM64] = 32, [COMPACT32] = 24, [COMPACT64] = 24, [PERFINFO32] = 16,
		[PERFINFO64] = 16, [FULL32] = 48,   [FULL64] = 48,    [EVENT32] = 80,	[EVENT64] = 80};

	return kind <= FULL64 ? sizes[kind] : 0;
}

static int is_kernels(uint8_t kind)
{
	return kind <= COMPACT64 || kind == PERFINFO32 || kind == PERFINFO64;
}

/* The event's whole size; the kernel logger's has it where others have their opcode. */
static uint32_t event_size(const uint8_t *at)
{
	return is_kernels(at[2]) ? u16(at + 4) : u16(at);
}

static void take_kernels(const uint8_t *at, struct sn_etw_event *event)
{
	uint8_t opcode = at[6], group = at[7];

	event->classic = 1;
	event->version = (uint8_t)u16(at);
	event->pointer = at[2] == SYSTEM64 || at[2] == COMPACT64 || at[2] == PERFINFO64 ? 8 : 4;
	event->pid = event->tid = UINT32_MAX;
	if (at[2] <= COMPACT64) {
		event->tid = u32(at + 8);
		event->pid = u32(at + 12);
	}
	event->provider = kernel_logger;
	event->id = (uint16_t)(group << 8 | opcode);
	if (group == 0x03 && opcode == CLASSIC_OPCODE_IMAGE_LOAD)
		group = 0x14; /* where it stood before images had a group */
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		if (classes[i].group != group)
			continue;
		event->provider = classes[i].provider;
		event->id = opcode;
	}
}

static uint64_t raw_time(const uint8_t *at)
{
	return u64(at + (at[2] == PERFINFO32 || at[2] == PERFINFO64 ? 8 : 16));
}

/* Bytes of the extended items behind a header; more than `left` where they are broken. What of them describes the event
 * is noted. */
static uint32_t extended_size(const uint8_t *at, uint32_t left, struct sn_bytes *schema, struct sn_bytes *traits)
{
	uint32_t used = 0;

	while (left - used >= EXTENDED_ITEM) {
		struct sn_bytes data = {at + used + EXTENDED_ITEM, u16(at + used + 6)};
		uint32_t item = EXTENDED_ITEM + ((data.len + 7u) & ~7u), type = u16(at + used + 2);
		int more = at[used + 4] & 1;

		if (item > left - used)
			return left + 1;
		if (type == SCHEMA || type == TRAITS)
			*(type == SCHEMA ? schema : traits) = data;
		used += item;
		if (!more)
			return used;
	}
	return left + 1;
}

/* 0, or -EBADMSG: it is broken. */
static int take(const struct sn_etl *etl, const uint8_t *at, struct sn_etw_event *event)
{
	uint8_t kind = at[2];
	uint32_t head = header_size(kind), size = event_size(at);
	struct sn_bytes none;

	memset(event, 0, sizeof(*event));
	event->time = time_of(etl, raw_time(at));
	if (is_kernels(kind)) {
		take_kernels(at, event);
	} else if (kind == FULL32 || kind == FULL64) {
		event->classic = 1;
		event->pointer = etl->pointer;
		event->id = at[4];
		event->version = (uint8_t)u16(at + 6);
	} else {
		event->pointer = u16(at + 4) & IS_32_BIT ? 4 : 8;
		event->id = u16(at + 40);
		event->version = at[42];
	}
	if (!is_kernels(kind)) {
		event->tid = u32(at + 8);
		event->pid = u32(at + 12);
		memcpy(&event->provider, at + 24, sizeof(event->provider));
	}
	if (!event->classic && u16(at + 4) & EXTENDED_INFO)
		head += extended_size(at + head, size - head, &none, &none);
	if (head > size)
		return -EBADMSG;
	event->data = at + head;
	event->size = size - head;
	return 0;
}

/* ---- the file ---- */

static int add(struct sn_etl *etl, const uint8_t *at)
{
	struct place *places = etl->places;

	if (etl->count == etl->room) {
		size_t room = etl->room ? etl->room * 2 : 1024;

		places = realloc(places, room * sizeof(*places));
		if (!places)
			return -ENOMEM;
		etl->places = places;
		etl->room = room;
	}
	places[etl->count++] = (struct place){time_of(etl, raw_time(at)), (uint64_t)(at - etl->bytes)};
	return 0;
}

/* One buffer's events. */
static int index_buffer(struct sn_etl *etl, const uint8_t *buffer, uint32_t used)
{
	const uint8_t *at = buffer + BUFFER_HEADER, *end = buffer + used;
	struct sn_etw_event event;

	etl->stats.buffers++;
	if (u16(buffer + BUFFER_FLAGS_AT) & BUFFER_COMPRESSED) {
		etl->stats.compressed++;
		return 0;
	}
	while (end - at >= 8 && at[2] != PADDING) {
		uint32_t head = header_size(at[2]), size = event_size(at);

		if (!head || at[3] != MARKER_FLAGS) {
			/* WPP messages and the like say their size in the first two bytes */
			etl->stats.unknown++;
			size = u16(at);
			head = 8;
		} else if (size >= head && size <= end - at) {
			if (take(etl, at, &event))
				etl->stats.damaged++;
			else if (add(etl, at))
				return -ENOMEM;
		}
		if (size < head || size > end - at) {
			etl->stats.damaged++;
			return 0;
		}
		size += -size & 7;
		if (size >= end - at)
			break;
		at += size;
	}
	return 0;
}

/* TRACE_LOGFILE_HEADER: the first event of the first buffer. */
static int read_header(struct sn_etl *etl)
{
	const uint8_t *at = etl->bytes + BUFFER_HEADER, *header = at + 32, *tail;
	uint32_t clock;

	if (etl->size < BUFFER_HEADER + 32 + 280 || at[3] != MARKER_FLAGS || (at[2] != SYSTEM64 && at[2] != SYSTEM32) ||
	    u16(at + 6) != 0) /* opcode and group 0 */
		return -EINVAL;
	if (!(u32(header + 32) & KEEPS_NOT_ALL))
		etl->written = (uint64_t)u32(header) * u32(header + 36);
	etl->pointer = (uint8_t)u32(header + 44);
	if (etl->pointer != 8 && etl->pointer != 4)
		return -EINVAL;
	tail = header + (etl->pointer == 8 ? 256 : 248); /* from PerfFreq on */
	etl->stats.events_lost = u32(header + 48);
	etl->frequency = u64(tail);
	etl->start = u64(tail + 8);
	etl->start_raw = raw_time(at);
	clock = u32(tail + 16);
	etl->stats.buffers_lost = u32(tail + 20);
	if (clock == CLOCK_SYSTEM)
		etl->frequency = 0;
	else if (clock == CLOCK_CYCLES)
		etl->frequency = (uint64_t)u32(header + 52) * 1000000;
	if ((!etl->frequency && clock != CLOCK_SYSTEM) || etl->frequency > frequency_max || etl->start < epoch)
		return -EINVAL;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	if (left->time != right->time)
		return left->time < right->time ? -1 : 1;
	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static int index_file(struct sn_etl *etl)
{
	size_t offset = 0;
	int rc = read_header(etl);

	while (!rc && etl->size - offset >= BUFFER_HEADER) {
		const uint8_t *buffer = etl->bytes + offset;
		uint32_t size = u32(buffer), used = u32(buffer + SAVED_OFFSET_AT);

		if (size < BUFFER_HEADER || size > etl->size - offset)
			break;
		if (used < BUFFER_HEADER || used > size)
			etl->stats.damaged++;
		else
			rc = index_buffer(etl, buffer, used);
		offset += size;
	}
	etl->stats.cut_off = (etl->written > etl->size ? etl->written : etl->size) - offset;
	etl->stats.events = etl->count;
	if (etl->count)
		qsort(etl->places, etl->count, sizeof(*etl->places), by_time);
	return rc;
}

int sn_etl__open(const void *bytes, size_t size, struct sn_etl **out)
{
	struct sn_etl *etl = calloc(1, sizeof(*etl));
	int rc;

	if (!etl)
		return -ENOMEM;
	etl->bytes = bytes;
	etl->size = size;
	rc = index_file(etl);
	if (rc)
		sn_etl__close(etl);
	else
		*out = etl;
	return rc;
}

void sn_etl__close(struct sn_etl *etl)
{
	if (!etl)
		return;
	free(etl->places);
	free(etl);
}

int sn_etl__next(struct sn_etl *etl, struct sn_etw_event *event)
{
	if (etl->next == etl->count)
		return 0;
	take(etl, etl->bytes + etl->places[etl->next++].offset, event);
	return 1;
}

void sn_etl__description(const struct sn_etl *etl, struct sn_bytes *schema, struct sn_bytes *traits)
{
	const uint8_t *at = etl->bytes + etl->places[etl->next - 1].offset;
	uint32_t head = header_size(at[2]);

	*schema = *traits = (struct sn_bytes){0};
	if ((at[2] == EVENT32 || at[2] == EVENT64) && u16(at + 4) & EXTENDED_INFO)
		extended_size(at + head, event_size(at) - head, schema, traits);
}

void sn_etl__rewind(struct sn_etl *etl)
{
	etl->next = 0;
}

void sn_etl__stats(const struct sn_etl *etl, struct sn_etl_stats *out)
{
	*out = etl->stats;
}
