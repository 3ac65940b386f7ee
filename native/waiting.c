/* SPDX-License-Identifier: Apache-2.0
 *
 * See waiting.h.
 */
#include "waiting.h"

#include <stdlib.h>
#include <string.h>

struct sn_waiting {
	uint32_t first, count; /* places; those that are gone but not yet the first among them */
	uint32_t held;	       /* not gone */
	uint32_t ready;	       /* of them: nothing outstanding */
	uint32_t at;	       /* in bytes: where the next goes */
	struct sn_held place[SN_WAITING_MAX];
	_Alignas(8) uint8_t bytes[SN_WAITING_BYTES];
};

struct sn_waiting *sn_waiting__new(void)
{
	return calloc(1, sizeof(struct sn_waiting));
}

void sn_waiting__free(struct sn_waiting *waiting)
{
	free(waiting);
}

static struct sn_held *place_of(struct sn_waiting *waiting, uint32_t number)
{
	return &waiting->place[(waiting->first + number) % SN_WAITING_MAX];
}

/* `size` bytes in one piece, NULL: there is no such. What is in use lies between the first's frame and `at`. */
static uint8_t *room_for(struct sn_waiting *waiting, uint32_t size)
{
	uint32_t from = waiting->count ? (uint32_t)(place_of(waiting, 0)->frame - waiting->bytes) : 0, at = waiting->at;

	if (!waiting->count)
		at = 0;
	else if (at > from && size > SN_WAITING_BYTES - at)
		at = 0;
	/* never quite up to the first: `at` equal to `from` would look like all free */
	if (waiting->count && at <= from ? size >= from - at : size > SN_WAITING_BYTES - at)
		return NULL;
	waiting->at = at + size;
	return waiting->bytes + at;
}

struct sn_held *sn_waiting__hold(struct sn_waiting *waiting, const void *frame, uint32_t size,
				 const uint64_t question[2], uint64_t deadline)
{
	uint32_t room = size + ((question[0] != 0) + (question[1] != 0)) * SN_FACTS_MAX;
	struct sn_held *held = place_of(waiting, waiting->count);
	uint8_t *bytes;

	if (waiting->count == SN_WAITING_MAX || size > SN_WAITING_BYTES / 2 || !(bytes = room_for(waiting, room)))
		return NULL;
	memcpy(bytes, frame, size);
	*held = (struct sn_held){.deadline = deadline, .frame = bytes, .frame_size = size, .room = room, .held = 1};
	bytes += size;
	for (uint32_t i = 0; i < 2; i++) {
		held->question[i] = question[i];
		if (!question[i])
			continue;
		held->facts[i] = (struct sn_facts *)bytes;
		*held->facts[i] = *sn_facts__empty(SN_FACTS_LATE);
		bytes += SN_FACTS_MAX;
	}
	waiting->count++;
	waiting->held++;
	waiting->ready += !question[0] && !question[1];
	return held;
}

uint32_t sn_waiting__answer(struct sn_waiting *waiting, uint64_t number, const struct sn_facts *facts)
{
	uint32_t found = 0;

	for (uint32_t i = 0; number && i < waiting->count; i++) {
		struct sn_held *held = place_of(waiting, i);

		for (uint32_t q = 0; held->held && q < 2; q++) {
			if (held->question[q] != number)
				continue;
			memcpy(held->facts[q], facts, facts->size);
			held->question[q] = 0;
			waiting->ready += !held->question[1 - q];
			found++;
		}
	}
	return found;
}

struct sn_held *sn_waiting__due(struct sn_waiting *waiting, uint64_t now)
{
	for (uint32_t i = 0; i < waiting->count; i++) {
		struct sn_held *held = place_of(waiting, i);
		int ready = held->held && !held->question[0] && !held->question[1];

		if (held->held && (ready || held->deadline <= now))
			return held;
		if (!waiting->ready && held->held)
			return NULL; /* the first has the first deadline */
	}
	return NULL;
}

void sn_waiting__release(struct sn_waiting *waiting, struct sn_held *held)
{
	held->held = 0;
	waiting->held--;
	waiting->ready -= !held->question[0] && !held->question[1];
	while (waiting->count && !place_of(waiting, 0)->held) {
		waiting->first = (waiting->first + 1) % SN_WAITING_MAX;
		waiting->count--;
	}
}

uint64_t sn_waiting__deadline(const struct sn_waiting *waiting)
{
	/* the first is never gone */
	return waiting->count ? waiting->place[waiting->first].deadline : UINT64_MAX;
}

uint32_t sn_waiting__count(const struct sn_waiting *waiting)
{
	return waiting->held;
}
