/* SPDX-License-Identifier: Apache-2.0
 *
 * See process_table.h.
 */
#include "process_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec_blob.h"
#include "process_slots.h"

enum {
	ENTRIES_MIN = 16,
	ENTRIES_MAX = 1 << 24,
	BYTES_MIN = 64 << 10, /* the largest blob fits with everybody else gone */
	ARGV_ROOM_MIN = 1024,
	PAGE = 4096,
	TOUCHED_PART = 8, /* of the blobs: by default 1 MiB, what 3,000 short programs a second come to */
};

/* ---- memory ---- */

int sn_table__new(const struct sn_table_options *options, struct sn_table **out)
{
	uint32_t buckets = ENTRIES_MIN, bits = 4;
	uint64_t blocks = options->bytes / SN_BLOB_BLOCK, process_bytes, total;
	struct sn_table *table;
	uint8_t *memory;

	if (options->entries < ENTRIES_MIN || options->entries > ENTRIES_MAX || options->bytes < BYTES_MIN ||
	    blocks > INT32_MAX)
		return -EINVAL;
	for (; buckets < options->entries; bits++)
		buckets *= 2;
	process_bytes = (options->entries + 1ull) * sizeof(struct sn_process);
	total = sizeof(*table) + process_bytes + (blocks + 1) * (SN_BLOB_BLOCK + sizeof(uint32_t)) +
		buckets * sizeof(uint32_t);
	if (total > SIZE_MAX)
		return -ENOMEM;
	/* One calloc: large enough to come as zero pages, most of which stay untouched. */
	memory = calloc(1, (size_t)total);
	if (!memory)
		return -ENOMEM;
	table = (void *)memory;
	table->capacity = options->entries;
	table->bucket_shift = 32 - bits;
	table->keep_ns = options->exited_keep_ms * 1000000ull;
	memory += sizeof(*table);
	table->process = (void *)memory;
	memory += process_bytes;
	table->blobs.block = (void *)memory;
	table->blobs.capacity = (uint32_t)blocks;
	memory += (blocks + 1) * SN_BLOB_BLOCK;
	table->blobs.next = (void *)memory;
	table->bucket = table->blobs.next + blocks + 1;
	*out = table;
	return 0;
}

static void touch(void *memory, uint64_t size)
{
	volatile uint8_t *byte = memory;

	for (uint64_t at = 0; at < size; at += PAGE)
		byte[at] = byte[at];
}

void sn_table__touch(struct sn_table *table)
{
	touch(table->process, (table->capacity + 1ull) * sizeof(*table->process));
	touch(table->blobs.block, (uint64_t)table->blobs.capacity * SN_BLOB_BLOCK / TOUCHED_PART);
	touch(table->blobs.next, (uint64_t)table->blobs.capacity * sizeof(*table->blobs.next) / TOUCHED_PART);
}

bool sn_table__is_unused(const struct sn_table *table)
{
	return !table->touched && !table->unknown_parent;
}

void sn_table__free(struct sn_table *table)
{
	free(table);
}

/* ---- records ---- */

static uint32_t find_or_insert(struct sn_table *table, const struct sn_header *record)
{
	uint32_t slot = sn_slots__lookup(table, record->pid, record->start);

	if (slot)
		return slot;
	table->unknown_parent++;
	return sn_slots__insert(table, record);
}

static void store_exec(struct sn_table *table, uint32_t slot, const struct sn_exec *exec)
{
	struct sn_process *p = &table->process[slot];
	struct sn_blobs *blobs = &table->blobs;
	struct sn_exec_packing packing;
	uint32_t blocks;
	uint64_t room;

	sn_blobs__drop(blobs, p->blob);
	p->blob = 0;
	table->pinned = slot;
	while (blobs->capacity - blobs->used < blobs->capacity / 4 && sn_slots__evict(table, SN_DEAD))
		;
	room = (uint64_t)(blobs->capacity - blobs->used) * SN_BLOB_BYTES / 64;
	sn_exec_packing__fill(&packing, exec, room > ARGV_ROOM_MIN ? (size_t)room : ARGV_ROOM_MIN);
	blocks = sn_blobs__blocks(packing.size);
	while (blobs->capacity - blobs->used < blocks && sn_slots__evict(table, SN_BRANCH))
		;
	table->pinned = 0;
	p->blob = sn_blobs__add(blobs, packing.part, SN_EXEC_PARTS);
	p->execed = 1;
	p->wrote_nothing = (exec->h.flags & SN_F_WROTE_NOTHING) != 0;
	p->time = exec->h.time;
	p->uid = exec->uid;
	p->ppid = exec->ppid;
	p->parent_start = exec->parent_start;
}

