/* SPDX-License-Identifier: Apache-2.0
 *
 * The process table told naively: an array, definitions read literally, no list kept up to date. test_process_table.c
 * runs it beside the real one.
 */
#ifndef SN_TEST_TABLE_TWIN_H
#define SN_TEST_TABLE_TWIN_H
#include "check.h"
#include "event.h"
#include "process_table.h"
#include "records.h"

enum { TWIN_MAX = 64, BLOCK = 128, BLOCK_BYTES = 116 };

struct twin_blob {
	uint32_t refs, size;
	uint8_t bytes[];
};

struct twin_process {
	struct identity who, creator;
	uint64_t arrival;      /* 0: this place is free */
	uint64_t creator_seen; /* arrival of the creator's entry when the creator became known, 0: had none */
	uint64_t kind_since;
	uint64_t parent_start, time, exit_time;
	uint32_t ppid, uid, kind, exit_code, exit_signal;
	int exited, creator_known, execed, needed;
	struct twin_blob *blob;
};

struct twin {
	struct twin_process process[TWIN_MAX];
	struct sn_table_options options;
	uint64_t clock; /* of arrivals and changes of kind */
	uint64_t blocks, evicted, unknown_parent;
	struct twin_process *pinned;
};

static inline uint32_t twin_blocks(uint32_t size)
{
	return (size + BLOCK_BYTES - 1) / BLOCK_BYTES;
}

static inline struct twin_process *twin_find(struct twin *twin, struct identity who)
{
	for (uint32_t i = 0; i < twin->options.entries; i++) {
		struct twin_process *p = &twin->process[i];

		if (p->arrival && p->who.pid == who.pid && p->who.start == who.start)
			return p;
	}
	return NULL;
}

static inline struct twin_process *twin_creator(struct twin *twin, const struct twin_process *p)
{
	struct twin_process *creator = p->creator_seen ? twin_find(twin, p->creator) : NULL;

	return creator && creator->arrival == p->creator_seen ? creator : NULL;
}

/* needed: alive, or creator of one that is needed. 0 exited, 1 exited but needed, 2 alive, 3 alive with needed
 * children. Those that change kind do so in order from `first` to its creators. */
static inline void twin_rekind(struct twin *twin, struct twin_process *first)
{
	uint32_t n = twin->options.entries, kind[TWIN_MAX];
	uint8_t is_creator[TWIN_MAX] = {0};

	for (uint32_t i = 0; i < n; i++)
		twin->process[i].needed = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct twin_process *p = &twin->process[i];

		if (!p->arrival || p->exited)
			continue;
		while (p && !p->needed) {
			p->needed = 1;
			p = twin_creator(twin, p);
			if (p)
				is_creator[p - twin->process] = 1;
		}
	}
	for (uint32_t i = 0; i < n; i++)
		kind[i] = (twin->process[i].exited ? 0 : 2) + is_creator[i];
	for (struct twin_process *p = first; p; p = twin_creator(twin, p))
		if (p->arrival && p->kind != kind[p - twin->process]) {
			p->kind = kind[p - twin->process];
			p->kind_since = ++twin->clock;
		}
	for (uint32_t i = 0; i < n; i++)
		CHECK(!twin->process[i].arrival || twin->process[i].kind == kind[i]);
}

static inline void twin_drop_blob(struct twin *twin, struct twin_process *p)
{
	if (p->blob && !--p->blob->refs) {
		twin->blocks -= twin_blocks(p->blob->size);
		free(p->blob);
	}
	p->blob = NULL;
}

static inline void twin_forget(struct twin *twin, struct twin_process *p)
{
	struct twin_process *creator = twin_creator(twin, p);

	twin_drop_blob(twin, p);
	*p = (struct twin_process){0};
	twin_rekind(twin, creator);
}

static inline struct twin_process *twin_first(struct twin *twin, uint32_t kind)
{
	struct twin_process *first = NULL;

	for (uint32_t i = 0; i < twin->options.entries; i++) {
		struct twin_process *p = &twin->process[i];

		if (p->arrival && p->kind == kind && p != twin->pinned && (!first || p->kind_since < first->kind_since))
			first = p;
	}
	return first;
}

