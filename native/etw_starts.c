/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_starts.h"

#include <stdlib.h>
#include <string.h>

struct sn_etw_starts {
	struct sn_etw_start waiting[SN_ETW_STARTS_MAX];
	uint32_t first, last; /* only grow */
	uint64_t used;	      /* bytes since the begin, as sn_etw_start.from */
	uint8_t data[SN_ETW_STARTS_BYTES];
};

struct sn_etw_starts *sn_etw_starts__new(void)
{
	return calloc(1, sizeof(struct sn_etw_starts));
}

void sn_etw_starts__free(struct sn_etw_starts *starts)
{
	free(starts);
}

/* Where data of that size begin: in one piece. */
static uint64_t place_of(const struct sn_etw_starts *starts, size_t bytes)
{
	uint64_t to_end = SN_ETW_STARTS_BYTES - starts->used % SN_ETW_STARTS_BYTES;

	return bytes > to_end ? starts->used + to_end : starts->used;
}

int sn_etw_starts__has_room(const struct sn_etw_starts *starts, size_t bytes)
{
	if (starts->first == starts->last)
		return bytes <= SN_ETW_STARTS_BYTES;
	return starts->last - starts->first < SN_ETW_STARTS_MAX &&
	       place_of(starts, bytes) + bytes - starts->waiting[starts->first % SN_ETW_STARTS_MAX].from <=
		       SN_ETW_STARTS_BYTES;
}

/* The columns of `event`, pointing into `data` instead. */
static void copy_columns(struct sn_etw_decoded *to, const struct sn_etw_decoded *from, const struct sn_etw_event *event,
			 const uint8_t *data)
{
	to->provider = from->provider;
	to->kind = from->kind;
	to->first = from->first;
	to->count = from->count;
	to->rest = from->rest;
	for (uint32_t i = 0; i < from->count; i++) {
		const uint8_t *at = from->column[i].bytes.at;

		to->column[i] = from->column[i];
		to->column[i].bytes.at = at ? data + (at - event->data) : NULL;
	}
}

void sn_etw_starts__pair(struct sn_etw_starts *starts, struct sn_etw_start *start, int classic,
			 const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
{
	uint64_t from = place_of(starts, event->size);
	uint8_t *data = starts->data + from % SN_ETW_STARTS_BYTES;

	if (event->size)
		memcpy(data, event->data, event->size);
	starts->used = from + event->size;
	start->own_event[classic] = *event;
	start->own_event[classic].data = data;
	copy_columns(&start->own_decoded[classic], decoded, event, data);
	start->event[classic] = &start->own_event[classic];
	start->decoded[classic] = &start->own_decoded[classic];
}

void sn_etw_starts__end(struct sn_etw_start *first, int classic, const struct sn_etw_event *event,
			const struct sn_etw_decoded *decoded)
{
	first->event[classic] = event;
	first->decoded[classic] = decoded;
}

void sn_etw_starts__add(struct sn_etw_starts *starts, const struct sn_etw_start_id *id, int classic,
			const struct sn_etw_event *event, const struct sn_etw_decoded *decoded)
{
	struct sn_etw_start *start;

	if (starts->first == starts->last) /* what was used last is in the caches */
		starts->first = starts->last = starts->used = 0;
	start = &starts->waiting[starts->last++ % SN_ETW_STARTS_MAX];
	start->id = *id;
	start->index = event->index;
	start->event[!classic] = NULL;
	start->from = place_of(starts, event->size);
	sn_etw_starts__pair(starts, start, classic, event, decoded);
}

struct sn_etw_start *sn_etw_starts__first(struct sn_etw_starts *starts)
{
	return starts->first == starts->last ? NULL : &starts->waiting[starts->first % SN_ETW_STARTS_MAX];
}

void sn_etw_starts__drop_first(struct sn_etw_starts *starts)
{
	starts->first++;
}

struct sn_etw_start *sn_etw_starts__twin(struct sn_etw_starts *starts, const struct sn_etw_start_id *of, int classic,
					 uint64_t apart)
{
	for (uint32_t i = starts->first; i != starts->last; i++) {
		struct sn_etw_start *start = &starts->waiting[i % SN_ETW_STARTS_MAX];
		const struct sn_etw_start_id *id = &start->id;
		uint64_t between = of->time > id->time ? of->time - id->time : id->time - of->time;

		if (id->pid == of->pid && id->parent == of->parent && !start->event[classic] && between <= apart)
			return start;
	}
	return NULL;
}
