/* SPDX-License-Identifier: Apache-2.0
 *
 * See writers.h.
 */
#include "writers.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "count.h"
#include "key_hash.h"
#include "published.h"
#include "wait.h"
#include "writer_past.h"
#include "writer_programs.h"

enum {
	SET_BITS = 11,
	SETS = 1 << SET_BITS,
	WAYS = 4,
	ALIASES = 64,
	ALL = SN_F_WRITTEN | SN_F_CREATED | SN_F_LINKED | SN_F_MOVED | SN_F_CHANGED,
};

struct written {
	uint64_t inode;
	uint64_t time;
	uint64_t since;
	uint64_t ctime[2]; /* of the file: when the writer was noted, and after the last event */
	uint64_t start;
	uint64_t program; /* number; 0: not known */
	uint64_t fetcher; /* the program whose connection it is */
	uint64_t created; /* not before this, by the process below; 0: somebody else did, or it was there */
	uint64_t creator;
	uint32_t dev;
	uint32_t pid;
	uint32_t uid;
	uint32_t how; /* SN_F_* of the records */
	uint16_t family, dport;
	uint8_t daddr[16];
	uint64_t used;	  /* number of its last event; 0: free */
	uint64_t unknown; /* 1: events were lost that may name another writer */
};

SN_PUBLISHED(written_cell, struct written);

struct sn_writers {
	struct written written[SETS][WAYS]; /* the match thread's own */
	struct written_cell shown[SETS][WAYS];
	struct sn_programs *programs;
	struct sn_past past;
	uint64_t clock; /* events */
	_Atomic uint64_t settled;
	_Atomic uint32_t settlings; /* counts sn_writers__settle: what sn_writers__find sleeps on */
	_Atomic uint64_t lost_from; /* events were lost from here, */
	_Atomic uint64_t lost_to;   /* to here, ns since the epoch; 0: none ever */
	_Atomic uint64_t seen, forgotten, nameless, lost;
	atomic_flag lock; /* of what follows, for a few instructions; never taken by the match thread */
	void (*ask)(void *source);
	void *source;
	uint32_t alias[ALIASES][2];
	uint32_t aliases;
};

struct sn_writers *sn_writers__new(void)
{
	struct sn_writers *writers = calloc(1, sizeof(*writers));

	if (!writers)
		return NULL;
	writers->programs = sn_programs__new();
	if (writers->programs)
		return writers;
	free(writers);
	return NULL;
}

void sn_writers__free(struct sn_writers *writers)
{
	if (writers)
		sn_programs__free(writers->programs);
	free(writers);
}

static void lock(struct sn_writers *writers)
{
	while (atomic_flag_test_and_set_explicit(&writers->lock, memory_order_acquire))
		;
}

static void unlock(struct sn_writers *writers)
{
	atomic_flag_clear_explicit(&writers->lock, memory_order_release);
}

/* ---- taking in ---- */

/* The file's place, or the one that gives way to it. */
static struct written *place_of(struct sn_writers *writers, const struct sn_file *file)
{
	struct written *set = writers->written[sn_pair_hash(file->inode, file->dev, SET_BITS)], *oldest = set;

	for (struct written *w = set; w < set + WAYS; w++) {
		if (w->used && w->dev == file->dev && w->inode == file->inode)
			return w;
		if (!w->used || (oldest->used && w->used < oldest->used))
			oldest = w;
	}
	if (oldest->used)
		sn_count_atomic(&writers->forgotten, 1);
	*oldest = (struct written){.dev = file->dev, .inode = file->inode};
	return oldest;
}

static void take_loss(struct sn_writers *writers, const struct sn_file *file)
{
	if (!atomic_load_explicit(&writers->lost_to, memory_order_relaxed))
		atomic_store_explicit(&writers->lost_from, file->ctime, memory_order_relaxed);
	atomic_store_explicit(&writers->lost_to, file->mtime, memory_order_release);
	sn_count_atomic(&writers->lost, 1);
}

/* Whether a file that changed at `changed` (ns since the epoch; 0: not known) may have done so in an event that was
 * lost. */
