/* SPDX-License-Identifier: Apache-2.0
 *
 * See connections.h.
 */
#include "connections.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "key_hash.h"
#include "published.h"

enum {
	KEPT = SN_CONNECTIONS_KEPT,
	PLACE_BITS = 11,
	PLACES = 1 << PLACE_BITS, /* of an index */
	CREATORS = 4,		  /* ancestors that an entry names */
	IPV4 = 2,
	BACK_MAX = 64,		   /* connections that are looked at for one to outside */
	SAME_PIPE_NS = 1000000000, /* siblings of one pipe are forked one right after the other */
};

struct identity {
	uint64_t start;
	uint64_t pid;
};

struct entry {
	struct sn_connection shown;
	struct identity creator[CREATORS]; /* nearest first; pid 0: none or not known */
	uint64_t cookie;
	uint64_t number;			       /* + 1, as the indexes name it */
	uint64_t before_of_process, before_of_creator; /* likewise: the one before of the same; 0: none */
};

SN_PUBLISHED(cell, struct entry);

struct sn_connections {
	_Atomic uint64_t count; /* entries ever made: number n is in cell[n % KEPT] while n + KEPT >= count */
	_Atomic uint64_t forgotten;
	struct entry entry[KEPT]; /* the match thread's own */
	struct cell cell[KEPT];
	_Alignas(8) uint8_t process[SN_RECORD_MAX];			    /* whose connection is being taken in */
	uint64_t by_process[PLACES], by_creator[PLACES], by_cookie[PLACES]; /* number + 1 */
};

struct sn_connections *sn_connections__new(void)
{
	return calloc(1, sizeof(struct sn_connections));
}

void sn_connections__free(struct sn_connections *connections)
{
	free(connections);
}

static uint32_t place_of(uint64_t a, uint32_t b)
{
	return sn_pair_hash(a, b, PLACE_BITS);
}

static struct entry *at(const struct sn_connections *connections, uint64_t number_plus_1)
{
	uint64_t count = atomic_load_explicit(&connections->count, memory_order_relaxed);

	if (!number_plus_1 || number_plus_1 + KEPT <= count)
		return NULL;
	return (struct entry *)&connections->entry[(number_plus_1 - 1) % KEPT];
}

static struct entry *last_of(const struct sn_connections *connections, uint32_t pid, uint64_t start)
{
	struct entry *entry = at(connections, connections->by_process[place_of(start, pid)]);

	return entry && entry->shown.pid == pid && entry->shown.start == start ? entry : NULL;
}

/* Of the children of a process. */
static struct entry *last_below(const struct sn_connections *connections, const struct identity *creator)
{
	struct entry *entry = at(connections, connections->by_creator[place_of(creator->start, creator->pid)]);

	return entry && entry->creator[0].pid == creator->pid && entry->creator[0].start == creator->start ? entry
													   : NULL;
}

static void publish(struct sn_connections *connections, const struct entry *entry)
{
	struct cell *cell = &connections->cell[entry - connections->entry];

	sn_published__store(&cell->version, cell->word, entry, sizeof(*entry));
}

/* ---- taking in ---- */

/* Who it was and who forked them, for the first connection of a process. */
static void name_process(struct sn_connections *connections, struct entry *entry, const struct sn_table *table)
{
	const struct sn_process *process = sn_table__find(table, entry->shown.pid, entry->shown.start);
	const struct sn_exec *exec = (const void *)connections->process;
	struct sn_bytes name;
	struct sn_who who;

	if (!process)
		return;
	if (sn_table__export(table, process, connections->process, sizeof(connections->process)) > 0) {
		name = sn_bytes__basename((struct sn_bytes){connections->process + exec->image.off, exec->image.len});
		memcpy(entry->shown.name, name.at,
		       name.len < sizeof(entry->shown.name) ? name.len : sizeof(entry->shown.name));
	}
	for (int i = 0; i < CREATORS && sn_table__parent(table, process, &process) == 1; i++) {
		sn_table__who(process, &who);
		entry->creator[i] = (struct identity){who.start, who.pid};
	}
}

/* One that went on for long may give way before others that ended earlier. */
static void forget(struct sn_connections *connections, const struct entry *entry)
{
	if (entry->shown.last > atomic_load_explicit(&connections->forgotten, memory_order_relaxed))
		atomic_store_explicit(&connections->forgotten, entry->shown.last, memory_order_relaxed);
}

static void begin(struct sn_connections *connections, const struct sn_table *table, const struct sn_connect *record,
		  const struct entry *last)
{
	uint64_t number = atomic_load_explicit(&connections->count, memory_order_relaxed);
	struct entry *entry = &connections->entry[number % KEPT],
		     made = {.cookie = record->cookie, .number = number + 1};
	const struct entry *sibling;

	made.shown = (struct sn_connection){.time = record->h.time,
					    .last = record->h.time,
					    .start = record->h.start,
					    .pid = record->h.pid,
					    .count = 1,
					    .error = record->h.type == SN_SOCKET ? 0 : -1,
					    .family = record->family,
					    .protocol = record->protocol,
					    .dport = record->dport};
	memcpy(made.shown.daddr, record->daddr, sizeof(made.shown.daddr));
	if (last) {
		memcpy(made.creator, last->creator, sizeof(made.creator));
		memcpy(made.shown.name, last->shown.name, sizeof(made.shown.name));
	} else {
		name_process(connections, &made, table);
	}
	sibling = made.creator[0].pid ? last_below(connections, &made.creator[0]) : NULL;
	made.before_of_process = last ? last->number : 0;
	made.before_of_creator = sibling ? sibling->number : 0;
	if (number >= KEPT)
		forget(connections, entry);
	*entry = made;
	publish(connections, entry);
	atomic_store_explicit(&connections->count, number + 1, memory_order_release);
	connections->by_process[place_of(made.shown.start, made.shown.pid)] = number + 1;
	connections->by_creator[place_of(made.creator[0].start, made.creator[0].pid)] = number + 1;
	connections->by_cookie[place_of(made.cookie, 0)] = number + 1;
}

