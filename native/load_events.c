/* SPDX-License-Identifier: Apache-2.0 */
#include "load_events.h"

#include "engine.h"

/* Whether it is the program that the process runs now. */
static bool is_program(struct sn_engine *engine, const struct sn_process *process, const struct sn_load *load)
{
	const struct sn_exec *exec = (const struct sn_exec *)engine->process;

	return sn_table__export(engine->table, process, engine->process, sizeof(engine->process)) > 0 &&
	       exec->inode == load->inode && exec->dev == load->dev;
}

/* Names the process. Returns whether the record is of a library: else it is of the program that runs, or of an exec
 * under way, and counted here. */
static bool attribute(struct sn_engine *engine, void *record)
{
	const struct sn_process *process;
	struct sn_load *load = record;
	struct sn_who who;

	load->uid = UINT32_MAX;
	if (!load->path.len)
		return true;
	if (sn_table__tenant(engine->table, load->h.pid, load->h.time, load->h.time, &process) != 1) {
		load->h.flags |= SN_F_UNSURE;
		return true;
	}
	sn_table__who(process, &who);
	load->h.start = who.start;
	load->uid = who.uid;
	if (load->execing > who.time || is_program(engine, process, load)) {
		sn_count_atomic(&engine->files.own, 1);
		return false;
	}
	/* it has become another program meanwhile */
	if (who.time > load->h.time)
		load->h.flags |= SN_F_UNSURE;
	return true;
}

uint32_t sn_load_events__pump(struct sn_engine *engine, uint64_t until)
{
	return sn_file_events__judge(engine, engine->files.loads, until, attribute);
}
