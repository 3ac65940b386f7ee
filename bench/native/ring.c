/* SPDX-License-Identifier: Apache-2.0
 *
 * What one record costs in the ring: on one thread, and between two.
 *
 *   gcc -O2 -std=c11 -D_GNU_SOURCE -Inative bench/native/ring.c native/ring.c native/wait.c -lpthread -o
 * build/bench-ring
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ring.h"

enum { RECORDS = 20000000, BATCH = 64, CAPACITY = 4 << 20, SIZE = 104 /* struct sn_connect */ };

static uint64_t sum;

static double ns_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t take_all(struct sn_ring *ring)
{
	const uint64_t *record;
	uint64_t count = 0;
	size_t size;

	while ((record = sn_ring__peek(ring, &size))) {
		sum += *record;
		sn_ring__advance(ring);
		if (++count % BATCH == 0)
			sn_ring__release(ring);
	}
	sn_ring__release(ring);
	return count;
}

static void *consume(void *ring)
{
	for (uint64_t count = 0; count < RECORDS;) {
		sn_ring__wait(ring, -1);
		count += take_all(ring);
	}
	return NULL;
}

int main(void)
{
	uint64_t record[SIZE / 8] = {0}, count = 0, waits = 0;
	struct sn_ring *ring;
	pthread_t thread;
	double cpu, wall;

	if (sn_ring__new(CAPACITY, &ring))
		return 1;
	cpu = ns_of(CLOCK_PROCESS_CPUTIME_ID);
	for (record[0] = 0; record[0] < RECORDS; record[0]++) {
		sn_ring__push(ring, record, SIZE);
		if (record[0] % BATCH == BATCH - 1) {
			sn_ring__publish(ring);
			count += take_all(ring);
		}
	}
	cpu = ns_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("one thread, %d bytes, batches of %d: %.1f ns a record (%llu)\n", SIZE, BATCH, cpu / RECORDS,
	       (unsigned long long)count);
	if (pthread_create(&thread, NULL, consume, ring))
		return 1;
	cpu = ns_of(CLOCK_PROCESS_CPUTIME_ID);
	wall = ns_of(CLOCK_MONOTONIC);
	for (record[0] = 0; record[0] < RECORDS; record[0]++) {
		while (sn_ring__push(ring, record, SIZE)) {
			waits++;
			sn_ring__publish(ring);
			sched_yield();
		}
		if (record[0] % BATCH == BATCH - 1)
			sn_ring__publish(ring);
	}
	sn_ring__publish(ring);
	pthread_join(thread, NULL);
	cpu = ns_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = ns_of(CLOCK_MONOTONIC) - wall;
	printf("two threads: %.1f ns a record of wall time, %.1f ns of CPU in both; full %llu times\n", wall / RECORDS,
	       cpu / RECORDS, (unsigned long long)waits);
	sn_ring__free(ring);
	return sum == 0;
}