static int repeats(const struct entry *last, const struct sn_connect *record)
{
	return last->shown.dport == record->dport && last->shown.protocol == record->protocol &&
	       last->shown.family == record->family &&
	       memcmp(last->shown.daddr, record->daddr, sizeof(record->daddr)) == 0;
}

void sn_connections__see(struct sn_connections *connections, const struct sn_table *table,
			 const struct sn_connect *record)
{
	struct entry *entry;

	if (record->h.type == SN_CONNECT_RESULT) {
		entry = at(connections, connections->by_cookie[place_of(record->cookie, 0)]);
		if (!entry || entry->cookie != record->cookie)
			return;
		entry->shown.error = record->error;
		publish(connections, entry);
		return;
	}
	entry = last_of(connections, record->h.pid, record->h.start);
	if (!entry || !repeats(entry, record)) {
		begin(connections, table, record, entry);
		return;
	}
	entry->shown.count++;
	entry->shown.last = record->h.time;
	entry->shown.error = record->h.type == SN_SOCKET ? 0 : -1;
	entry->cookie = record->cookie;
	connections->by_cookie[place_of(entry->cookie, 0)] = entry->number;
	publish(connections, entry);
}

/* ---- asking ---- */

static int is_outside(const struct sn_connection *shown)
{
	static const uint8_t loopback[16] = {[15] = 1};

	if (shown->error > 0)
		return 0;
	return shown->family == IPV4 ? shown->daddr[0] != 127 : memcmp(shown->daddr, loopback, sizeof(loopback)) != 0;
}

/* From `entry` back, the first to outside that is not later than `time`, of a process that began about `start`. */
static const struct entry *outside_from(const struct sn_connections *connections, const struct entry *entry,
					int of_creator, uint64_t start, uint64_t time)
{
	for (int i = 0; entry && i < BACK_MAX; i++) {
		const struct sn_connection *shown = &entry->shown;
		uint64_t apart = shown->start > start ? shown->start - start : start - shown->start;

		if (shown->time <= time && is_outside(shown) && apart <= SAME_PIPE_NS)
			return entry;
		entry = at(connections, of_creator ? entry->before_of_creator : entry->before_of_process);
	}
	return NULL;
}

/* That of one which the creator of `process` forked about when it forked that one; where the creator is a subshell, it
 * may be the subshell that is the end of the pipe. */
static const struct entry *other_end(const struct sn_connections *connections, const struct sn_table *table,
				     const struct sn_process *process, uint64_t time)
{
	const struct entry *entry = NULL;
	struct sn_who own, creator = {0};

	for (int i = 0; !entry && !creator.execed && i < CREATORS; i++) {
		sn_table__who(process, &own);
		if (sn_table__parent(table, process, &process) != 1)
			break;
		sn_table__who(process, &creator);
		entry = last_below(connections, &(struct identity){creator.start, creator.pid});
		entry = outside_from(connections, entry, 1, own.start, time);
	}
	return entry;
}

int sn_connections__source(const struct sn_connections *connections, const struct sn_table *table, uint32_t pid,
			   uint64_t start, uint64_t time, struct sn_connection *out)
{
	const struct entry *entry = last_of(connections, pid, start);
	const struct sn_process *process;

	if (entry) {
		entry = outside_from(connections, entry, 0, start, time);
	} else {
		process = sn_table__find(table, pid, start);
		entry = process ? other_end(connections, table, process, time) : NULL;
	}
	if (entry)
		*out = entry->shown;
	return entry != NULL;
}

static int concerns(const struct entry *entry, uint32_t pid, uint64_t start)
{
	int found = entry->shown.pid == pid && entry->shown.start == start;

	for (int i = 0; i < CREATORS; i++)
		found |= entry->creator[i].pid == pid && entry->creator[i].start == start;
	return found;
}

uint32_t sn_connections__of(const struct sn_connections *connections, uint32_t pid, uint64_t start, uint64_t from,
			    uint64_t until, struct sn_connection *out, uint32_t max)
{
	uint64_t count = atomic_load_explicit(&connections->count, memory_order_acquire);
	uint64_t oldest = count > KEPT ? count - KEPT : 0;
	uint32_t found = 0;
	struct entry entry;

	/* newest first, so that those are kept; then turned round */
	for (uint64_t number = count; number > oldest && found < max; number--) {
		const struct cell *cell = &connections->cell[(number - 1) % KEPT];

		if (sn_published__load(&cell->version, cell->word, &entry, sizeof(entry)) && entry.number == number &&
		    concerns(&entry, pid, start) && entry.shown.last >= from && entry.shown.time <= until)
			out[found++] = entry.shown;
	}
	for (uint32_t i = 0; i < found / 2; i++) {
		struct sn_connection swapped = out[i];

		out[i] = out[found - 1 - i];
		out[found - 1 - i] = swapped;
	}
	return found;
}

uint64_t sn_connections__forgotten(const struct sn_connections *connections)
{
	return atomic_load_explicit(&connections->forgotten, memory_order_relaxed);
}
