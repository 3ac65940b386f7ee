/* SPDX-License-Identifier: Apache-2.0
 *
 * What many passes over the same events took. Each event's time is the median of its passes, so that what else the
 * machine did is no part of it.
 */
#ifndef SN_BENCH_TIMES_H
#define SN_BENCH_TIMES_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "input.h"

static inline int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Sorts them. */
static inline uint64_t median(uint64_t *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[count / 2];
}

/* Mean, percentiles and most of `count` events as JSON members, and the longest of all; took[pass * count + event]. */
static inline void print_times(const uint64_t *took, uint32_t passes, size_t count)
{
	uint64_t *of_event = need(malloc(count * sizeof(*of_event))), sum = 0, longest = 0;
	uint64_t *of_passes = need(malloc(passes * sizeof(*of_passes)));

	for (size_t i = 0; i < count; i++) {
		for (uint32_t pass = 0; pass < passes; pass++) {
			of_passes[pass] = took[pass * count + i];
			longest = of_passes[pass] > longest ? of_passes[pass] : longest;
		}
		of_event[i] = median(of_passes, passes);
		sum += of_event[i];
	}
	qsort(of_event, count, sizeof(*of_event), by_size);
	printf("\"passes\": %u, \"mean\": %.3f, \"p50\": %llu, \"p99\": %llu, \"p99.9\": %llu, \"max\": %llu, "
	       "\"longest\": %llu",
	       passes, (double)sum / (double)count, (unsigned long long)of_event[count / 2],
	       (unsigned long long)of_event[count * 99 / 100], (unsigned long long)of_event[count * 999 / 1000],
	       (unsigned long long)of_event[count - 1], (unsigned long long)longest);
	free(of_event);
	free(of_passes);
}
#endif