static inline int twin_evict(struct twin *twin, uint32_t limit)
{
	for (uint32_t kind = 0; kind <= limit; kind++) {
		struct twin_process *p = twin_first(twin, kind);

		if (p) {
			twin_forget(twin, p);
			twin->evicted++;
			return 1;
		}
	}
	return 0;
}

static inline void twin_mark_exited(struct twin *twin, struct twin_process *p, uint64_t time, uint32_t code,
				    uint32_t signal)
{
	if (!p->exit_time && time) {
		p->exit_code = code;
		p->exit_signal = signal;
	}
	if (!p->exit_time)
		p->exit_time = time;
	p->exited = 1;
	twin_rekind(twin, p);
}

static inline struct twin_process *twin_insert(struct twin *twin, const struct sn_header *h)
{
	struct twin_process *p = NULL;

	for (int again = 0; !p; again++) {
		CHECK(again < 2);
		for (uint32_t i = 0; i < twin->options.entries && !p; i++)
			if (!twin->process[i].arrival)
				p = &twin->process[i];
		if (!p)
			twin_evict(twin, 3);
	}
	*p = (struct twin_process){.who = {h->pid, h->start}, .time = h->time, .arrival = ++twin->clock, .kind = 2};
	p->kind_since = p->arrival;
	/* The latest start is the pid's only living tenant. */
	for (uint32_t i = 0; i < twin->options.entries; i++) {
		struct twin_process *q = &twin->process[i];

		if (!q->arrival || q->who.pid != p->who.pid || q == p)
			continue;
		if (q->who.start < p->who.start && !q->exited)
			twin_mark_exited(twin, q, 0, 0, 0);
		if (q->who.start > p->who.start && !p->exited)
			twin_mark_exited(twin, p, 0, 0, 0);
	}
	return p;
}

static inline void twin_set_creator(struct twin *twin, struct twin_process *p, struct identity who)
{
	struct twin_process *old, *now;

	if (who.pid &&
	    (who.start == 0 || who.start > p->who.start || (who.start == p->who.start && who.pid >= p->who.pid)))
		return;
	if (p->creator_known && p->creator.pid == who.pid && p->creator.start == who.start)
		return;
	old = twin_creator(twin, p);
	p->creator_known = 1;
	p->creator = who;
	p->creator_seen = 0;
	if (old)
		twin_rekind(twin, old);
	now = who.pid ? twin_find(twin, who) : NULL;
	p->creator_seen = now ? now->arrival : 0;
	if (now)
		twin_rekind(twin, now);
}

/* Packs byte by byte what the table is to keep of the record. */
static inline void twin_pack(struct twin_blob *blob, const struct sn_exec *record, uint32_t argv_room)
{
	const uint8_t *from = (const uint8_t *)record, *argv = from + record->argv.off;
	struct sn_exec *exec = (struct sn_exec *)(void *)blob->bytes;
	uint32_t front = record->argv.len, back = 0, truncated = record->h.flags & SN_F_ARGV_TRUNCATED;

	*exec = *record;
	exec->h.size = sizeof(*exec);
	exec->h.flags &= ~(uint32_t)(SN_F_EXITED | SN_F_PARENT_UNKNOWN);
	exec->image = add_bytes(exec, from + record->image.off, record->image.len);
	exec->script = add_bytes(exec, from + record->script.off, record->script.len);
	exec->cwd = add_bytes(exec, from + record->cwd.off, record->cwd.len);
	if (truncated) {
		front = record->argv_head;
		back = record->argv.len - front;
	}
	if (record->argv.len > argv_room) {
		exec->h.flags |= SN_F_ARGV_TRUNCATED;
		if (!back) /* either end may serve itself from a whole argv */
			back = record->argv.len;
		while (front > argv_room - argv_room / 4)
			front--;
		while (back > argv_room / 4)
			back--;
	}
	exec->argv = (struct sn_span){front + back ? exec->h.size : 0, front + back};
	add_bytes(exec, argv, front);
	add_bytes(exec, argv + record->argv.len - back, back);
	exec->argv_head = front;
	blob->size = exec->h.size;
}

static inline uint64_t twin_free_blocks(const struct twin *twin)
{
	return twin->options.bytes / BLOCK - twin->blocks;
}

