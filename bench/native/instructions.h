/* SPDX-License-Identifier: Apache-2.0
 *
 * The instructions that this thread executes, where the machine counts them for its guests.
 */
#ifndef SN_BENCH_INSTRUCTIONS_H
#define SN_BENCH_INSTRUCTIONS_H
#include <linux/perf_event.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

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
