/* SPDX-License-Identifier: Apache-2.0
 *
 * See ring.h.
 */
#include "ring.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "count.h"
#include "wait.h"

enum { CAPACITY_MIN = 256, CACHE_LINE = 64, PAGE = 4096 };

enum kind { RECORD = 0, PAD = 1 };

struct frame {
	uint32_t size; /* of the record, or of the padding, without this frame */
	uint32_t kind;
};

struct sn_ring {
	uint8_t *bytes;
	uint64_t capacity;

	/* The gaps keep what one side writes off the lines that the other reads, however malloc aligned the struct. */
	uint8_t gap_producer[CACHE_LINE];
	_Atomic uint64_t head;
	uint64_t write;	   /* head plus what is staged */
	uint64_t reserved; /* position of the frame handed out by reserve */
	uint64_t seen_tail;
	_Atomic uint64_t dropped;
	_Atomic uint64_t dropped_bytes;

	uint8_t gap_consumer[CACHE_LINE];
	_Atomic uint64_t tail;
	uint64_t read; /* tail plus what is leased */
	uint64_t seen_head;

	uint8_t gap_sleep[CACHE_LINE];
	_Atomic uint32_t asleep;
	_Atomic uint32_t interrupted;
};

static uint64_t round8(uint64_t size)
{
	return (size + 7) & ~(uint64_t)7;
}

static struct frame *frame_at(const struct sn_ring *ring, uint64_t position)
{
	return (struct frame *)(void *)(ring->bytes + (position & (ring->capacity - 1)));
}

int sn_ring__new(uint64_t capacity, struct sn_ring **out)
{
	struct sn_ring *ring;

	if (capacity < CAPACITY_MIN || (capacity & (capacity - 1)) || capacity > SIZE_MAX / 2)
		return -EINVAL;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	ring->bytes = calloc(1, (size_t)capacity);
	if (!ring->bytes) {
		free(ring);
		return -ENOMEM;
	}
	ring->capacity = capacity;
	*out = ring;
	return 0;
}

void sn_ring__touch(struct sn_ring *ring)
{
	volatile uint8_t *byte = ring->bytes;

	for (uint64_t at = 0; at < ring->capacity; at += PAGE)
		byte[at] = 0;
}

void sn_ring__free(struct sn_ring *ring)
{
	if (!ring)
		return;
	free(ring->bytes);
	free(ring);
}

/* ---- producer ---- */

static int has_room(struct sn_ring *ring, uint64_t end)
{
	if (end - ring->seen_tail <= ring->capacity)
		return 1;
	ring->seen_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	return end - ring->seen_tail <= ring->capacity;
}

/* Half of the capacity at most: a record that fits only from some offsets on could wait for ever. */
static int is_too_large(const struct sn_ring *ring, size_t size)
{
	return size > ring->capacity / 2 - sizeof(struct frame);
}

/* What must be stepped over so that a record of that size does not wrap. */
static uint64_t padding(const struct sn_ring *ring, size_t size)
{
	uint64_t to_end = ring->capacity - (ring->write & (ring->capacity - 1));

	return sizeof(struct frame) + round8(size) > to_end ? to_end : 0;
}

int sn_ring__must_wait(struct sn_ring *ring, size_t size)
{
	return !is_too_large(ring, size) &&
	       !has_room(ring, ring->write + padding(ring, size) + sizeof(struct frame) + round8(size));
}

int sn_ring__is_scarce(struct sn_ring *ring, size_t size)
{
	uint64_t end = ring->write + size;

	if (end - ring->seen_tail > ring->capacity / 2)
		ring->seen_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	return end - ring->seen_tail > ring->capacity / 2;
}

