/* SPDX-License-Identifier: Apache-2.0
 *
 * The process table's slots: who has one, in what order they are given up, what keeps a process needed. Private to
 * process_slots.c (room) and process_table.c (meaning); the rules are told in process_table.h.
 */
#ifndef SN_PROCESS_SLOTS_H
#define SN_PROCESS_SLOTS_H
#include <stdatomic.h>

#include "blob_store.h"
#include "process_table.h"

/* Order of eviction, see process_table.h. */
enum sn_kind { SN_DEAD, SN_DEAD_NEEDED, SN_LEAF, SN_BRANCH, SN_KINDS };

struct sn_process {
	uint64_t start;
	uint64_t creator_start;
	uint64_t parent_start;
	uint64_t time; /* of the exec, or of the fork */
	uint64_t exit_time;
	uint32_t pid;
	uint32_t creator_pid;
	uint32_t ppid;
	uint32_t uid;
	uint32_t blob;
	uint32_t serial;	 /* changes with each new tenant of this slot; 0: free */
	uint32_t needed_by;	 /* needed processes whose `creator` is this slot */
	uint32_t creator;	 /* slot, counted there in needed_by while this one is needed; */
	uint32_t creator_serial; /* void when the slot has another tenant */
	uint32_t bucket_next;	 /* or next free slot */
	uint32_t kind_prev, kind_next;
	uint32_t age_prev, age_next;
	uint8_t kind : 3;
	uint8_t exited : 1;
	uint8_t creator_known : 1;
	uint8_t wrote_nothing : 1; /* before its last exec */
	uint8_t execed : 1;	   /* the blob is of its own exec, not its creator's */
	uint8_t exit_code;
	uint8_t exit_signal;
};

struct sn_list {
	uint32_t head, tail;
};

struct sn_table_shown {
	_Atomic uint64_t entries, exited, bytes, evicted, unknown_parent;
};

struct sn_table {
	uint32_t capacity;
	uint32_t bucket_shift;
	uint64_t keep_ns;
	uint32_t *bucket;
	struct sn_process *process; /* slot 0 is never used: 0 means none */
	struct sn_blobs blobs;
	struct sn_list kind[SN_KINDS];
	struct sn_list age;
	uint32_t free;
	uint32_t touched;
	uint32_t serial;
	uint32_t pinned; /* not to be evicted by what is going on */
	uint64_t entries, exited, evicted, unknown_parent;
	struct sn_table_shown shown; /* copies for other threads */
};

/* First slot that may hold `pid`; the others follow in bucket_next. */
uint32_t sn_slots__of_pid(const struct sn_table *table, uint32_t pid);
/* Slot of a process, 0: none. */
uint32_t sn_slots__lookup(const struct sn_table *table, uint32_t pid, uint64_t start);
/* A slot for the record's process, which has none; evicts for it. Creator unknown, alive unless its pid is known to
 * have had a later tenant. */
uint32_t sn_slots__insert(struct sn_table *table, const struct sn_header *record);
/* Evicts the oldest of the least valuable kind up to `limit`, never the pinned one. 0: there was none. */
int sn_slots__evict(struct sn_table *table, enum sn_kind limit);
/* Frees what has been dead and not needed for longer than exited_keep_ms. */
void sn_slots__expire(struct sn_table *table, uint64_t now);
/* `time` 0: not known when, nor how. */
void sn_slots__mark_exited(struct sn_table *table, uint32_t slot, uint64_t time, uint32_t code, uint32_t signal);
/* Pid 0 is nobody: the process has no parent. An identity that cannot be the creator's leaves it as it was. */
void sn_slots__set_creator(struct sn_table *table, uint32_t slot, uint32_t pid, uint64_t start);
/* The creator's slot as long as the creator has it, else 0. */
uint32_t sn_slots__creator(const struct sn_table *table, const struct sn_process *process);
#endif
