/* SPDX-License-Identifier: Apache-2.0 */
#include "writer_past.h"

#include <stddef.h>

#include "key_hash.h"

void sn_past__exec(struct sn_past *past, struct sn_programs *programs, const struct sn_table *table,
		   const struct sn_exec *exec)
{
	const struct sn_process *process;
	struct sn_who who;

	if (exec->h.flags & SN_F_WROTE_NOTHING)
		return;
	process = sn_table__find(table, exec->h.pid, exec->h.start);
	if (!process)
		return;
	sn_table__who(process, &who);
	past->previous[sn_pair_hash(who.start, who.pid, SN_PAST_BITS)] =
		(struct sn_previous){.start = who.start,
				     .program = sn_programs__of(programs, table, process),
				     .from = who.time,
				     .until = exec->h.time,
				     .pid = who.pid};
}

void sn_past__exit(struct sn_past *past, const struct sn_table *table, const struct sn_exit *exit)
{
	const struct sn_process *process, *creator;
	struct sn_who who, made_by;

	if (exit->h.flags & SN_F_WROTE_NOTHING)
		return;
	process = sn_table__find(table, exit->h.pid, exit->h.start);
	if (!process || sn_table__parent(table, process, &creator) != 1)
		return;
	sn_table__who(process, &who);
	sn_table__who(creator, &made_by);
	if (who.execed)
		past->child[sn_pair_hash(made_by.start, made_by.pid, SN_PAST_BITS)] =
			(struct sn_child){.creator_start = made_by.start,
					  .start = who.start,
					  .exec = who.time,
					  .exit = exit->h.time,
					  .creator_pid = made_by.pid,
					  .pid = who.pid};
}

uint64_t sn_past__program(const struct sn_past *past, struct sn_programs *programs, const struct sn_table *table,
			  const struct sn_file *file)
{
	const struct sn_previous *previous = &past->previous[sn_pair_hash(file->h.start, file->h.pid, SN_PAST_BITS)];
	const struct sn_process *process;

	if (!file->h.start)
		return 0;
	if (file->h.flags & SN_F_UNSURE)
		return previous->pid == file->h.pid && previous->start == file->h.start &&
				       previous->from <= file->since && file->h.time < previous->until
			       ? previous->program
			       : 0;
	process = sn_table__find(table, file->h.pid, file->h.start);
	return process ? sn_programs__of(programs, table, process) : 0;
}

const struct sn_process *sn_past__child(const struct sn_past *past, const struct sn_table *table,
					const struct sn_file *file, uint64_t created)
{
	const struct sn_child *child = &past->child[sn_pair_hash(file->h.start, file->h.pid, SN_PAST_BITS)];

	if (!file->h.start || child->creator_start != file->h.start || child->creator_pid != file->h.pid ||
	    child->exec < created || child->exit > file->h.time)
		return NULL;
	return sn_table__find(table, child->pid, child->start);
}
