/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_past: what the process table does not say any more, and a writer of files may have been: the program that a
 * process ran before its last exec, and the last process that it started and that has ended. The match thread's own.
 */
#ifndef SN_WRITER_PAST_H
#define SN_WRITER_PAST_H
#include "writer_programs.h"

enum { SN_PAST_BITS = 8 };

/* What a process ran before its last exec; a newer one of the same place takes it over. */
struct sn_previous {
	uint64_t start;
	uint64_t program;
	uint64_t from, until;
	uint32_t pid;
};

/* The last process that a creator started, that ran a program, wrote to something and ended; that of a newer creator of
 * the same place takes it over. */
struct sn_child {
	uint64_t creator_start;
	uint64_t start;
	uint64_t exec, exit;
	uint32_t creator_pid;
	uint32_t pid;
};

struct sn_past {
	struct sn_previous previous[1 << SN_PAST_BITS];
	struct sn_child child[1 << SN_PAST_BITS];
};

/* A process is about to become another program, or to end: before the table hears of it. */
void sn_past__exec(struct sn_past *past, struct sn_programs *programs, const struct sn_table *table,
		   const struct sn_exec *exec);
void sn_past__exit(struct sn_past *past, const struct sn_table *table, const struct sn_exit *exit);
/* Number of the program that did it: that which the process runs now, unless that is not sure; then the one before, if
 * all of the time in question was its; 0: not known. */
uint64_t sn_past__program(const struct sn_past *past, struct sn_programs *programs, const struct sn_table *table,
			  const struct sn_file *file);
/* Who wrote what a process has made, not before `created`, and closes: a child of its that did so in between; NULL:
 * nobody. */
const struct sn_process *sn_past__child(const struct sn_past *past, const struct sn_table *table,
					const struct sn_file *file, uint64_t created);
#endif
