// sources: all
// sanitize: thread
// optimize: 0
/* The end of a run: what was pushed before the stop is judged, however the threads fall. The process table for another
 * thread: whole, whatever the match thread does. */
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "records.h"
#include "sensor.h"

enum { ROUNDS = 1000, RECORDS_MAX = 40, TABLE_ROUNDS = 300, CHILDREN_MAX = 200 };

static void *run(void *engine)
{
	CHECK(sn_engine__run(engine) == 0);
	return NULL;
}

static struct sn_engine *new_engine(uint64_t table_bytes, uint32_t table_entries)
{
	const struct sn_engine_options options = {.ring_bytes = 1 << 17,
						  .alert_bytes = 1 << 18,
						  .table_bytes = table_bytes,
						  .table_entries = table_entries};
	struct sn_engine *engine;

	CHECK(sn_engine__new(&options, &engine) == 0);
	return engine;
}

static void bear(struct sn_engine *engine, uint32_t pid)
{
	struct sn_fork fork = make_fork((struct identity){pid, pid}, (struct identity){1, 1}, pid);

	fork.h.cpu = SN_CPU_NONE;
	CHECK(sn_engine__push(engine, &fork, sizeof(fork)) == 0);
}

static void push(struct sn_engine *engine, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		bear(engine, i + 2);
}

static uint64_t received(struct sn_engine *engine)
{
	struct sn_stats stats;

	sn_engine__stats(engine, &stats);
	return stats.received;
}

/* The stop comes right behind the last record, when the match thread has just found the ring empty or has not. */
static void test_stop_behind_the_last(void)
{
	struct sn_engine *engine = new_engine(1 << 16, 64);
	uint64_t random = 1, pushed = 0;

	for (int round = 0; round < ROUNDS; round++) {
		uint32_t count = random_below(&random, RECORDS_MAX), late = random_below(&random, 3);
		pthread_t thread;

		CHECK(pthread_create(&thread, NULL, run, engine) == 0);
		push(engine, count);
		while (late && received(engine) < pushed + count)
			; /* it is idle by now, or about to be */
		push(engine, late);
		sn_engine__stop(engine);
		CHECK(pthread_join(thread, NULL) == 0);
		pushed += count + late;
		CHECK(received(engine) == pushed);
	}
	sn_engine__free(engine);
}

/* A run that was stopped before it began judges what is there, and the next one begins anew. */
static void test_stop_before_the_run(void)
{
	struct sn_engine *engine = new_engine(1 << 16, 64);

	for (uint32_t round = 1; round <= 23; round++) {
		push(engine, RECORDS_MAX);
		sn_engine__stop(engine);
		CHECK(sn_engine__run(engine) == 0);
		CHECK(received(engine) == round * RECORDS_MAX);
	}
	sn_engine__free(engine);
}

/* Reads all of it in parts of two records: every process once, in the order of their arrival. How many they are. */
static uint32_t read_all(struct sn_engine *engine)
{
	static _Alignas(8) uint8_t part[2 * sizeof(struct sn_exec)];
	uint64_t cursor = 0, before = 0;
	uint32_t count = 0;

	do {
		int64_t used = sn_engine__processes(engine, &cursor, part, sizeof(part));

		CHECK(used >= 0);
		for (int64_t at = 0; at < used;) {
			const struct sn_exec *exec = (const struct sn_exec *)(const void *)(part + at);

			CHECK(exec->h.size <= used - at && sn_record__check(exec, exec->h.size) == 0);
			CHECK(exec->h.start > before);
			before = exec->h.start;
			at += exec->h.size;
			count++;
		}
	} while (cursor);
	return count;
}

/* Asked while children are born, and while the run begins and ends: nobody waits for ever, nobody is left out. */
static void test_table_while_it_runs(void)
{
	struct sn_engine *engine = new_engine(1 << 20, 256);
	uint32_t pid = 2, seen = 0, now;

	for (int round = 0; round < TABLE_ROUNDS; round++) {
		pthread_t thread;

		CHECK(pthread_create(&thread, NULL, run, engine) == 0);
		for (uint32_t i = 0; i < 3 && pid < CHILDREN_MAX; i++)
			bear(engine, pid++);
		if (round % 2) /* else it is asked while nothing stops it */
			sn_engine__stop(engine);
		now = read_all(engine);
		CHECK(now >= seen && now <= pid);
		seen = now;
		if (round % 2 == 0)
			sn_engine__stop(engine);
		CHECK(pthread_join(thread, NULL) == 0);
		CHECK(read_all(engine) == pid - 2);
	}
	sn_engine__free(engine);
}

int main(void)
{
	test_table_while_it_runs();
	test_stop_before_the_run();
	test_stop_behind_the_last();
	return 0;
}