void *sn_ring__reserve(struct sn_ring *ring, size_t size)
{
	uint64_t pad = padding(ring, size);

	if (is_too_large(ring, size) || sn_ring__must_wait(ring, size)) {
		sn_count_atomic(&ring->dropped, 1);
		sn_count_atomic(&ring->dropped_bytes, size);
		return NULL;
	}
	if (pad)
		*frame_at(ring, ring->write) = (struct frame){(uint32_t)(pad - sizeof(struct frame)), PAD};
	ring->reserved = ring->write + pad;
	return frame_at(ring, ring->reserved) + 1;
}

void sn_ring__commit(struct sn_ring *ring, size_t size)
{
	*frame_at(ring, ring->reserved) = (struct frame){(uint32_t)size, RECORD};
	ring->write = ring->reserved + sizeof(struct frame) + round8(size);
}

int sn_ring__push(struct sn_ring *ring, const void *record, size_t size)
{
	void *room = sn_ring__reserve(ring, size);

	if (!room)
		return -ENOBUFS;
	memcpy(room, record, size);
	sn_ring__commit(ring, size);
	return 0;
}

void sn_ring__publish(struct sn_ring *ring)
{
	if (atomic_load_explicit(&ring->head, memory_order_relaxed) == ring->write)
		return;
	atomic_store_explicit(&ring->head, ring->write, memory_order_release);
	/* Pairs with the fence in sn_ring__wait: either we see `asleep`, or the sleeper sees the new head. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&ring->asleep, memory_order_relaxed) && atomic_exchange(&ring->asleep, 0))
		sn_wait__wake(&ring->asleep);
}

void sn_ring__nudge(struct sn_ring *ring)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&ring->asleep, memory_order_relaxed))
		sn_ring__interrupt(ring);
}

/* ---- consumer ---- */

static int is_empty(struct sn_ring *ring)
{
	if (ring->read != ring->seen_head)
		return 0;
	ring->seen_head = atomic_load_explicit(&ring->head, memory_order_acquire);
	return ring->read == ring->seen_head;
}

const void *sn_ring__peek(struct sn_ring *ring, size_t *size)
{
	const struct frame *frame;

	for (;;) {
		if (is_empty(ring))
			return NULL;
		frame = frame_at(ring, ring->read);
		if (frame->kind == RECORD)
			break;
		ring->read += sizeof(*frame) + frame->size;
	}
	*size = frame->size;
	return frame + 1;
}

void sn_ring__advance(struct sn_ring *ring)
{
	ring->read += sizeof(struct frame) + round8(frame_at(ring, ring->read)->size);
}

void sn_ring__release(struct sn_ring *ring)
{
	if (atomic_load_explicit(&ring->tail, memory_order_relaxed) != ring->read)
		atomic_store_explicit(&ring->tail, ring->read, memory_order_release);
}

static int ready_bytes(struct sn_ring *ring)
{
	uint64_t bytes;

	if (is_empty(ring))
		return 0;
	bytes = ring->seen_head - ring->read;
	return bytes < INT_MAX ? (int)bytes : INT_MAX;
}

int sn_ring__wait(struct sn_ring *ring, int timeout_ms)
{
	if (!is_empty(ring))
		return ready_bytes(ring);
	atomic_store_explicit(&ring->asleep, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (is_empty(ring) && !atomic_load(&ring->interrupted))
		sn_wait__sleep(&ring->asleep, 1, timeout_ms);
	atomic_store_explicit(&ring->asleep, 0, memory_order_relaxed);
	if (atomic_exchange(&ring->interrupted, 0))
		return 0;
	return ready_bytes(ring);
}

/* ---- any thread ---- */

void sn_ring__interrupt(struct sn_ring *ring)
{
	atomic_store(&ring->interrupted, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_exchange(&ring->asleep, 0))
		sn_wait__wake(&ring->asleep);
}

void sn_ring__stats(const struct sn_ring *ring, struct sn_ring_stats *out)
{
	/* tail first: head, read later, is never behind it. */
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);

	out->used = atomic_load_explicit(&ring->head, memory_order_acquire) - tail;
	out->dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed);
	out->dropped_bytes = atomic_load_explicit(&ring->dropped_bytes, memory_order_relaxed);
}
