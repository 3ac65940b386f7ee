/* SPDX-License-Identifier: Apache-2.0
 *
 * etw NS: what Windows' callback costs: EVENT_RECORDs of process starts through sn_etw_event_record into a session's
 * ring, which another thread drains meanwhile, taking NS for each, as the match thread takes 2,000. With 0 it asks for
 * the next record all the time, and both threads wait for one cache line: on two free cores a record then costs the
 * callback several times what it does on a busy one, where the two do not run at once.
 *
 * In bursts that fit into the ring, so that what is measured is not what a full ring refuses; the first ones, which
 * touch its pages, do not count. Millions of records a second of the callback's thread, by its CPU time and by time as
 * it passes: of the median burst, and of the best.
 *
 * Also as a library of Windows, which etw-callback-windows calls from an interpreter there: threads' CPU time has steps
 * of 10 ms under wine, so a burst's is 0 and its rate is said as 0.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "engine.h"
#include "etw_record.h"
#include "times.h"

enum {
	WARM = 3, /* bursts; the ring has room for less than two */
	BURSTS = 31,
	BURST = 20000,
	DATA = 180, /* of a start in version 3 */
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct drain {
	struct sn_ring *ring;
	uint64_t each_ns;
	_Atomic uint64_t taken;
	_Atomic int ended;
};

static void *drain(void *of)
{
	struct drain *own = of;
	size_t size;

	while (!atomic_load_explicit(&own->ended, memory_order_relaxed)) {
		uint64_t count = 0;

		for (; count < 256 && sn_ring__peek(own->ring, &size); count++) {
			uint64_t until = own->each_ns ? sn_clock__now() + own->each_ns : 0;

			while (until && sn_clock__now() < until)
				;
			sn_ring__advance(own->ring);
		}
		sn_ring__release(own->ring);
		atomic_fetch_add_explicit(&own->taken, count, memory_order_relaxed);
	}
	return NULL;
}

/* Millions a second, of a burst that took so long; 0 where the clock did not move. */
static double rate(uint64_t ns)
{
	return ns ? BURST * 1e3 / (double)ns : 0;
}

int main(int argc, char **argv)
{
	static uint8_t data[DATA];
	struct sn_event_record record = {
		.flags = 0x40,
		.id = 1,
		.version = 3,
		.time_stamp = 132000000000000000,
		.user_data_length = DATA,
		.user_data = data,
		.provider = SN_GUID(0x22fb2cd6, 0x0e7b, 0x422b, 0xa0, 0xc7, 0x2f, 0xad, 0x1f, 0xd0, 0xe7, 0x16)};
	const struct sn_engine_options options = {
		.ring_bytes = 1 << 20, .alert_bytes = 1 << 18, .table_bytes = 1 << 16, .table_entries = 64};
	struct sn_etw_source_stats stats;
	struct sn_etw_source *source;
	struct sn_engine *engine;
	struct drain own = {.each_ns = argc == 2 ? (uint64_t)atoi(argv[1]) : 0};
	uint64_t wall[BURSTS], cpu[BURSTS];
	const uint64_t all = (uint64_t)(WARM + BURSTS) * BURST;
	pthread_t thread;

	if (sn_engine__new(&options, &engine) || sn_etw_source__new(engine, &source))
		return 1;
	record.user_context = sn_etw_source__lane(source, 0);
	if (!record.user_context)
		return 1;
	own.ring = ((struct sn_etw_lane *)record.user_context)->ring;
	if (pthread_create(&thread, NULL, drain, &own))
		return 1;
	for (uint64_t burst = 0; burst < WARM + BURSTS; burst++) {
		uint64_t cpu_begin = cpu_ns(), begin = sn_clock__now(), at = burst < WARM ? 0 : burst - WARM;

		for (uint32_t i = 0; i < BURST; i++)
			sn_etw_event_record(&record);
		wall[at] = sn_clock__now() - begin;
		cpu[at] = cpu_ns() - cpu_begin;
		while (atomic_load(&own.taken) != (burst + 1) * BURST)
			;
	}
	atomic_store(&own.ended, 1);
	pthread_join(thread, NULL);
	sn_etw_source__stats(source, &stats);
	printf("{\"cpu\": %.2f, \"wall\": %.2f, ", rate(median(cpu, BURSTS)), rate(median(wall, BURSTS)));
	printf("\"cpu_best\": %.2f, \"wall_best\": %.2f, ", rate(cpu[0]), rate(wall[0])); /* median sorts them */
	printf("\"recorded\": %llu, \"dropped\": %llu}\n", (unsigned long long)stats.recorded,
	       (unsigned long long)stats.dropped);
	sn_etw_source__free(source);
	sn_engine__free(engine);
	return !stats.dropped && stats.recorded == all ? 0 : 1;
}
