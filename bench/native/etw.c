/* SPDX-License-Identifier: Apache-2.0
 *
 * What Windows' callback costs: EVENT_RECORDs of process starts through sn_etw_event_record into a session's ring.
 * Also as a program of Windows (x86_64-w64-mingw32-gcc, wait_windows.c, clock_windows.c,
 * -lsynchronization).
 *
 *   gcc -O2 -std=c11 -D_GNU_SOURCE -Inative bench/native/etw.c native/source_etw.c native/etw.c native/etw_text.c \
 *       native/etw_names.c native/json_write.c native/json.c native/text.c native/bytes.c native/ring.c native/wait.c \
 *       native/clock.c -o build/bench-etw
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "engine.h"
#include "etw_record.h"

enum {
	BURSTS = 1000,
	BURST = 20000, /* fit into the ring: what is measured is not what a full ring refuses */
	DATA = 180,    /* of a start in version 3 */
};

/* The bench's engine is a ring to be woken and nothing else. */
struct sn_ring *sn_engine__ring(struct sn_engine *engine)
{
	return engine->ring;
}

static uint64_t take(struct sn_ring *ring)
{
	uint64_t count = 0;
	size_t size;

	while (sn_ring__peek(ring, &size)) {
		sn_ring__advance(ring);
		count++;
	}
	sn_ring__release(ring);
	return count;
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
	struct sn_engine *engine = calloc(1, sizeof(*engine));
	struct sn_etw_source_stats stats;
	struct sn_etw_source *source;
	uint64_t least = UINT64_MAX, sum = 0, taken = 0;

	if (!engine || sn_ring__new(1 << 20, &engine->ring) || sn_etw_source__new(engine, &source))
		return 1;
	record.user_context = sn_etw_source__lane(source, 0);
	if (!record.user_context)
		return 1;
	for (uint32_t burst = 0; burst < BURSTS; burst++) {
		uint64_t begin = sn_clock__now(), ns;

		for (uint32_t i = 0; i < BURST; i++)
			sn_etw_event_record(&record);
		ns = sn_clock__now() - begin;
		sum += ns;
		least = ns < least ? ns : least;
		taken += take(((struct sn_etw_lane *)record.user_context)->ring);
	}
	sn_etw_source__stats(source, &stats);
	printf("{\"mean.M/s\": %.2f, \"best.M/s\": %.2f, \"recorded\": %llu, \"dropped\": %llu, \"taken\": %llu}\n",
	       (double)BURSTS * BURST * 1e3 / (double)sum, BURST * 1e3 / (double)least,
	       (unsigned long long)stats.recorded, (unsigned long long)stats.dropped, (unsigned long long)taken);
	return !stats.dropped && taken == stats.recorded && taken == (uint64_t)BURSTS * BURST ? 0 : 1;
}
