/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_waiting: events that wait for facts of files, as alert frames (sensor.h) in the making. A frame holds all
 * that the event is judged by (record, process, parent, proxies), as it was when the event came.
 *
 *   first                                                 places: a ring of SN_WAITING_MAX, in order of arrival
 *     v
 *   +---------+---------+---------+---------+
 *   | held    | (gone)  | held    | held    |             bytes: one ring, each held one in one piece
 *   +---------+---------+---------+---------+
 *      |___________________|_________|__________________
 *   [ frame | image's facts | payload's ] [ frame | .. ]
 *
 * A held one goes when nothing it asked for is outstanding, or at its deadline; its room comes back when all before it
 * are gone, which is within the longest wait. All are held for about as long, so the first has the first deadline.
 * One thread; nothing is allocated after sn_waiting__new.
 */
#ifndef SN_WAITING_H
#define SN_WAITING_H
#include "facts.h"

enum {
	SN_WAITING_MAX = 2048,
	SN_WAITING_BYTES = 4 << 20, /* touched as it is used */
};

struct sn_waiting;

/* An event that is held. */
struct sn_held {
	uint64_t deadline;
	uint64_t question[2]; /* SN_ASKED_* - 1: number of what is outstanding; 0: nothing */
	uint8_t *frame;	      /* 8-aligned */
	uint32_t frame_size;
	uint32_t room;		   /* bytes that it takes of the ring */
	struct sn_facts *facts[2]; /* as `question`: what was told; state SN_FACTS_LATE until then */
	uint32_t held;		   /* 0: gone */
	uint32_t named;		   /* the caller's: which program the file is was known already */
};

/* NULL: no memory. */
struct sn_waiting *sn_waiting__new(void);
void sn_waiting__free(struct sn_waiting *waiting);
/* Copies the frame and keeps it until all questions that are not 0 are answered, or the deadline (ns of any clock).
 * NULL: no room. Valid until it is released. */
struct sn_held *sn_waiting__hold(struct sn_waiting *waiting, const void *frame, uint32_t size,
				 const uint64_t question[2], uint64_t deadline);
/* Gives the answer to all who wait for it; how many did. */
uint32_t sn_waiting__answer(struct sn_waiting *waiting, uint64_t number, const struct sn_facts *facts);
/* One that has all its answers, or whose deadline is not later than `now`, the first such; NULL: none. */
struct sn_held *sn_waiting__due(struct sn_waiting *waiting, uint64_t now);
void sn_waiting__release(struct sn_waiting *waiting, struct sn_held *held);
/* Of the first; UINT64_MAX: nobody waits. */
uint64_t sn_waiting__deadline(const struct sn_waiting *waiting);
uint32_t sn_waiting__count(const struct sn_waiting *waiting);
#endif
