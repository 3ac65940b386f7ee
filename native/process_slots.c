/* SPDX-License-Identifier: Apache-2.0
 *
 * See process_slots.h.
 */
#include "process_slots.h"

enum { EXPIRE_BATCH = 2 /* more than a record can add, so the expired never pile up */ };

/* ---- the two kinds of list: by kind, by age ---- */

static void kind_remove(struct sn_table *table, uint32_t slot)
{
	struct sn_process *p = &table->process[slot];
	struct sn_list *list = &table->kind[p->kind];

	*(p->kind_prev ? &table->process[p->kind_prev].kind_next : &list->head) = p->kind_next;
	*(p->kind_next ? &table->process[p->kind_next].kind_prev : &list->tail) = p->kind_prev;
}

static void kind_append(struct sn_table *table, uint32_t slot, enum sn_kind kind)
{
	struct sn_process *p = &table->process[slot];
	struct sn_list *list = &table->kind[kind];

	p->kind = kind;
	p->kind_prev = list->tail;
	p->kind_next = 0;
	*(list->tail ? &table->process[list->tail].kind_next : &list->head) = slot;
	list->tail = slot;
}

static void age_remove(struct sn_table *table, uint32_t slot)
{
	struct sn_process *p = &table->process[slot];

	*(p->age_prev ? &table->process[p->age_prev].age_next : &table->age.head) = p->age_next;
	*(p->age_next ? &table->process[p->age_next].age_prev : &table->age.tail) = p->age_prev;
}

static void age_append(struct sn_table *table, uint32_t slot)
{
	struct sn_process *p = &table->process[slot];

	p->age_prev = table->age.tail;
	p->age_next = 0;
	*(table->age.tail ? &table->process[table->age.tail].age_next : &table->age.head) = slot;
	table->age.tail = slot;
}

/* ---- who is needed ---- */

static int is_needed(const struct sn_process *p)
{
	return !p->exited || p->needed_by;
}

static void rekind(struct sn_table *table, uint32_t slot)
{
	const struct sn_process *p = &table->process[slot];
	enum sn_kind kind =
		p->exited ? (p->needed_by ? SN_DEAD_NEEDED : SN_DEAD) : (p->needed_by ? SN_BRANCH : SN_LEAF);

	if (kind == p->kind)
		return;
	kind_remove(table, slot);
	kind_append(table, slot, kind);
}

uint32_t sn_slots__creator(const struct sn_table *table, const struct sn_process *p)
{
	return p->creator && table->process[p->creator].serial == p->creator_serial ? p->creator : 0;
}

/* One more needed process names `slot`; where that makes it needed, its own creator is next. */
static void hold(struct sn_table *table, uint32_t slot)
{
	while (slot) {
		struct sn_process *p = &table->process[slot];
		int was_needed = is_needed(p);

		p->needed_by++;
		rekind(table, slot);
		slot = was_needed ? 0 : sn_slots__creator(table, p);
	}
}

static void let_go(struct sn_table *table, uint32_t slot)
{
	while (slot) {
		struct sn_process *p = &table->process[slot];

		p->needed_by--;
		rekind(table, slot);
		slot = is_needed(p) ? 0 : sn_slots__creator(table, p);
	}
}

/* ---- coming and going ---- */

/* First slot that may hold `pid`; the others follow in bucket_next. */
static uint32_t *bucket_of(const struct sn_table *table, uint32_t pid)
{
	return &table->bucket[(pid * 2654435769u) >> table->bucket_shift]; /* 2^32 / golden ratio: Knuth 6.4 */
}

uint32_t sn_slots__of_pid(const struct sn_table *table, uint32_t pid)
{
	return *bucket_of(table, pid);
}

uint32_t sn_slots__lookup(const struct sn_table *table, uint32_t pid, uint64_t start)
{
	uint32_t slot = *bucket_of(table, pid);

	while (slot && (table->process[slot].pid != pid || table->process[slot].start != start))
		slot = table->process[slot].bucket_next;
	return slot;
}

