/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts at an even rate, for the load generators.
 */
#ifndef PACE_H
#define PACE_H
#include <errno.h>
#include <time.h>

/* Sleeps until 1 s / `rate` after `next` (CLOCK_MONOTONIC), which is then that time. */
static inline void pace(struct timespec *next, long rate)
{
	next->tv_nsec += 1000000000 / rate;
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		;
}
#endif
