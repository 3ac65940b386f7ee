/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_table: who every process is and who started it, from records in order of arrival.
 *
 *   pid hash            processes (fixed array)                        blob store (fixed array of blocks)
 *   +-----+        +--------------------------------------+        +------+   +------+
 *   |  *--+------->| pid 812, start, creator 640, exited  |---+--->| exec |-->| argv |   what the last exec said,
 *   +-----+        +------------------|-------------------+   |    +------+   +------+   shared by forked children
 *   |     |                           v same bucket           |
 *   +-----+        +--------------------------------------+   |
 *   |     |        | pid 812, later start, creator 812    |---+
 *   +-----+        +--------------------------------------+
 *
 * Identity is (pid, start), never the pid alone. A process's parent is its creator: whoever called fork, from the fork
 * record. A process whose fork record is missing has no known parent, whatever its exec record says of ppid, because by
 * then it may have been reparented; only a SN_PROCESS record names a parent itself. So a lost record can make a parent
 * unknown, never wrong.
 *
 * A process is *needed* while it lives or a needed process names it as its creator. There is room for `entries`
 * processes and `bytes` of blobs. When it runs out, these go first (counted as evicted), oldest of its kind first:
 *   1. exited and not needed    2. exited but needed    3. alive without needed children    4. alive with them
 * One that is not needed also goes once it has been dead for `exited_keep_ms`; that is not counted. Bytes: while less
 * than a quarter is free, the exited and not needed go; what is then free decides how much of a long argv is kept
 * (head and tail, SN_F_ARGV_TRUNCATED): a 64th of it, but never less than 1 KiB.
 *
 * One thread owns the table; only sn_table__stats may be called by others. Nothing is allocated after sn_table__new.
 */
#ifndef SN_PROCESS_TABLE_H
#define SN_PROCESS_TABLE_H
#include <stddef.h>
#include <stdint.h>

#include <stdbool.h>

#include "event.h"

struct sn_table;
struct sn_process; /* borrowed from the table: valid until the next sn_table__apply */

struct sn_table_options {
	uint64_t bytes;	  /* for blobs; at least 64 KiB */
	uint32_t entries; /* at least 16 */
	uint32_t exited_keep_ms;
};

struct sn_table_stats {
	uint64_t entries;	 /* processes now */
	uint64_t exited;	 /* of them exited */
	uint64_t bytes;		 /* of blobs now */
	uint64_t evicted;	 /* gone for want of room, since the start */
	uint64_t unknown_parent; /* first heard of by their exec or exit: the fork record is missing */
};

/* -EINVAL below the least sizes or above 2^31 blocks, -ENOMEM. */
int sn_table__new(const struct sn_table_options *options, struct sn_table **out);
void sn_table__free(struct sn_table *table);
/* Has its memory mapped now: the process then has its size from the start, and not after the first busy minute. */
void sn_table__touch(struct sn_table *table);
/* Whether it is as sn_table__new made it. */
bool sn_table__is_unused(const struct sn_table *table);
/* Takes in one record that passed sn_record__check and is 8-aligned: SN_EXEC, SN_FORK, SN_EXIT, SN_PROCESS; others are
 * of no interest to it. SN_PROCESS gives way to what events have already said, and may come any number of times. */
void sn_table__apply(struct sn_table *table, const struct sn_header *record);
/* NULL: not known. */
const struct sn_process *sn_table__find(const struct sn_table *table, uint32_t pid, uint64_t start);
/* Its creator: 1 found; 0 it has none (first process, first kernel thread); -ENOENT unknown. */
int sn_table__parent(const struct sn_table *table, const struct sn_process *process, const struct sn_process **parent);
/* Who a process is, in short. */
struct sn_who {
	uint64_t start;
	uint64_t time; /* of its last exec, or of its fork when it did not exec since */
	uint32_t pid;
	uint32_t uid;
	uint32_t wrote_nothing; /* 1: nothing to any file before its last exec */
	uint32_t execed;	/* 1: it has become a program of its own */
};

void sn_table__who(const struct sn_process *process, struct sn_who *out);
/* The one process that had the pid between two times: 1; -ENOENT none is known; -EEXIST it may have been one of
 * several. */
int sn_table__tenant(const struct sn_table *table, uint32_t pid, uint64_t from, uint64_t until,
		     const struct sn_process **out);
/* Writes it as a SN_PROCESS record (8-aligned buf): its size, or -ENOSPC. SN_RECORD_MAX is always enough.
 * h.time is that of the exec, or of the fork when it did not exec since. SN_F_PARENT_UNKNOWN stands for -ENOENT of
 * sn_table__parent; SN_F_EXITED with exit_time 0: the exit record was lost. */
int64_t sn_table__export(const struct sn_table *table, const struct sn_process *process, void *buf, size_t size);
/* The process learned of after the one at *cursor (0: the first), which it moves on; NULL and *cursor 0 at the end. */
const struct sn_process *sn_table__next(const struct sn_table *table, uint64_t *cursor);
/* Any thread. */
void sn_table__stats(const struct sn_table *table, struct sn_table_stats *out);
#endif