static inline void twin_store(struct twin *twin, struct twin_process *p, const struct sn_exec *exec)
{
	struct twin_blob *blob = malloc(sizeof(*blob) + SN_RECORD_MAX);
	uint64_t room;

	CHECK(blob);
	twin_drop_blob(twin, p);
	twin->pinned = p;
	while (twin_free_blocks(twin) < twin->options.bytes / BLOCK / 4 && twin_evict(twin, 0))
		;
	room = twin_free_blocks(twin) * BLOCK_BYTES / 64;
	room = room < 1024 ? 1024 : room;
	twin_pack(blob, exec, room < SN_ARGV_MAX ? (uint32_t)room : SN_ARGV_MAX);
	while (twin_free_blocks(twin) < twin_blocks(blob->size))
		CHECK(twin_evict(twin, 3));
	twin->pinned = NULL;
	blob = realloc(blob, sizeof(*blob) + blob->size);
	CHECK(blob);
	blob->refs = 1;
	twin->blocks += twin_blocks(blob->size);
	p->blob = blob;
	p->execed = 1;
	p->time = exec->h.time;
	p->uid = exec->uid;
	p->ppid = exec->ppid;
	p->parent_start = exec->parent_start;
}

static inline void twin_fork(struct twin *twin, const struct sn_fork *fork)
{
	struct identity who = {fork->h.pid, fork->h.start}, by = {fork->creator_pid, fork->creator_start};
	struct twin_process *p = twin_find(twin, who), *creator = twin_find(twin, by);

	if (!p) {
		twin->pinned = creator;
		p = twin_insert(twin, &fork->h);
		twin->pinned = NULL;
	}
	if (by.pid)
		twin_set_creator(twin, p, by);
	if (p->blob)
		return;
	p->uid = fork->uid;
	p->ppid = fork->ppid;
	p->parent_start = fork->parent_start;
	if (creator && creator->blob && p->creator_known && creator->time <= fork->h.time) {
		p->blob = creator->blob;
		p->blob->refs++;
	}
}

static inline void twin_snapshot(struct twin *twin, const struct sn_exec *exec)
{
	struct identity who = {exec->h.pid, exec->h.start}, by = {exec->creator_pid, exec->creator_start};
	struct twin_process *p = twin_find(twin, who);

	if (!p)
		p = twin_insert(twin, &exec->h);
	if (!by.pid)
		by = (struct identity){exec->ppid, exec->parent_start};
	if (!p->creator_known && (exec->creator_pid || !(exec->h.flags & SN_F_PARENT_UNKNOWN)))
		twin_set_creator(twin, p, by);
	if (!p->blob)
		twin_store(twin, p, exec);
	if (exec->h.flags & SN_F_EXITED)
		twin_mark_exited(twin, p, exec->exit_time, exec->exit_code, exec->exit_signal);
}

static inline struct twin_process *twin_find_or_insert(struct twin *twin, const struct sn_header *h)
{
	struct twin_process *p = twin_find(twin, (struct identity){h->pid, h->start});

	if (p)
		return p;
	twin->unknown_parent++;
	return twin_insert(twin, h);
}

static inline void twin_apply(struct twin *twin, const struct sn_header *h)
{
	for (int i = 0; i < 2; i++) {
		struct twin_process *p = twin_first(twin, 0);

		if (!p || p->exit_time + twin->options.exited_keep_ms * 1000000ull >= h->time)
			break;
		twin_forget(twin, p);
	}
	switch (h->type) {
	case SN_EXEC:
		twin_store(twin, twin_find_or_insert(twin, h), (const struct sn_exec *)(const void *)h);
		break;
	case SN_FORK:
		twin_fork(twin, (const struct sn_fork *)(const void *)h);
		break;
	case SN_EXIT:
		twin_mark_exited(twin, twin_find_or_insert(twin, h), h->time,
				 ((const struct sn_exit *)(const void *)h)->code,
				 ((const struct sn_exit *)(const void *)h)->signal);
		break;
	case SN_PROCESS:
		twin_snapshot(twin, (const struct sn_exec *)(const void *)h);
		break;
	}
}
#endif
