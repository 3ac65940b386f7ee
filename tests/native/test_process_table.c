// sources: process_table.c process_slots.c blob_store.c exec_blob.c record.c
/* The process table beside its twin (table_twin.h): random records, much too little room, everything compared. */
#include <errno.h>

#include "check.h"
#include "process_table.h"
#include "sensor.h"
#include "table_twin.h"

enum { STEPS = 60000, PIDS = 14, FULL_COMPARE = 64 };

static uint64_t random_state;
static uint64_t now = 1000;
static uint32_t long_one_in; /* strings up to their limit, the others short */
static _Alignas(8) uint8_t buffer[2 * SN_RECORD_MAX];

static uint32_t below(uint32_t n)
{
	return random_below(&random_state, n);
}

/* Mostly somebody known, sometimes a new one of a pid in use, sometimes one that cannot be. */
static struct identity anybody(const struct twin *twin)
{
	const struct twin_process *p = &twin->process[below(twin->options.entries)];

	switch (below(16)) {
	case 0:
		return (struct identity){below(PIDS), below(4) ? now - below(2000) : 0};
	case 1:
		return (struct identity){1 + below(PIDS), now};
	case 2:
		return p->creator;
	default:
		return p->who.pid ? p->who : (struct identity){1 + below(PIDS), now};
	}
}

static void fill(struct sn_exec *exec, struct sn_span *span, uint32_t max)
{
	static uint8_t bytes[SN_ARGV_MAX];
	uint32_t len = below(below(long_one_in) ? 60 : max + 1);

	for (uint32_t i = 0; i < len && i < 16; i++)
		bytes[i] = bytes[len - 1 - i] = (uint8_t)random_next(&random_state);
	*span = add_bytes(exec, bytes, len);
}

static void make_random_exec(const struct twin *twin, uint16_t type)
{
	struct sn_exec *exec = (struct sn_exec *)(void *)buffer;
	struct identity parent = anybody(twin), creator = anybody(twin);

	start_exec(exec, type, anybody(twin), now);
	exec->h.flags = below(2) ? 0 : (uint32_t)random_next(&random_state);
	if (below(8))
		exec->h.flags &= ~(uint32_t)(SN_F_EXITED | SN_F_PARENT_UNKNOWN | SN_F_ARGV_TRUNCATED);
	exec->h.cpu = (uint16_t)below(4);
	exec->ppid = parent.pid;
	exec->parent_start = parent.start;
	exec->uid = below(2000);
	exec->inode = random_next(&random_state);
	if (type == SN_PROCESS && below(2)) {
		exec->creator_pid = creator.pid;
		exec->creator_start = creator.start;
	}
	if (type == SN_PROCESS && exec->h.flags & SN_F_EXITED)
		exec->exit_time = below(2) ? now - below(100) : 0;
	exec->exit_code = below(256);
	exec->exit_signal = below(65);
	fill(exec, &exec->image, SN_PATH_MAX);
	fill(exec, &exec->script, below(8) ? 0 : SN_PATH_MAX);
	fill(exec, &exec->cwd, SN_PATH_MAX);
	fill(exec, &exec->argv, SN_ARGV_MAX);
	exec->argv_head = exec->argv.len;
	if (exec->h.flags & SN_F_ARGV_TRUNCATED)
		exec->argv_head = below(exec->argv.len + 1);
	exec->argv_bytes = exec->argv.len + below(10000);
	finish_exec(exec);
}

static const struct sn_header *make_random(const struct twin *twin)
{
	struct sn_fork fork;
	struct sn_exit exit;

	now += 1 + below(below(50) ? 20000 : 1000000); /* ns; KEEP_MS is some dozens of records */
	switch (below(10)) {
	case 0:
	case 1:
	case 2:
		fork = make_fork(below(4) ? (struct identity){1 + below(PIDS), now} : anybody(twin), anybody(twin),
				 now);
		if (!below(50))
			fork.h.time = below(2) ? 0 : now - below(1000);
		fork.uid = below(2000);
		if (below(2))
			fork.ppid = 1;
		memcpy(buffer, &fork, sizeof(fork));
		break;
	case 3:
	case 4:
	case 5:
		make_random_exec(twin, SN_EXEC);
		break;
	case 6:
	case 7:
	case 8:
		exit = make_exit(anybody(twin), now);
		exit.code = below(256);
		exit.signal = below(65);
		memcpy(buffer, &exit, sizeof(exit));
		break;
	default:
		make_random_exec(twin, SN_PROCESS);
	}
	return (const struct sn_header *)(const void *)buffer;
}

/* ---- comparison ---- */

static const struct sn_process *find(const struct sn_table *table, struct identity who)
{
	return sn_table__find(table, who.pid, who.start);
}

/* What sn_table__parent is to say, read off the twin: 1, 0 or -ENOENT. */
static int twin_parent(struct twin *twin, const struct twin_process *p)
{
	if (!p->creator_known)
		return -ENOENT;
	if (!p->creator.pid)
		return 0;
	return twin_find(twin, p->creator) ? 1 : -ENOENT;
}

