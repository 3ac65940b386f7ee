/* SPDX-License-Identifier: Apache-2.0
 *
 * What the process table costs: a machine of LIVING processes on which others start, exec and end.
 *
 *   gcc -O2 -std=c11 -D_GNU_SOURCE -Inative -Itests/native bench/native/process_table.c native/process_table.c \
 *       native/process_slots.c native/blob_store.c native/exec_blob.c -o build/bench-table
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "check.h"
#include "process_table.h"
#include "records.h"

enum { LIVING = 400, PAIRS = 1000000, FINDS = 10000000, ENTRIES = 8192, BYTES = 8 << 20 };

static const char argv_bytes[] = "/usr/bin/gcc\0-std=c11\0-O2\0-g\0-Wall\0-Wextra\0-c\0native/process_table.c\0-o\0"
				 "build/temp.linux-x86_64-cpython-311/native/process_table.o";

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static long rss_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static struct sn_exec *make_exec(void *buf, uint16_t type, struct identity who, uint64_t time)
{
	struct sn_exec *exec = buf;

	start_exec(exec, type, who, time);
	exec->image = add_bytes(exec, "/usr/bin/x86_64-linux-gnu-gcc-12", 32);
	exec->cwd = add_bytes(exec, "/home/user/src/project", 22);
	exec->argv = add_bytes(exec, argv_bytes, sizeof(argv_bytes));
	exec->argv_head = sizeof(argv_bytes);
	finish_exec(exec);
	return exec;
}

static void churn(struct sn_table *table, uint32_t keep_ms)
{
	static _Alignas(8) uint8_t buf[1024];
	double fork_ns = 0, exec_ns = 0, exit_ns = 0;
	uint64_t random = 1, time = 1000000;
	struct sn_table_stats stats;

	/* In rounds of 64, so that the clock is not what is measured. */
	for (uint32_t round = 0; round < PAIRS / 64; round++) {
		struct identity who[64];
		double t[4];

		t[0] = now_ns();
		for (uint32_t i = 0; i < 64; i++) {
			uint64_t parent = 1 + random_below(&random, LIVING);
			struct sn_fork fork;

			time += 600000; /* ns: some 1,600 a second */
			who[i] = (struct identity){1000 + (round * 64 + i) % 30000, time};
			fork = make_fork(who[i], (struct identity){(uint32_t)parent, parent}, time);
			sn_table__apply(table, &fork.h);
		}
		t[1] = now_ns();
		for (uint32_t i = 0; i < 64; i++)
			sn_table__apply(table, &make_exec(buf, SN_EXEC, who[i], time)->h);
		t[2] = now_ns();
		for (uint32_t i = 0; i < 64; i++) {
			struct sn_exit exit = make_exit(who[i], time);

			sn_table__apply(table, &exit.h);
		}
		t[3] = now_ns();
		fork_ns += t[1] - t[0];
		exec_ns += t[2] - t[1];
		exit_ns += t[3] - t[2];
	}
	sn_table__stats(table, &stats);
	printf("kept %u ms: fork %.0f ns, exec of %zu argv bytes %.0f ns, exit %.0f ns; %llu processes, %llu KiB of "
	       "blobs, "
	       "%llu evicted, RSS at most %ld KiB\n",
	       keep_ms, fork_ns / PAIRS, sizeof(argv_bytes), exec_ns / PAIRS, exit_ns / PAIRS,
	       (unsigned long long)stats.entries, (unsigned long long)stats.bytes / 1024,
	       (unsigned long long)stats.evicted, rss_kib());
}

static void read_back(struct sn_table *table)
{
	static _Alignas(8) uint8_t buf[SN_RECORD_MAX];
	const struct sn_process *process, *parent;
	uint64_t random = 2, found = 0;
	double begin = now_ns();

	for (uint32_t i = 0; i < FINDS; i++) {
		uint64_t pid = 1 + random_below(&random, LIVING);

		found += sn_table__find(table, (uint32_t)pid, pid) != NULL;
	}
	printf("find %.0f ns (%llu)\n", (now_ns() - begin) / FINDS, (unsigned long long)found);
	begin = now_ns();
	for (uint32_t i = 0; i < FINDS / 10; i++) {
		uint64_t pid = 2 + random_below(&random, LIVING - 1);

		process = sn_table__find(table, (uint32_t)pid, pid);
		CHECK(process && sn_table__parent(table, process, &parent) == 1);
		CHECK(sn_table__export(table, parent, buf, sizeof(buf)) > 0);
	}
	printf("find, parent, export %.0f ns\n", (now_ns() - begin) / (FINDS / 10));
}

int main(void)
{
	static const uint32_t keep_ms[] = {1000, 60000};
	static _Alignas(8) uint8_t buf[1024];

	for (size_t k = 0; k < sizeof(keep_ms) / sizeof(*keep_ms); k++) {
		struct sn_table_options options = {BYTES, ENTRIES, keep_ms[k]};
		struct sn_table *table;

		CHECK(sn_table__new(&options, &table) == 0);
		for (uint32_t pid = 1; pid <= LIVING; pid++) {
			struct sn_exec *exec = make_exec(buf, SN_PROCESS, (struct identity){pid, pid}, 1000);

			exec->ppid = pid / 2;
			exec->parent_start = pid / 2;
			sn_table__apply(table, &exec->h);
		}
		churn(table, keep_ms[k]);
		read_back(table);
		sn_table__free(table);
	}
	return 0;
}
