// sources: ring.c wait.c
/* The ring against a queue in an array: random operations of both sides on one thread. */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "ring.h"

enum { CAPACITY = 1024, QUEUE = 4096, STEPS = 400000 };

/* The twin: what was staged, in order; `published` and `read` say how far each side is. The *_at are positions in
 * bytes, to know exactly when there is room. */
struct twin {
	struct {
		uint64_t at;
		uint32_t size;
		uint8_t fill;
	} queue[QUEUE];
	uint64_t staged, published, read;
	uint64_t write_at, read_at, tail_at;
	uint64_t dropped, dropped_bytes;
};

static uint32_t frame_size(uint32_t size)
{
	return 8 + (size + 7) / 8 * 8;
}

/* Where a record of `size` bytes would start: here, or at the next lap's begin. */
static uint64_t place(const struct twin *twin, uint32_t size)
{
	uint64_t left = CAPACITY - twin->write_at % CAPACITY;

	return twin->write_at + (frame_size(size) > left ? left : 0);
}

static void check_peek(struct sn_ring *ring, struct twin *twin)
{
	size_t size;
	const uint8_t *record = sn_ring__peek(ring, &size);

	CHECK(!record == (twin->read == twin->published));
	if (!record)
		return;
	twin->read_at = twin->queue[twin->read % QUEUE].at;
	CHECK((uintptr_t)record % 8 == 0);
	CHECK(size == twin->queue[twin->read % QUEUE].size);
	for (size_t i = 0; i < size; i++)
		CHECK(record[i] == (uint8_t)(twin->queue[twin->read % QUEUE].fill + i));
}

static void produce(struct sn_ring *ring, struct twin *twin, uint64_t *random)
{
	uint32_t size = random_below(random, random_below(random, 8) ? 60 : 700), less = random_below(random, size + 1);
	uint32_t used = random_below(random, 4) ? size : less;
	uint8_t bytes[700], fill = (uint8_t)random_next(random);
	int fits = size <= CAPACITY / 2 - 8 && place(twin, size) + frame_size(size) - twin->tail_at <= CAPACITY;
	void *room;

	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(fill + i);
	CHECK(!sn_ring__must_wait(ring, size) == (fits || size > CAPACITY / 2 - 8));
	room = sn_ring__reserve(ring, size);
	CHECK(!room == !fits);
	if (!room) {
		twin->dropped++;
		twin->dropped_bytes += size;
		return;
	}
	memcpy(room, bytes, used);
	if (!random_below(random, 10))
		return; /* reserved and left: no trace */
	sn_ring__commit(ring, used);
	twin->queue[twin->staged % QUEUE].at = place(twin, size);
	twin->write_at = place(twin, size) + frame_size(used);
	twin->queue[twin->staged % QUEUE].size = used;
	twin->queue[twin->staged++ % QUEUE].fill = fill;
}

static void test_against_twin(void)
{
	struct sn_ring *ring;
	struct sn_ring_stats stats;
	struct twin *twin = calloc(1, sizeof(*twin));
	uint64_t random = 1;

	CHECK(twin && sn_ring__new(CAPACITY, &ring) == 0);
	for (int step = 0; step < STEPS; step++) {
		switch (random_below(&random, 8)) {
		case 0:
		case 1:
		case 2:
			produce(ring, twin, &random);
			break;
		case 3:
			sn_ring__publish(ring);
			twin->published = twin->staged;
			break;
		case 4:
		case 5:
		case 6:
			check_peek(ring, twin);
			if (twin->read < twin->published) {
				sn_ring__advance(ring);
				twin->read_at += frame_size(twin->queue[twin->read++ % QUEUE].size);
			}
			break;
		case 7:
			sn_ring__release(ring);
			twin->tail_at = twin->read_at;
			CHECK((sn_ring__wait(ring, 0) > 0) == (twin->read < twin->published));
			break;
		}
		sn_ring__stats(ring, &stats);
		CHECK(stats.dropped == twin->dropped && stats.dropped_bytes == twin->dropped_bytes);
		CHECK(stats.used <= CAPACITY);
	}
	CHECK(twin->read > 10000 && twin->dropped > 1000);
	sn_ring__free(ring);
	free(twin);
}

/* Whatever the offset, an empty ring takes the largest record there is, and full means full. */
static void test_every_offset(void)
{
	uint8_t record[CAPACITY / 2 - 8] = {0};
	struct sn_ring_stats stats;
	struct sn_ring *ring;
	size_t size;

	CHECK(sn_ring__new(CAPACITY, &ring) == 0);
	for (int lap = 0; lap < 3 * CAPACITY / 8; lap++) {
		CHECK(sn_ring__push(ring, record, sizeof(record)) == 0);
		sn_ring__publish(ring);
		CHECK(sn_ring__peek(ring, &size) && size == sizeof(record));
		sn_ring__advance(ring);
		sn_ring__release(ring);
		CHECK(sn_ring__push(ring, record, 0) == 0);
		sn_ring__publish(ring);
		CHECK(sn_ring__peek(ring, &size) && size == 0);
		sn_ring__advance(ring);
		sn_ring__release(ring);
		CHECK(sn_ring__peek(ring, &size) == NULL);
		sn_ring__stats(ring, &stats);
		CHECK(stats.used == 0 && stats.dropped == 0);
	}
	CHECK(sn_ring__push(ring, record, sizeof(record) + 1) == -ENOBUFS);
	sn_ring__free(ring);
	CHECK(sn_ring__new(CAPACITY, &ring) == 0);
	for (int i = 0; i < CAPACITY / 16; i++)
		CHECK(sn_ring__push(ring, record, 8) == 0);
	CHECK(sn_ring__push(ring, record, 0) == -ENOBUFS);
	sn_ring__stats(ring, &stats);
	CHECK(stats.used == 0 && stats.dropped == 1 && stats.dropped_bytes == 0);
	sn_ring__publish(ring);
	sn_ring__stats(ring, &stats);
	CHECK(stats.used == CAPACITY);
	sn_ring__free(ring);
}

static void test_new_and_interrupt(void)
{
	static const uint64_t bad[] = {0, 1, 128, 255, 257, 1000, UINT64_MAX, UINT64_MAX / 2 + 1};
	struct sn_ring *ring;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(sn_ring__new(bad[i], &ring) == -EINVAL);
	CHECK(sn_ring__new(256, &ring) == 0);
	sn_ring__interrupt(ring); /* nobody sleeps: it is kept for the next who would */
	CHECK(sn_ring__wait(ring, -1) == 0);
	CHECK(sn_ring__wait(ring, 1) == 0);
	CHECK(sn_ring__push(ring, "12345678", 8) == 0);
	CHECK(sn_ring__wait(ring, 0) == 0);
	sn_ring__publish(ring);
	CHECK(sn_ring__wait(ring, -1) == 16);
	sn_ring__free(ring);
	sn_ring__free(NULL);
}

int main(void)
{
	test_new_and_interrupt();
	test_every_offset();
	test_against_twin();
	return 0;
}