static void compare_export(const struct sn_table *table, struct twin *twin, struct twin_process *p)
{
	static _Alignas(8) uint8_t want_bytes[SN_RECORD_MAX], got[SN_RECORD_MAX];
	struct sn_exec *want = (struct sn_exec *)(void *)want_bytes;
	const struct sn_process *process = find(table, p->who), *parent = NULL;
	int64_t size;

	CHECK(process);
	CHECK(sn_table__parent(table, process, &parent) == twin_parent(twin, p));
	CHECK(twin_parent(twin, p) != 1 || parent == find(table, p->creator));
	if (p->blob)
		memcpy(want, p->blob->bytes, p->blob->size);
	else
		*want = (struct sn_exec){.h = {.size = sizeof(*want), .flags = SN_F_REDUCED}, .loginuid = UINT32_MAX};
	finish_exec(want);
	want->h.type = SN_PROCESS;
	want->h.time = p->time;
	want->h.pid = p->who.pid;
	want->h.start = p->who.start;
	want->h.flags |= p->exited ? SN_F_EXITED : 0;
	want->h.flags |= twin_parent(twin, p) < 0 ? SN_F_PARENT_UNKNOWN : 0;
	want->creator_pid = p->creator.pid;
	want->creator_start = p->creator.start;
	want->ppid = p->ppid;
	want->parent_start = p->parent_start;
	want->uid = p->uid;
	want->exit_time = p->exit_time;
	want->exit_code = p->exit_code;
	want->exit_signal = p->exit_signal;
	want->tid = p->execed ? want->tid : p->who.pid;
	CHECK(sn_table__export(table, process, got, want->h.size - 1) == -ENOSPC);
	size = sn_table__export(table, process, got, want->h.size);
	CHECK(size == want->h.size);
	CHECK(memcmp(want, got, (size_t)size) == 0);
	CHECK(sn_record__check(got, (size_t)size) == 0);
}

static void compare_all(const struct sn_table *table, struct twin *twin)
{
	uint64_t cursor = 0, arrival = 0;
	struct twin_process *next;

	do { /* oldest first */
		next = NULL;
		for (uint32_t i = 0; i < twin->options.entries; i++) {
			struct twin_process *p = &twin->process[i];

			if (p->arrival > arrival && (!next || p->arrival < next->arrival))
				next = p;
		}
		CHECK(sn_table__next(table, &cursor) == (next ? find(table, next->who) : NULL));
		CHECK(!cursor == !next);
		if (next) {
			arrival = next->arrival;
			compare_export(table, twin, next);
		}
	} while (next);
}

static void compare(const struct sn_table *table, struct twin *twin, struct identity touched)
{
	struct sn_table_stats stats;
	uint64_t entries = 0, exited = 0;

	for (uint32_t i = 0; i < twin->options.entries; i++) {
		struct twin_process *p = &twin->process[i];

		if (!p->arrival)
			continue;
		entries++;
		exited += p->exited != 0;
		CHECK(find(table, p->who));
	}
	sn_table__stats(table, &stats);
	CHECK(stats.entries == entries && stats.exited == exited && stats.bytes == twin->blocks * BLOCK);
	CHECK(stats.evicted == twin->evicted && stats.unknown_parent == twin->unknown_parent);
	CHECK(stats.bytes <= twin->options.bytes);
	compare_export(table, twin, twin_find(twin, touched));
}

static void test_against_twin(const struct sn_table_options *options)
{
	struct twin twin = {.options = *options};
	struct sn_table *table;
	uint64_t cursor = 0;

	CHECK(sn_table__new(options, &table) == 0);
	for (int step = 0; step < STEPS; step++) {
		const struct sn_header *record;

		if (step % 1000 == 0)
			long_one_in = 1 + below(20);
		record = make_random(&twin);
		CHECK(sn_record__check(record, record->size) == 0);
		sn_table__apply(table, record);
		twin_apply(&twin, record);
		compare(table, &twin, (struct identity){record->pid, record->start});
		sn_table__next(table, &cursor); /* one that goes on while entries come and go */
		if (step % FULL_COMPARE == 0)
			compare_all(table, &twin);
	}
	CHECK(twin.evicted > STEPS / 200 && twin.unknown_parent > STEPS / 200);
	for (uint32_t i = 0; i < options->entries; i++)
		twin_drop_blob(&twin, &twin.process[i]);
	sn_table__free(table);
}

static void test_new(void)
{
	static const struct sn_table_options bad[] = {
		{.bytes = (64 << 10) - 1, .entries = 16},
		{.bytes = 64 << 10, .entries = 15},
		{.bytes = 64 << 10, .entries = UINT32_MAX},
		{.bytes = UINT64_MAX, .entries = 16},
	};
	struct sn_table *table;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(sn_table__new(&bad[i], &table) == -EINVAL);
	sn_table__free(NULL);
}

int main(void)
{
	/* Keeping times are some dozens of records; short of bytes, of both, of entries. */
	static const struct sn_table_options options[] = {
		{.bytes = 64 << 10, .entries = 48, .exited_keep_ms = 1},
		{.bytes = 256 << 10, .entries = 32, .exited_keep_ms = 2},
		{.bytes = 4 << 20, .entries = 16, .exited_keep_ms = 0},
	};

	test_new();
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		test_against_twin(&options[i]);
	return 0;
}
