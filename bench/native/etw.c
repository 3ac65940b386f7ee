/* SPDX-License-Identifier: Apache-2.0
 *
 * What Windows' callback costs: EVENT_RECORDs of process starts through sn_etw_event_record into a session's ring,
 * which another thread drains meanwhile. In bursts that fit into the ring, so that what is measured is not what a full
 * ring refuses. Millions of records a second of the callback's thread: of its CPU time, over all bursts, and of time as
 * it passes, over all and in the best burst.
 *
 * Also as a program of Windows: x86_64-w64-mingw32-gcc -O2 -std=c11 -D_UCRT -Inative bench/native/etw.c with the files
 * that sensor/_build.py names for win32, -static -lpthread -lsynchronization.
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

enum {
	BURSTS = 100,
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
	_Atomic uint64_t taken;
	_Atomic int ended;
};

static void *drain(void *of)
{
	struct drain *own = of;
	size_t size;

	while (!atomic_load_explicit(&own->ended, memory_order_relaxed)) {
		uint64_t count = 0;

		for (; count < 256 && sn_ring__peek(own->ring, &size); count++)
			sn_ring__advance(own->ring);
		sn_ring__release(own->ring);
		atomic_fetch_add_explicit(&own->taken, count, memory_order_relaxed);
	}
	return NULL;
}

int main(void)
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
	struct drain own = {0};
	uint64_t least = UINT64_MAX, wall = 0, cpu = 0;
	const uint64_t all = (uint64_t)BURSTS * BURST;
	pthread_t thread;

	if (sn_engine__new(&options, &engine) || sn_etw_source__new(engine, &source))
		return 1;
	record.user_context = sn_etw_source__lane(source, 0);
	if (!record.user_context)
		return 1;
	own.ring = ((struct sn_etw_lane *)record.user_context)->ring;
	if (pthread_create(&thread, NULL, drain, &own))
		return 1;
	for (uint64_t burst = 0; burst < BURSTS; burst++) {
		uint64_t cpu_begin = cpu_ns(), begin = sn_clock__now(), ns;

		for (uint32_t i = 0; i < BURST; i++)
			sn_etw_event_record(&record);
		ns = sn_clock__now() - begin;
		cpu += cpu_ns() - cpu_begin;
		wall += ns;
		least = ns < least ? ns : least;
		while (atomic_load(&own.taken) != (burst + 1) * BURST)
			;
	}
	atomic_store(&own.ended, 1);
	pthread_join(thread, NULL);
	sn_etw_source__stats(source, &stats);
	printf("{\"cpu\": %.2f, \"wall\": %.2f, \"wall_best\": %.2f, \"recorded\": %llu, \"dropped\": %llu}\n",
	       (double)all * 1e3 / (double)cpu, (double)all * 1e3 / (double)wall, BURST * 1e3 / (double)least,
	       (unsigned long long)stats.recorded, (unsigned long long)stats.dropped);
	sn_etw_source__free(source);
	sn_engine__free(engine);
	return !stats.dropped && stats.recorded == all ? 0 : 1;
}
