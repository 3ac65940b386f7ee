// sources: ring.c wait.c
// sanitize: thread
/* The ring between two threads: everything arrives once, in order, whole; sleepers are woken; what did not fit is
 * counted. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "check.h"
#include "ring.h"

enum { RECORDS = 300000, CAPACITY = 4096, WORDS = 40 };

struct lane {
	struct sn_ring *ring;
	int batch;  /* records a publish */
	int insist; /* the producer tries again when the ring is full */
};

static void *produce(void *arg)
{
	struct lane *lane = arg;
	uint64_t record[WORDS], random = 7;

	for (uint64_t i = 0; i < RECORDS; i++) {
		uint32_t words = 1 + random_below(&random, WORDS);

		for (uint32_t w = 0; w < words; w++)
			record[w] = i;
		while (sn_ring__push(lane->ring, record, words * sizeof(*record)) == -ENOBUFS && lane->insist) {
			sn_ring__publish(lane->ring);
			sched_yield();
		}
		if (i % (uint64_t)lane->batch == 0)
			sn_ring__publish(lane->ring);
	}
	/* The last word: no record, and it always arrives. */
	record[0] = RECORDS;
	while (sn_ring__push(lane->ring, record, sizeof(*record)) == -ENOBUFS)
		sched_yield();
	sn_ring__publish(lane->ring);
	return NULL;
}

static uint64_t consume(struct sn_ring *ring)
{
	uint64_t received = 0, last = 0;

	for (;;) {
		const uint64_t *record;
		size_t size;

		sn_ring__wait(ring, -1);
		while ((record = sn_ring__peek(ring, &size))) {
			for (size_t w = 0; w < size / sizeof(*record); w++)
				CHECK(record[w] == *record);
			CHECK(received == 0 || *record > last);
			last = *record;
			sn_ring__advance(ring);
			if (last == RECORDS)
				return received;
			received++;
		}
		sn_ring__release(ring);
	}
}

static void test_lane(int batch, int insist)
{
	struct lane lane = {.batch = batch, .insist = insist};
	struct sn_ring_stats stats;
	pthread_t producer;
	uint64_t received;

	CHECK(sn_ring__new(CAPACITY, &lane.ring) == 0);
	CHECK(pthread_create(&producer, NULL, produce, &lane) == 0);
	received = consume(lane.ring);
	CHECK(pthread_join(producer, NULL) == 0);
	sn_ring__stats(lane.ring, &stats);
	if (insist)
		CHECK(received == RECORDS);
	else /* the last word may have been refused some times as well */
		CHECK(received <= RECORDS && received + stats.dropped >= RECORDS);
	sn_ring__free(lane.ring);
}

static void *interrupt_once(void *ring)
{
	sn_ring__interrupt(ring);
	return NULL;
}

/* An interrupt is never lost, whether it comes before, while or after the other falls asleep. */
static void test_interrupt(void)
{
	struct sn_ring *ring;
	pthread_t thread;

	CHECK(sn_ring__new(CAPACITY, &ring) == 0);
	for (int i = 0; i < 2000; i++) {
		CHECK(pthread_create(&thread, NULL, interrupt_once, ring) == 0);
		CHECK(sn_ring__wait(ring, -1) == 0);
		CHECK(pthread_join(thread, NULL) == 0);
	}
	sn_ring__free(ring);
}

int main(void)
{
	test_lane(1, 1);
	test_lane(16, 1);
	test_lane(16, 0);
	test_interrupt();
	return 0;
}