static int may_be_lost(const struct sn_writers *writers, uint64_t changed)
{
	uint64_t to = atomic_load_explicit(&writers->lost_to, memory_order_acquire);

	return to && (!changed ||
		      (changed <= to && changed >= atomic_load_explicit(&writers->lost_from, memory_order_relaxed)));
}

void sn_writers__exec(struct sn_writers *writers, const struct sn_table *table, const struct sn_exec *exec)
{
	sn_past__exec(&writers->past, writers->programs, table, exec);
}

void sn_writers__exit(struct sn_writers *writers, const struct sn_table *table, const struct sn_exit *exit)
{
	sn_past__exit(&writers->past, table, exit);
}

static void name_writer(struct sn_writers *writers, const struct sn_table *table,
			const struct sn_connections *connections, const struct sn_file *file, struct written *w)
{
	const struct sn_process *process, *child = NULL;
	struct sn_who who = {.start = file->h.start, .pid = file->h.pid, .uid = file->uid};
	struct sn_connection connection;

	if (file->h.flags & SN_F_WRITTEN && w->created && w->creator == file->h.start)
		child = sn_past__child(&writers->past, table, file, w->created);
	if (child)
		sn_table__who(child, &who);
	w->program = child ? sn_programs__of(writers->programs, table, child)
			   : sn_past__program(&writers->past, writers->programs, table, file);
	w->time = file->h.time;
	w->since = file->since;
	w->ctime[0] = file->ctime;
	w->start = who.start;
	w->pid = who.pid;
	w->uid = who.uid;
	w->fetcher = w->program;
	w->family = 0;
	if (!w->program)
		sn_count_atomic(&writers->nameless, 1);
	if (!who.start || !sn_connections__source(connections, table, who.pid, who.start, file->h.time, &connection))
		return;
	if (connection.pid != who.pid || connection.start != who.start) {
		process = sn_table__find(table, connection.pid, connection.start);
		w->fetcher = process ? sn_programs__of(writers->programs, table, process) : 0;
	}
	w->family = connection.family;
	w->dport = connection.dport;
	memcpy(w->daddr, connection.daddr, sizeof(w->daddr));
}

void sn_writers__see(struct sn_writers *writers, const struct sn_table *table, const struct sn_connections *connections,
		     const struct sn_file *file)
{
	int wrote = (file->h.flags & SN_F_WRITTEN) != 0, again;
	struct written *w;
	size_t number;

	if (!file->path.len) {
		take_loss(writers, file);
		return;
	}
	sn_count_atomic(&writers->seen, 1);
	w = place_of(writers, file);
	again = w->used != 0;
	if (wrote)
		w->unknown = 0;
	else if (may_be_lost(writers, file->mtime) && (!again || w->ctime[1] < file->mtime))
		w->unknown = 1; /* the content is newer than what is known of it */
	if (file->h.flags & SN_F_CREATED) {
		w->created = file->since;
		w->creator = file->h.start;
	}
	if (wrote) /* what others did to content that is gone says nothing of this one */
		w->how = w->pid == file->h.pid && w->start == file->h.start ? w->how & SN_F_CREATED : 0;
	if (wrote || !(w->how & SN_F_WRITTEN))
		name_writer(writers, table, connections, file, w);
	if (wrote)
		w->created = 0; /* who writes to it again has not made it */
	w->how |= file->h.flags & ALL;
	w->ctime[1] = file->ctime;
	w->used = ++writers->clock;
	number = (size_t)(w - &writers->written[0][0]);
	sn_published__store(&(&writers->shown[0][0])[number].version, (&writers->shown[0][0])[number].word, w,
			    sizeof(*w));
}

void sn_writers__settle(struct sn_writers *writers, uint64_t until)
{
	if (atomic_load_explicit(&writers->settled, memory_order_relaxed) >= until)
		return;
	atomic_store_explicit(&writers->settled, until, memory_order_release);
	atomic_fetch_add(&writers->settlings, 1);
	sn_wait__wake_all(&writers->settlings);
}

/* ---- asking ---- */

void sn_writers__set_source(struct sn_writers *writers, void (*ask)(void *source), void *source)
{
	lock(writers);
	writers->ask = ask;
	writers->source = source;
	unlock(writers);
}

