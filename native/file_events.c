/* SPDX-License-Identifier: Apache-2.0 */
#include "file_events.h"

#include <errno.h>

#include "engine.h"

enum {
	RING_BYTES = 1 << 18, /* about 1,500 records; while it is full they wait in the kernel's queue */
	LOADS_BYTES = 1 << 16,
	BATCH = 256,
};

int sn_file_events__new(struct sn_file_events *files)
{
	int rc = sn_ring__new(RING_BYTES, &files->ring);

	if (!rc)
		rc = sn_ring__new(LOADS_BYTES, &files->loads);
	if (rc)
		return rc;
	files->writers = sn_writers__new();
	files->connections = sn_connections__new();
	return files->writers && files->connections ? 0 : -ENOMEM;
}

void sn_file_events__free(struct sn_file_events *files)
{
	sn_ring__free(files->ring);
	sn_ring__free(files->loads);
	sn_writers__free(files->writers);
	sn_connections__free(files->connections);
}

/* Whether the program that the process runs now did it: it has not exec'd in the time in question; or it has, but had
 * written to nothing before, while the file was given content. */
static int ran_then(const struct sn_who *who, const struct sn_file *file)
{
	if (who->time <= file->since)
		return 1;
	return who->time <= file->h.time && who->wrote_nothing && file->h.flags & SN_F_WRITTEN && file->bytes;
}

/* Names the process, and says whether its program can be told. */
static bool attribute(struct sn_engine *engine, void *record)
{
	const struct sn_process *process;
	struct sn_file *file = record;
	struct sn_who who;

	file->uid = UINT32_MAX;
	if (!file->path.len)
		return true;
	if (sn_table__tenant(engine->table, file->h.pid, file->since, file->h.time, &process) != 1) {
		file->h.flags |= SN_F_UNSURE;
	} else {
		sn_table__who(process, &who);
		file->h.start = who.start;
		file->uid = who.uid;
		if (!ran_then(&who, file))
			file->h.flags |= SN_F_UNSURE;
	}
	if (file->h.flags & SN_F_UNSURE)
		sn_count_atomic(&engine->files.unsure, 1);
	return true;
}

uint32_t sn_file_events__pump(struct sn_engine *engine, uint64_t until)
{
	return sn_file_events__judge(engine, engine->files.ring, until, attribute);
}

uint32_t sn_file_events__judge(struct sn_engine *engine, struct sn_ring *ring, uint64_t until,
			       bool (*attribute)(struct sn_engine *engine, void *record))
{
	const struct sn_header *h;
	uint32_t n = 0;
	size_t size;

	while (n < BATCH && (h = sn_ring__peek(ring, &size)) && h->time <= until) {
		/* a leased record is the consumer's own */
		if (attribute(engine, (void *)(uintptr_t)h))
			sn_pump__record(engine, h, size, 0, engine->stats.received);
		sn_ring__advance(ring);
		n++;
	}
	if (n)
		sn_ring__release(ring);
	return n;
}

void sn_file_events__settle(struct sn_engine *engine, uint64_t drained)
{
	size_t size;

	if (drained && !sn_ring__peek(engine->files.ring, &size))
		sn_writers__settle(engine->files.writers, drained);
}

struct sn_file_events *sn_engine__file_events(struct sn_engine *engine)
{
	return &engine->files;
}

struct sn_writers *sn_engine__writers(struct sn_engine *engine)
{
	return engine->files.writers;
}

int sn_engine__alias(struct sn_engine *engine, uint32_t dev, uint32_t upper)
{
	return sn_writers__alias(engine->files.writers, dev, upper);
}

const struct sn_connections *sn_engine__connections(const struct sn_engine *engine)
{
	return engine->files.connections;
}
