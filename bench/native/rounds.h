/* SPDX-License-Identifier: Apache-2.0
 *
 * What one of many equal steps costs, as the unwinding programs print it.
 */
#ifndef SN_BENCH_ROUNDS_H
#define SN_BENCH_ROUNDS_H
#include <stdio.h>

#include "input.h"
#include "measure.h"
#include "rule_table.h"

/* The verified grammars of a file, whose bytes are never freed. */
static inline void open_grammars(const char *path, struct sn_grammars *grammars)
{
	size_t size;
	const char *bytes = read_file(path, &size);

	if (sn_grammars__open(bytes, size, grammars))
		die(path, "the grammars are refused");
}

/* Prints [ns, instructions or null, names in the chain] of a step; `round` does `steps` of them and returns the names.
 * The ns are the least of many rounds' means. */
static inline void print_step(uint32_t (*round)(void *of), void *of, uint32_t steps, double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9), least = UINT64_MAX;
	int counter = open_counter();
	uint32_t depth;

	do {
		uint64_t begin = now_ns();

		depth = round(of);
		begin = now_ns() - begin;
		least = begin < least ? begin : least;
	} while (now_ns() < end);
	printf("[%.1f, ", (double)least / steps);
	if (counter < 0) {
		printf("null");
	} else {
		start_counter(counter);
		round(of);
		printf("%.1f", (double)stop_counter(counter) / steps);
		close(counter);
	}
	printf(", %u]", depth);
}
#endif
