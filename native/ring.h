/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_ring: whole records from one thread to one other, without a lock, an allocation or a system call.
 *
 *   tail            read                      head          write              positions only grow;
 *    |               |                         |             |                 offset = position & (capacity - 1)
 *    v               v                         v             v
 *  --+---+-------+---+---+------+---+----------+---+---------+-----------
 *    | n | bytes | n | bytes    | n | bytes    | n | bytes   |   free
 *  --+---+-------+---+---+------+---+----------+---+---------+-----------
 *    |  leased to    |    published, not yet   |  staged by  |
 *    |  the consumer |    looked at            |  the producer
 *
 *   The end of the memory, when the next record does not fit before it:
 *
 *    +---+-------+-----+--------------+         +---+----------+---
 *    | n | bytes | pad | not used     |  wraps  | n | bytes    |
 *    +---+-------+-----+--------------+         +---+----------+---
 *                                     capacity  0
 *
 * A frame is 8 bytes (length, kind) and the record, filled up to 8: the consumer always gets one contiguous, 8-aligned
 * pointer. A pad frame does that in plain memory on every system; mapping the memory twice would save less than a
 * record a lap and needs another system interface on each platform.
 *
 * Each side keeps a copy of the other's position and reads the shared one only when the copy says full or empty, so
 * that the line which holds it does not travel between the cores for every record. head is stored with release after
 * the bytes were written and read with acquire before they are; tail the same, the other way round.
 *
 * Sleeping: the consumer sets `asleep`, looks again, and sleeps; the producer publishes, and looks at `asleep`. The
 * full fences between each side's store and its load (ring.c) leave no way to miss the other.
 */
#ifndef SN_RING_H
#define SN_RING_H
#include <stddef.h>
#include <stdint.h>

struct sn_ring;

struct sn_ring_stats {
	uint64_t used;	  /* bytes between tail and head now, frames and padding included */
	uint64_t dropped; /* records for which there was no room */
	uint64_t dropped_bytes;
};

/* `capacity` in bytes, a power of two from 256 up; -EINVAL, -ENOMEM. Memory is touched as it is first used. */
int sn_ring__new(uint64_t capacity, struct sn_ring **out);
/* Has its memory mapped now, before anybody uses it: the process then has its size from the start, and not after the
 * first lap. */
void sn_ring__touch(struct sn_ring *ring);
void sn_ring__free(struct sn_ring *ring);

/* ---- producer ---- */
/* Room for one record of up to `size` bytes (8-aligned, the producer's until commit), or NULL: no room, or larger than
 * half of the capacity less the frame; counted as dropped. A reserve without commit leaves no trace. */
void *sn_ring__reserve(struct sn_ring *ring, size_t size);
/* Whether reserve would find no room now, but will when the consumer has released enough. */
int sn_ring__must_wait(struct sn_ring *ring, size_t size);
/* Whether less than half of the room would be left with `size` bytes more: for records that give way to others. */
int sn_ring__is_scarce(struct sn_ring *ring, size_t size);
/* Stages the reserved record with its final size, not above the reserved one. */
void sn_ring__commit(struct sn_ring *ring, size_t size);
/* reserve, copy, commit: 0 or -ENOBUFS. Not yet visible: see publish. */
int sn_ring__push(struct sn_ring *ring, const void *record, size_t size);
/* Shows all staged records to the consumer and wakes it if it sleeps. Once a batch. */
void sn_ring__publish(struct sn_ring *ring);

/* Wakes the consumer if it sleeps. For a thread that has put something elsewhere that the consumer looks at: one that
 * was about to sleep is missed. */
void sn_ring__nudge(struct sn_ring *ring);

/* ---- consumer ---- */
/* The next record and its exact size, or NULL when there is none. Stays valid until sn_ring__release. */
const void *sn_ring__peek(struct sn_ring *ring, size_t *size);
/* Steps over the record that peek showed; it stays leased. */
void sn_ring__advance(struct sn_ring *ring);
/* Gives the memory of all records stepped over back to the producer. Once a batch. */
void sn_ring__release(struct sn_ring *ring);
/* Sleeps until records are published: their bytes (at least 1), or 0 after timeout_ms (negative: no limit), after
 * sn_ring__interrupt, or on a signal. Does not release. */
int sn_ring__wait(struct sn_ring *ring, int timeout_ms);

/* ---- any thread ---- */
/* Makes one sn_ring__wait return 0: the one that sleeps now, else the next that would. */
void sn_ring__interrupt(struct sn_ring *ring);
void sn_ring__stats(const struct sn_ring *ring, struct sn_ring_stats *out);
#endif
