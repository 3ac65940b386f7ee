/* SPDX-License-Identifier: Apache-2.0 */
#include "load_events.h"

#include "engine.h"

enum { BATCH = 256 };

/* Whether it is the program that the process runs now. */
static int is_program(struct sn_engine *engine, const struct sn_process *process, const struct sn_load *load)
{
	const struct sn_exec *exec = (const struct sn_exec *)engine->process;

	return sn_table__export(engine->table, process, engine->process, sizeof(engine->process)) > 0 &&
	       exec->inode == load->inode && exec->dev == load->dev;
}

/* Names the process. Returns whether the record is of a library: 0 when it is of the program that runs, or of an exec
 * under way. */
static int attribute(struct sn_engine *engine, struct sn_load *load)
{
	const struct sn_process *process;
	struct sn_who who;

	load->uid = UINT32_MAX;
	if (!load->path.len)
		return 1;
	if (sn_table__tenant(engine->table, load->h.pid, load->h.time, load->h.time, &process) != 1) {
		load->h.flags |= SN_F_UNSURE;
		return 1;
	}
	sn_table__who(process, &who);
	load->h.start = who.start;
	load->uid = who.uid;
	if (load->execing > who.time || is_program(engine, process, load))
		return 0;
	/* it has become another program meanwhile */
	if (who.time > load->h.time)
		load->h.flags |= SN_F_UNSURE;
	return 1;
}

uint32_t sn_load_events__pump(struct sn_engine *engine, uint64_t until)
{
	struct sn_ring *ring = engine->files.loads;
	const struct sn_header *h;
	uint32_t n = 0;
	size_t size;

	while (n < BATCH && (h = sn_ring__peek(ring, &size)) && h->time <= until) {
		/* a leased record is the consumer's own */
		if (attribute(engine, (struct sn_load *)(uintptr_t)h))
			sn_pump__record(engine, h, size, 0, engine->stats.received);
		else
			atomic_fetch_add_explicit(&engine->files.own, 1, memory_order_relaxed);
		sn_ring__advance(ring);
		n++;
	}
	if (n)
		sn_ring__release(ring);
	return n;
}
