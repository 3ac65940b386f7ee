/* SPDX-License-Identifier: Apache-2.0
 *
 * The clock with its own cost, and the instructions that this thread executes, where the machine counts them
 * for its guests.
 */
#ifndef SN_BENCH_MEASURE_H
#define SN_BENCH_MEASURE_H
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "times.h"

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ns that two looks at the clock are apart. */
static inline uint64_t clock_cost(void)
{
	enum { TRIES = 10001 };
	static uint64_t apart[TRIES];

	for (size_t i = 0; i < TRIES; i++) {
		uint64_t begin = now_ns();

		apart[i] = now_ns() - begin;
	}
	return median(apart, TRIES);
}

/* A descriptor to close, or -1. */
static inline int open_counter(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static inline void start_counter(int counter)
{
	ioctl(counter, PERF_EVENT_IOC_RESET, 0);
	ioctl(counter, PERF_EVENT_IOC_ENABLE, 0);
}

static inline uint64_t stop_counter(int counter)
{
	uint64_t count = 0;

	ioctl(counter, PERF_EVENT_IOC_DISABLE, 0);
	return read(counter, &count, sizeof(count)) == sizeof(count) ? count : 0;
}
#endif
