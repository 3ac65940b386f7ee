// sources: process_table.c process_slots.c blob_store.c exec_blob.c
/* A small world of processes with few pids, orphans and reparenting, of which the table hears only a part. What it says
 * of a parent is true or "unknown"; when nothing is lost and there is room, it is never "unknown". */
#include <errno.h>

#include "check.h"
#include "process_table.h"
#include "records.h"

enum { PIDS = 200, BORN_MAX = 1 << 20, STEPS = 400000 };

struct born {
	struct identity who, creator;
};

static struct world {
	/* Everybody that ever lived, by birth; start = 1000 + 2 * index, which finds them. */
	struct born born[BORN_MAX];
	uint32_t count;
	uint32_t alive[PIDS]; /* index into born by pid, 0: nobody; pid 1 never ends */
	uint64_t now;
	uint64_t random;
} world;

static uint32_t below(uint32_t n)
{
	return random_below(&world.random, n);
}

static struct born *birth(uint32_t pid, struct identity creator)
{
	struct born *born = &world.born[++world.count];

	CHECK(world.count < BORN_MAX - 1);
	world.now = 1000 + 2 * (uint64_t)world.count;
	*born = (struct born){{pid, world.now}, creator};
	world.alive[pid] = world.count;
	return born;
}

static struct born *somebody_alive(void)
{
	uint32_t pid;

	do
		pid = 1 + below(PIDS - 1);
	while (!world.alive[pid]);
	return &world.born[world.alive[pid]];
}

/* The kernel's parent of the moment: the creator while it lives, then the first process. */
static struct identity kernel_parent(const struct born *born)
{
	uint32_t index = world.alive[born->creator.pid];

	if (!born->creator.pid)
		return born->creator;
	return index && world.born[index].who.start == born->creator.start ? born->creator : world.born[1].who;
}

static void apply_exec(struct sn_table *table, uint16_t type, const struct born *born)
{
	struct identity parent = kernel_parent(born);
	struct {
		struct sn_exec exec;
		uint8_t strings[64];
	} record;

	start_exec(&record.exec, type, born->who, world.now);
	record.exec.ppid = parent.pid;
	record.exec.parent_start = parent.start;
	record.exec.image = add_bytes(&record.exec, "/bin/true", 9);
	finish_exec(&record.exec);
	sn_table__apply(table, &record.exec.h);
}

/* One thing happens; the table hears of it or, `deaf` times in a hundred, does not. */
static void step(struct sn_table *table, uint32_t deaf)
{
	struct born *born = somebody_alive();
	int heard = below(100) >= deaf;
	uint32_t pid = 2 + below(PIDS - 2);

	switch (below(5)) {
	case 0:
	case 1:
		if (!world.alive[pid]) {
			struct sn_fork fork = make_fork(birth(pid, born->who)->who, born->who, world.now);

			if (heard)
				sn_table__apply(table, &fork.h);
		}
		break;
	case 2:
		if (heard)
			apply_exec(table, SN_EXEC, born);
		break;
	default:
		if (born->who.pid != 1) {
			struct sn_exit exit = make_exit(born->who, world.now);

			world.alive[born->who.pid] = 0;
			if (heard)
				sn_table__apply(table, &exit.h);
		}
	}
}

/* Returns how many parents are unknown. */
static uint32_t check_parents(const struct sn_table *table, int complete)
{
	static _Alignas(8) uint8_t buf[SN_RECORD_MAX];
	const struct sn_exec *exec = (const struct sn_exec *)(const void *)buf;
	const struct sn_process *process, *parent;
	uint32_t unknown = 0;
	uint64_t cursor = 0;

	while ((process = sn_table__next(table, &cursor))) {
		const struct born *truth;
		int found = sn_table__parent(table, process, &parent);

		CHECK(sn_table__export(table, process, buf, sizeof(buf)) > 0);
		truth = &world.born[(exec->h.start - 1000) / 2];
		CHECK(truth->who.pid == exec->h.pid && truth->who.start == exec->h.start);
		CHECK(exec->creator_pid == 0 || exec->creator_pid == truth->creator.pid);
		CHECK(exec->creator_start == 0 || exec->creator_start == truth->creator.start);
		CHECK(((exec->h.flags & SN_F_PARENT_UNKNOWN) == 0) == (found >= 0));
		CHECK((exec->h.flags & SN_F_EXITED) || !complete || world.alive[exec->h.pid]);
		CHECK(found == 0 ? truth->who.pid == 1 : found == 1 || found == -ENOENT);
		if (found == 1)
			CHECK(parent == sn_table__find(table, truth->creator.pid, truth->creator.start));
		unknown += found < 0;
	}
	return unknown;
}

static void test_world(uint32_t entries, uint32_t deaf)
{
	struct sn_table_options options = {.bytes = 1 << 20, .entries = entries, .exited_keep_ms = 0};
	int complete = !deaf && entries > 2 * PIDS;
	uint32_t unknown = 0;
	struct sn_table *table;

	world.count = 0;
	world.random = entries + deaf;
	memset(world.alive, 0, sizeof(world.alive));
	CHECK(sn_table__new(&options, &table) == 0);
	birth(1, (struct identity){0, 0});
	apply_exec(table, SN_PROCESS, &world.born[1]);
	for (int i = 0; i < STEPS; i++) {
		step(table, deaf);
		if (i % 200 == 0)
			unknown += check_parents(table, complete);
	}
	CHECK((unknown == 0) == complete);
	sn_table__free(table);
}

int main(void)
{
	test_world(4096, 0);
	test_world(4096, 10);
	test_world(4096, 60);
	test_world(64, 0);
	test_world(64, 30);
	return 0;
}
