/* SPDX-License-Identifier: Apache-2.0
 *
 * The process table for another thread. Only the match thread touches the table, so it is asked: it copies a part
 * between two batches of records and wakes who waits. The larger the buffer, the longer events wait.
 */
#include <errno.h>

#include "engine.h"
#include "sensor.h"
#include "wait.h"

enum { LOOK_MS = 10 }; /* whether the run has ended meanwhile */

struct sn_table_request {
	uint64_t *cursor;
	void *buf;
	size_t size;
	int64_t result;
};

void sn_engine__answer(struct sn_engine *engine)
{
	struct sn_table_request *request;

	if (!atomic_load_explicit(&engine->asked, memory_order_relaxed))
		return;
	request = atomic_exchange(&engine->asked, NULL);
	if (!request)
		return;
	request->result = sn_engine__export(engine, request->cursor, request->buf, request->size);
	atomic_fetch_add(&engine->answered, 1);
	sn_wait__wake(&engine->answered);
}

/* -EAGAIN: no thread runs. */
static int64_t ask(struct sn_engine *engine, struct sn_table_request *request)
{
	uint32_t before = atomic_load(&engine->answered);

	atomic_store(&engine->asked, request);
	sn_ring__interrupt(engine->ring);
	while (atomic_load(&engine->answered) == before) {
		/* the run has ended: whoever takes the request away decides whose it is */
		if (atomic_load(&engine->state) != SN_ENGINE_RUNNING && atomic_exchange(&engine->asked, NULL))
			return -EAGAIN;
		sn_wait__sleep(&engine->answered, before, LOOK_MS);
	}
	return request->result;
}

int64_t sn_engine__processes(struct sn_engine *engine, uint64_t *cursor, void *buf, size_t size)
{
	struct sn_table_request request = {cursor, buf, size, 0};
	int64_t result;

	do {
		uint32_t idle = SN_ENGINE_IDLE;

		if (atomic_compare_exchange_strong(&engine->state, &idle, SN_ENGINE_SWAPPING)) {
			result = sn_engine__export(engine, cursor, buf, size);
			atomic_store(&engine->state, SN_ENGINE_IDLE);
			return result;
		}
		result = ask(engine, &request);
	} while (result == -EAGAIN);
	return result;
}