static void apply_fork(struct sn_table *table, const struct sn_fork *fork)
{
	uint32_t slot = sn_slots__lookup(table, fork->h.pid, fork->h.start);
	uint32_t creator = sn_slots__lookup(table, fork->creator_pid, fork->creator_start);
	struct sn_process *p;

	if (!slot) {
		table->pinned = creator;
		slot = sn_slots__insert(table, &fork->h);
		table->pinned = 0;
	}
	p = &table->process[slot];
	if (fork->creator_pid)
		sn_slots__set_creator(table, slot, fork->creator_pid, fork->creator_start);
	if (p->blob)
		return;
	p->uid = fork->uid;
	p->ppid = fork->ppid;
	p->parent_start = fork->parent_start;
	/* A snapshot may have told what the creator became after this fork: that is not what the child is. */
	if (p->creator_known && creator && table->process[creator].time <= fork->h.time)
		p->blob = sn_blobs__share(&table->blobs, table->process[creator].blob);
}

static void apply_process(struct sn_table *table, const struct sn_exec *exec)
{
	uint32_t slot = sn_slots__lookup(table, exec->h.pid, exec->h.start);
	struct sn_process *p;

	if (!slot)
		slot = sn_slots__insert(table, &exec->h);
	p = &table->process[slot];
	if (!p->creator_known) {
		if (exec->creator_pid)
			sn_slots__set_creator(table, slot, exec->creator_pid, exec->creator_start);
		else if (!(exec->h.flags & SN_F_PARENT_UNKNOWN))
			sn_slots__set_creator(table, slot, exec->ppid, exec->parent_start);
	}
	if (!p->blob)
		store_exec(table, slot, exec);
	if (exec->h.flags & SN_F_EXITED)
		sn_slots__mark_exited(table, slot, exec->exit_time, exec->exit_code, exec->exit_signal);
}

void sn_table__apply(struct sn_table *table, const struct sn_header *record)
{
	const struct sn_exit *exit;

	sn_slots__expire(table, record->time);
	switch (record->type) {
	case SN_EXEC:
		store_exec(table, find_or_insert(table, record), (const struct sn_exec *)(const void *)record);
		break;
	case SN_FORK:
		apply_fork(table, (const struct sn_fork *)(const void *)record);
		break;
	case SN_EXIT:
		exit = (const struct sn_exit *)(const void *)record;
		sn_slots__mark_exited(table, find_or_insert(table, record), record->time, exit->code, exit->signal);
		break;
	case SN_PROCESS:
		apply_process(table, (const struct sn_exec *)(const void *)record);
		break;
	default:
		return;
	}
	atomic_store_explicit(&table->shown.entries, table->entries, memory_order_relaxed);
	atomic_store_explicit(&table->shown.exited, table->exited, memory_order_relaxed);
	atomic_store_explicit(&table->shown.bytes, (uint64_t)table->blobs.used * SN_BLOB_BLOCK, memory_order_relaxed);
	atomic_store_explicit(&table->shown.evicted, table->evicted, memory_order_relaxed);
	atomic_store_explicit(&table->shown.unknown_parent, table->unknown_parent, memory_order_relaxed);
}

/* ---- reading ---- */

static const struct sn_process *at(const struct sn_table *table, uint32_t slot)
{
	return slot ? &table->process[slot] : NULL;
}

const struct sn_process *sn_table__find(const struct sn_table *table, uint32_t pid, uint64_t start)
{
	return at(table, sn_slots__lookup(table, pid, start));
}

void sn_table__who(const struct sn_process *process, struct sn_who *out)
{
	*out = (struct sn_who){process->start, process->time,	       process->pid,
			       process->uid,   process->wrote_nothing, process->execed};
}

