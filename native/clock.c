/* SPDX-License-Identifier: Apache-2.0
 *
 * See clock.h. Linux.
 */
#include "clock.h"

#include <time.h>

static uint64_t read(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t sn_clock__now(void)
{
	return read(CLOCK_MONOTONIC);
}

uint64_t sn_clock__epoch(void)
{
	return read(CLOCK_REALTIME);
}
