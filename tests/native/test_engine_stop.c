// sources: engine.c pump.c frame.c ring.c wait.c evidence.c users.c view.c values.c recording.c crc32c.c explain.c
// sources: process_table.c process_slots.c blob_store.c exec_blob.c record.c record_parse.c schema.c text.c
// sources: matcher.c rule_table.c rule_verify.c route_verify.c rule_index.c rule_cost.c atom_test.c pattern.c regex.c
// sources: scalar.c fold.c ndjson.c ndjson_keys.c mapping.c logsource.c json.c json_members.c json_write.c
// sources: alert_event.c text_index.c scan.c windows.c proxy.c view_proxy.c unwind.c reading.c given.c grammar.c shell_words.c
// sources: sed_program.c bytes.c
// sanitize: thread
/* The end of a run: what was pushed before the stop is judged, however the threads fall. */
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "records.h"
#include "sensor.h"

enum { ROUNDS = 1000, RECORDS_MAX = 40 };

static void *run(void *engine)
{
	CHECK(sn_engine__run(engine) == 0);
	return NULL;
}

static struct sn_engine *new_engine(void)
{
	const struct sn_engine_options options = {
		.ring_bytes = 1 << 17, .alert_bytes = 1 << 18, .table_bytes = 1 << 16, .table_entries = 64};
	struct sn_engine *engine;

	CHECK(sn_engine__new(&options, &engine) == 0);
	return engine;
}

static void push(struct sn_engine *engine, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct sn_fork fork = make_fork((struct identity){i + 2, i + 2}, (struct identity){1, 1}, i);

		fork.h.cpu = SN_CPU_NONE;
		CHECK(sn_engine__push(engine, &fork, sizeof(fork)) == 0);
	}
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
	struct sn_engine *engine = new_engine();
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
	struct sn_engine *engine = new_engine();

	for (uint32_t round = 1; round <= 23; round++) {
		push(engine, RECORDS_MAX);
		sn_engine__stop(engine);
		CHECK(sn_engine__run(engine) == 0);
		CHECK(received(engine) == round * RECORDS_MAX);
	}
	sn_engine__free(engine);
}

int main(void)
{
	test_stop_before_the_run();
	test_stop_behind_the_last();
	return 0;
}