/* A pid is given away only after its last tenant is gone, so those of a stretch of time are the latest that began
 * before it, and all that began within. */
int sn_table__tenant(const struct sn_table *table, uint32_t pid, uint64_t from, uint64_t until,
		     const struct sn_process **out)
{
	uint32_t before = 0, within = 0, many = 0;

	for (uint32_t slot = sn_slots__of_pid(table, pid); slot; slot = table->process[slot].bucket_next) {
		const struct sn_process *p = &table->process[slot];

		if (p->pid != pid || p->start > until)
			continue;
		if (p->start > from) {
			many |= within;
			within = slot;
		} else if (!before || p->start > table->process[before].start) {
			before = slot;
		}
	}
	if (many || (before && within))
		return -EEXIST;
	*out = at(table, before ? before : within);
	return *out ? 1 : -ENOENT;
}

int sn_table__parent(const struct sn_table *table, const struct sn_process *process, const struct sn_process **parent)
{
	uint32_t slot;

	if (!process->creator_known)
		return -ENOENT;
	if (!process->creator_pid)
		return 0;
	slot = sn_slots__creator(table, process);
	if (!slot) /* it may have become known later */
		slot = sn_slots__lookup(table, process->creator_pid, process->creator_start);
	if (!slot)
		return -ENOENT;
	*parent = at(table, slot);
	return 1;
}

int64_t sn_table__export(const struct sn_table *table, const struct sn_process *process, void *buf, size_t size)
{
	size_t used = process->blob ? sn_blobs__size(&table->blobs, process->blob) : sizeof(struct sn_exec);
	size_t padded = (used + 7) & ~(size_t)7;
	const struct sn_process *parent;
	struct sn_exec *exec = buf;

	if (padded > size)
		return -ENOSPC;
	if (process->blob) {
		sn_blobs__read(&table->blobs, process->blob, buf);
		memset((uint8_t *)buf + used, 0, padded - used);
	} else {
		*exec = (struct sn_exec){.h.flags = SN_F_REDUCED, .loginuid = UINT32_MAX};
	}
	exec->h.size = (uint32_t)padded;
	exec->h.type = SN_PROCESS;
	exec->h.time = process->time;
	exec->h.start = process->start;
	exec->h.pid = process->pid;
	if (process->exited)
		exec->h.flags |= SN_F_EXITED;
	if (sn_table__parent(table, process, &parent) < 0)
		exec->h.flags |= SN_F_PARENT_UNKNOWN;
	exec->ppid = process->ppid;
	exec->parent_start = process->parent_start;
	exec->creator_pid = process->creator_pid;
	exec->creator_start = process->creator_start;
	exec->exit_time = process->exit_time;
	exec->exit_code = process->exit_code;
	exec->exit_signal = process->exit_signal;
	exec->uid = process->uid;
	if (!process->execed)
		exec->tid = process->pid;
	return (int64_t)padded;
}

const struct sn_process *sn_table__next(const struct sn_table *table, uint64_t *cursor)
{
	uint32_t slot = (uint32_t)*cursor, serial = (uint32_t)(*cursor >> 32);

	if (!*cursor) {
		slot = table->age.head;
	} else if (slot <= table->capacity && table->process[slot].serial == serial) {
		slot = table->process[slot].age_next;
	} else { /* the one we stood at is gone: the first that came after it */
		slot = table->age.head;
		while (slot && (int32_t)(table->process[slot].serial - serial) <= 0)
			slot = table->process[slot].age_next;
	}
	*cursor = slot ? (uint64_t)table->process[slot].serial << 32 | slot : 0;
	return at(table, slot);
}

void sn_table__stats(const struct sn_table *table, struct sn_table_stats *out)
{
	out->entries = atomic_load_explicit(&table->shown.entries, memory_order_relaxed);
	out->exited = atomic_load_explicit(&table->shown.exited, memory_order_relaxed);
	out->bytes = atomic_load_explicit(&table->shown.bytes, memory_order_relaxed);
	out->evicted = atomic_load_explicit(&table->shown.evicted, memory_order_relaxed);
	out->unknown_parent = atomic_load_explicit(&table->shown.unknown_parent, memory_order_relaxed);
}