int sn_writers__alias(struct sn_writers *writers, uint32_t dev, uint32_t upper)
{
	uint32_t i = 0;

	lock(writers);
	while (i < writers->aliases && writers->alias[i][0] != dev)
		i++;
	if (i < ALIASES) {
		writers->alias[i][0] = dev;
		writers->alias[i][1] = upper;
		writers->aliases += i == writers->aliases;
	}
	unlock(writers);
	return i < ALIASES ? 0 : -ENOSPC;
}

static uint64_t now_ms(void)
{
	return sn_clock__now() / 1000000;
}

/* Waits until the table has come as far as `time`: 0, or -EAGAIN when it has not in time. `dev` is replaced by the
 * device whose inodes it shows. */
static int settle(struct sn_writers *writers, uint64_t time, int timeout_ms, uint32_t *dev)
{
	uint64_t until = now_ms() + (uint64_t)timeout_ms, now;
	int has_source;

	lock(writers);
	for (uint32_t i = 0; i < writers->aliases; i++)
		if (writers->alias[i][0] == *dev) {
			*dev = writers->alias[i][1];
			break;
		}
	has_source = writers->ask != NULL;
	if (has_source && atomic_load_explicit(&writers->settled, memory_order_acquire) < time)
		writers->ask(writers->source);
	unlock(writers);
	while (has_source) {
		uint32_t before = atomic_load(&writers->settlings);

		if (atomic_load_explicit(&writers->settled, memory_order_acquire) >= time)
			return 0;
		now = now_ms();
		if (now >= until)
			return -EAGAIN;
		sn_wait__sleep(&writers->settlings, before, (int)(until - now));
	}
	return 0;
}

/* 1 found, 0 not, -EAGAIN: one that it may be was being written all the time. */
static int look_up(const struct sn_writers *writers, uint32_t dev, uint64_t inode, struct written *out)
{
	const struct written_cell *set = writers->shown[sn_pair_hash(inode, dev, SET_BITS)];
	int unread = 0;

	for (const struct written_cell *cell = set; cell < set + WAYS; cell++) {
		if (!sn_published__load(&cell->version, cell->word, out, sizeof(*out)))
			unread = -EAGAIN;
		else if (out->used && out->dev == dev && out->inode == inode)
			return 1;
	}
	return unread;
}

int sn_writers__knows(const struct sn_writers *writers, uint32_t dev, uint64_t inode)
{
	struct written w;

	return look_up(writers, dev, inode, &w) != 0;
}

int sn_writers__find(struct sn_writers *writers, const struct sn_writer_query *query, int timeout_ms,
		     struct sn_file_writer *out)
{
	uint32_t dev = query->dev;
	struct written w;
	int found;

	if (settle(writers, query->time, timeout_ms, &dev))
		return -EAGAIN;
	found = look_up(writers, dev, query->inode, &w);
	if (found < 0)
		return found;
	if (!found)
		return may_be_lost(writers, query->changed) ? -ENODATA : 0;
	if (w.unknown || w.since > query->time || (!query->changed && may_be_lost(writers, 0)))
		return -ENODATA;
	/* changed in a way that was not seen, or another file has the inode now */
	if (query->changed && (query->changed < w.ctime[0] || query->changed > w.ctime[1]))
		return -ENODATA;
	memset(out, 0, offsetof(struct sn_file_writer, image));
	out->time = w.time;
	out->start = w.start;
	out->pid = w.pid;
	out->uid = w.uid;
	out->how = w.how;
	out->family = w.family;
	out->dport = w.dport;
	memcpy(out->daddr, w.daddr, sizeof(out->daddr));
	sn_programs__name(writers->programs, w.program, out);
	sn_programs__name_url(writers->programs, w.fetcher, out);
	sn_programs__name_url(writers->programs, w.program, out);
	return 1;
}

void sn_writers__stats(const struct sn_writers *writers, struct sn_writers_stats *out)
{
	out->seen = atomic_load_explicit(&writers->seen, memory_order_relaxed);
	out->forgotten = atomic_load_explicit(&writers->forgotten, memory_order_relaxed);
	out->nameless = atomic_load_explicit(&writers->nameless, memory_order_relaxed);
	out->lost = atomic_load_explicit(&writers->lost, memory_order_relaxed);
}