static void forget(struct sn_table *table, uint32_t slot)
{
	struct sn_process *p = &table->process[slot];
	uint32_t *link = bucket_of(table, p->pid);

	if (is_needed(p))
		let_go(table, sn_slots__creator(table, p));
	while (*link != slot)
		link = &table->process[*link].bucket_next;
	*link = p->bucket_next;
	kind_remove(table, slot);
	age_remove(table, slot);
	sn_blobs__drop(&table->blobs, p->blob);
	table->entries--;
	table->exited -= p->exited;
	p->serial = 0;
	p->bucket_next = table->free;
	table->free = slot;
}

int sn_slots__evict(struct sn_table *table, enum sn_kind limit)
{
	for (enum sn_kind kind = SN_DEAD; kind <= limit; kind++) {
		uint32_t slot = table->kind[kind].head;

		if (slot && slot == table->pinned)
			slot = table->process[slot].kind_next;
		if (slot) {
			forget(table, slot);
			table->evicted++;
			return 1;
		}
	}
	return 0;
}

void sn_slots__expire(struct sn_table *table, uint64_t now)
{
	for (int i = 0; i < EXPIRE_BATCH; i++) {
		uint32_t slot = table->kind[SN_DEAD].head;
		uint64_t then = table->process[slot].exit_time;

		if (!slot || now <= then || now - then <= table->keep_ns)
			return;
		forget(table, slot);
	}
}

void sn_slots__mark_exited(struct sn_table *table, uint32_t slot, uint64_t time, uint32_t code, uint32_t signal)
{
	struct sn_process *p = &table->process[slot];

	if (!p->exit_time && time) {
		p->exit_time = time;
		p->exit_code = (uint8_t)code;
		p->exit_signal = (uint8_t)signal;
	}
	if (p->exited)
		return;
	p->exited = 1;
	table->exited++;
	rekind(table, slot);
	if (!is_needed(p))
		let_go(table, sn_slots__creator(table, p));
}

/* A pid has one tenant at a time: whoever had it earlier is dead, even if nobody told. */
static void settle_pid(struct sn_table *table, uint32_t slot)
{
	struct sn_process *p = &table->process[slot];

	for (uint32_t other = *bucket_of(table, p->pid); other; other = table->process[other].bucket_next) {
		if (table->process[other].pid != p->pid || other == slot)
			continue;
		sn_slots__mark_exited(table, table->process[other].start < p->start ? other : slot, 0, 0, 0);
	}
}

uint32_t sn_slots__insert(struct sn_table *table, const struct sn_header *record)
{
	struct sn_process *p;
	uint32_t slot, *bucket = bucket_of(table, record->pid);

	if (!table->free && table->touched == table->capacity)
		sn_slots__evict(table, SN_BRANCH);
	slot = table->free;
	if (slot)
		table->free = table->process[slot].bucket_next;
	else
		slot = ++table->touched;
	if (!++table->serial)
		table->serial = 1;
	p = &table->process[slot];
	*p = (struct sn_process){
		.pid = record->pid, .start = record->start, .time = record->time, .serial = table->serial};
	p->bucket_next = *bucket;
	*bucket = slot;
	kind_append(table, slot, SN_LEAF);
	age_append(table, slot);
	table->entries++;
	settle_pid(table, slot);
	return slot;
}

void sn_slots__set_creator(struct sn_table *table, uint32_t slot, uint32_t pid, uint64_t start)
{
	struct sn_process *p = &table->process[slot];

	/* A start of 0 is not known, and nobody is older than its creator. Coarse clocks start both in one tick: by pid
	 * then, so that no record can close a circle. */
	if (pid && (!start || start > p->start || (start == p->start && pid >= p->pid)))
		return;
	if (p->creator_known && p->creator_pid == pid && p->creator_start == start)
		return;
	if (is_needed(p))
		let_go(table, sn_slots__creator(table, p));
	p->creator_known = 1;
	p->creator_pid = pid;
	p->creator_start = start;
	p->creator = pid ? sn_slots__lookup(table, pid, start) : 0;
	p->creator_serial = table->process[p->creator].serial;
	if (is_needed(p))
		hold(table, p->creator);
}
