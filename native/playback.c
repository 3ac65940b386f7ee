/* SPDX-License-Identifier: Apache-2.0
 *
 * A recording in batches: into the engine, or as JSON lines. The caller's thread comes back between batches to take
 * alerts, write lines and look at the clock.
 */
#include <errno.h>

#include "engine.h"

/* Alerts that wait stay below half of their ring, so that none is dropped as long as the caller takes them. */
static int has_room(struct sn_engine *engine)
{
	struct sn_ring_stats alerts;

	sn_ring__publish(engine->alerts);
	sn_ring__stats(engine->alerts, &alerts);
	return alerts.used <= engine->options.alert_bytes / 2;
}

int sn_engine__play(struct sn_engine *engine, struct sn_recording *recording, struct sn_playback *playback)
{
	int room = has_room(engine);

	if (atomic_load(&engine->state) == SN_ENGINE_RUNNING)
		return -EBUSY;
	for (uint64_t n = 0; room; n++) {
		const struct sn_header *h;
		const void *record;
		uint64_t before = engine->stats.alerts;
		int rc = sn_recording__next(recording, &record, &playback->offset);

		if (rc != 1) {
			sn_etw_feed__flush(engine);
			return rc;
		}
		h = record;
		playback->time = h->time;
		if (n == playback->limit || h->time > playback->until) {
			sn_recording__unread(recording);
			return 1;
		}
		sn_pump__record(engine, record, h->size, playback->file, playback->index++);
		if (engine->stats.alerts != before)
			room = has_room(engine);
	}
	return 1;
}

int sn_engine__play_trace(struct sn_engine *engine, struct sn_trace *trace, struct sn_playback *playback)
{
	struct sn_traced next;
	int room = has_room(engine), rc;

	if (atomic_load(&engine->state) == SN_ENGINE_RUNNING)
		return -EBUSY;
	rc = sn_trace__begin(trace, engine->etw.actors, engine->etw.names);
	if (rc)
		return rc;
	for (uint64_t n = 0; room; n++) {
		uint64_t before = engine->stats.alerts;

		playback->time = sn_trace__time(trace);
		playback->offset = sn_trace__position(trace);
		if (n == playback->limit || playback->time > playback->until)
			return 1;
		if (!sn_trace__next(trace, &next))
			return 0;
		sn_pump__traced(engine, &next, playback->file, playback->index++);
		if (engine->stats.alerts != before)
			room = has_room(engine);
	}
	return 1;
}

int sn_engine__forget(struct sn_engine *engine)
{
	const struct sn_table_options options = {.bytes = engine->options.table_bytes,
						 .entries = engine->options.table_entries,
						 .exited_keep_ms = engine->options.exited_keep_ms};
	struct sn_evidence *evidence;
	struct sn_users *users;
	struct sn_table *table = NULL;

	if (atomic_load(&engine->state) == SN_ENGINE_RUNNING)
		return -EBUSY;
	if (!sn_table__is_unused(engine->table)) { /* most of the time goes here, and other makers' events need none */
		int rc = sn_table__new(&options, &table);

		if (rc)
			return rc;
	}
	if (sn_etw_feed__forget(&engine->etw))
		return -ENOMEM;
	evidence = sn_evidence__new();
	users = sn_users__new();
	if (!evidence || !users) {
		sn_table__free(table);
		sn_evidence__free(evidence);
		sn_users__free(users);
		return -ENOMEM;
	}
	sn_proxies__forget(engine->proxies);
	if (table) {
		sn_table__free(engine->table);
		engine->table = table;
	}
	sn_evidence__free(engine->evidence);
	sn_users__free(engine->users);
	engine->evidence = evidence;
	engine->users = users;
	__atomic_store_n(&engine->stats.seq_lost, 0, __ATOMIC_RELAXED);
	return 0;
}

int64_t sn_recording__json(struct sn_recording *recording, int64_t boot_to_epoch_ns, char *buf, size_t size,
			   uint64_t *records, uint64_t *offset)
{
	size_t used = 0;

	while (size - used >= SN_JSON_MAX && (!used || sn_recording__ready(recording))) {
		const void *record;
		int rc = sn_recording__next(recording, &record, offset);
		int64_t n;

		if (rc != 1)
			return used ? (int64_t)used : rc;
		n = sn_record__json(record, ((const struct sn_header *)record)->size, boot_to_epoch_ns, buf + used,
				    size - used);
		if (n < 0)
			return n;
		used += (size_t)n;
		buf[used++] = '\n';
		++*records;
	}
	return used ? (int64_t)used : -ENOSPC;
}
