/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wait.h"

enum {
	ALERT_BYTES_MIN = 1 << 18, /* so that the alert of any record fits: event, process and some lineage */
	FRAME_OVERHEAD = 64,	   /* the ring takes records of less than half its size */
};

static void loaded_free(struct sn_loaded *loaded)
{
	if (!loaded)
		return;
	sn_matcher__free(loaded->matcher);
	sn_values__free(loaded->values);
	sn_view__free(loaded->view);
	sn_ndjson__free(loaded->ndjson);
	sn_etw_view__free(loaded->etw);
	sn_win_view__free(loaded->windows);
	free(loaded->hits);
	free(loaded);
}

static struct sn_loaded *loaded_new(struct sn_rules *rules, uint64_t generation)
{
	struct sn_loaded *loaded = calloc(1, sizeof(*loaded));

	if (!loaded)
		return NULL;
	loaded->rules = rules;
	loaded->generation = generation;
	/* the same rules may come up once a route */
	loaded->hits_max = sn_rules__count(rules) * SN_ROUTES_MAX;
	loaded->hits = malloc(((size_t)loaded->hits_max + 1) * sizeof(*loaded->hits));
	loaded->values = sn_values__new(rules);
	loaded->view = sn_view__new(rules);
	loaded->ndjson = sn_ndjson__new(rules);
	loaded->etw = sn_etw_view__new(rules);
	sn_actor_fields__of(rules, &loaded->actors);
	sn_win_facts__of(rules, &loaded->facts);
	if (rules->count[SN_WIN_GRAMMARS])
		loaded->windows = sn_win_view__new(rules);
	if (sn_matcher__new(rules, &loaded->matcher) || !loaded->hits || !loaded->values || !loaded->view ||
	    !loaded->ndjson || !loaded->etw || (rules->count[SN_WIN_GRAMMARS] && !loaded->windows)) {
		loaded_free(loaded);
		return NULL;
	}
	return loaded;
}

static int make_parts(struct sn_engine *engine)
{
	const struct sn_engine_options *o = &engine->options;
	const struct sn_table_options table = {
		.bytes = o->table_bytes, .entries = o->table_entries, .exited_keep_ms = o->exited_keep_ms};
	int rc = sn_ring__new(o->ring_bytes, &engine->ring);

	if (!rc)
		rc = sn_ring__new(o->alert_bytes, &engine->alerts);
	if (!rc)
		rc = sn_table__new(&table, &engine->table);
	if (rc)
		return rc;
	sn_ring__touch(engine->ring);
	rc = sn_file_events__new(&engine->files);
	if (!rc)
		rc = sn_etw_feed__new(&engine->etw);
	if (rc)
		return rc;
	engine->evidence = sn_evidence__new();
	engine->users = sn_users__new();
	engine->proxies = sn_proxies__new();
	if (o->facts && !(engine->enrichment = sn_enrichment__new(o->fact_wait_ms)))
		return -ENOMEM;
	engine->frame_max = o->alert_bytes / 2 - FRAME_OVERHEAD;
	engine->frame = malloc(engine->frame_max);
	if (o->timing)
		engine->match_fine = calloc(SN_FINE_BUCKETS, sizeof(*engine->match_fine));
	if (!engine->evidence || !engine->users || !engine->proxies || !engine->frame ||
	    (o->timing && !engine->match_fine))
		return -ENOMEM;
	return 0;
}

int sn_engine__new(const struct sn_engine_options *options, struct sn_engine **out)
{
	struct sn_engine *engine;
	int rc;

	if (options->alert_bytes < ALERT_BYTES_MIN || options->timing > 1 || options->facts > 1)
		return -EINVAL;
	engine = calloc(1, sizeof(*engine));
	if (!engine)
		return -ENOMEM;
	engine->options = *options;
	rc = make_parts(engine);
	if (rc)
		sn_engine__free(engine);
	else
		*out = engine;
	return rc;
}

void sn_engine__free(struct sn_engine *engine)
{
	if (!engine)
		return;
	loaded_free(engine->current);
	loaded_free(atomic_load(&engine->pending));
	sn_ring__free(engine->ring);
	sn_ring__free(engine->alerts);
	sn_table__free(engine->table);
	sn_file_events__free(&engine->files);
	sn_evidence__free(engine->evidence);
	sn_users__free(engine->users);
	sn_proxies__free(engine->proxies);
	sn_etw_feed__free(&engine->etw);
	sn_enrichment__free(engine->enrichment);
	free(engine->match_fine);
	free(engine->frame);
	free(engine);
}

struct sn_ring *sn_engine__ring(struct sn_engine *engine)
{
	return engine->ring;
}

/* Hands `loaded` to the match thread and waits until it has let go of the old one. -EAGAIN when no thread runs. */
static int hand_over(struct sn_engine *engine, struct sn_loaded *loaded)
{
	uint32_t before = atomic_load(&engine->adopted);

	atomic_store(&engine->pending, loaded);
	sn_ring__interrupt(engine->ring);
	while (atomic_load(&engine->adopted) == before) {
		/* the run has ended in the meantime: whoever takes `pending` away decides whose it is */
		if (atomic_load(&engine->state) != SN_ENGINE_RUNNING && atomic_exchange(&engine->pending, NULL))
			return -EAGAIN;
		sn_wait__sleep(&engine->adopted, before, 10);
	}
	return 0;
}

int sn_engine__swap_rules(struct sn_engine *engine, struct sn_rules *rules)
{
	struct sn_loaded *loaded = loaded_new(rules, engine->generation + 1), *old;
	uint32_t idle;

	if (!loaded)
		return -ENOMEM;
	engine->generation++;
	sn_costs__every(sn_matcher__costs(loaded->matcher), engine->time_rules);
	for (;;) {
		idle = SN_ENGINE_IDLE;
		old = engine->current;
		if (atomic_compare_exchange_strong(&engine->state, &idle, SN_ENGINE_SWAPPING)) {
			engine->current = loaded;
			atomic_store(&engine->state, SN_ENGINE_IDLE);
			break;
		}
		if (hand_over(engine, loaded) == 0)
			break;
	}
	loaded_free(old);
	__atomic_store_n(&engine->stats.generation, engine->generation, __ATOMIC_RELAXED);
	return 0;
}

int sn_engine__set_user(struct sn_engine *engine, uint32_t uid, const char *name)
{
	return sn_users__set(engine->users, uid, name);
}

int sn_engine__record_to(struct sn_engine *engine, struct sn_recording *recording)
{
	if (atomic_load(&engine->state) == SN_ENGINE_RUNNING)
		return -EBUSY;
	engine->recording = recording;
	return 0;
}

int sn_engine__push(struct sn_engine *engine, const void *record, size_t size)
{
	int rc = sn_ring__push(engine->ring, record, size);

	sn_ring__publish(engine->ring);
	return rc;
}

int sn_engine__feed(struct sn_engine *engine, const void *record, size_t size, uint32_t file, uint64_t index)
{
	int rc;

	if (atomic_load(&engine->state) == SN_ENGINE_RUNNING)
		return -EBUSY;
	if ((uintptr_t)record % 8 && size <= SN_RECORD_MAX)
		record = memcpy(engine->record, record, size);
	rc = sn_pump__record(engine, record, size, file, index);
	sn_ring__publish(engine->alerts);
	return rc;
}

int sn_engine__feed_json(struct sn_engine *engine, const char *line, size_t size, uint32_t route, uint32_t file,
			 uint64_t index)
{
	int rc;

	if (atomic_load(&engine->state) == SN_ENGINE_RUNNING)
		return -EBUSY;
	rc = sn_pump__json(engine, line, size, route, file, index);
	sn_ring__publish(engine->alerts);
	return rc;
}

static int is_blank(const char *line, size_t size)
{
	while (size && (line[size - 1] == ' ' || line[size - 1] == '\t' || line[size - 1] == '\r'))
		size--;
	return size == 0;
}

int64_t sn_engine__feed_lines(struct sn_engine *engine, const char *lines, size_t size, uint32_t route, uint32_t file,
			      uint64_t *index)
{
	const char *at = lines, *end = lines + size;
	struct sn_ring_stats alerts = {0};

	if (atomic_load(&engine->state) == SN_ENGINE_RUNNING)
		return -EBUSY;
	while (at < end && alerts.used <= engine->options.alert_bytes / 2) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
		uint64_t before = engine->stats.alerts;

		if (!is_blank(at, (size_t)(stop - at)))
			sn_pump__json(engine, at, (size_t)(stop - at), route, file, *index);
		++*index;
		at = newline ? newline + 1 : end;
		if (engine->stats.alerts == before)
			continue;
		sn_ring__publish(engine->alerts);
		sn_ring__stats(engine->alerts, &alerts);
	}
	return at - lines;
}

void sn_engine__stop(struct sn_engine *engine)
{
	atomic_store(&engine->stopping, 1);
	sn_ring__interrupt(engine->ring);
	sn_ring__interrupt(engine->alerts);
}

int sn_engine__wait(struct sn_engine *engine, int timeout_ms)
{
	return sn_ring__wait(engine->alerts, timeout_ms);
}

int64_t sn_engine__take(struct sn_engine *engine, void *buf, size_t size)
{
	size_t copied = 0, frame_size;
	const void *frame;

	while ((frame = sn_ring__peek(engine->alerts, &frame_size))) {
		if (frame_size > size - copied) {
			if (!copied)
				return -ENOSPC;
			break;
		}
		memcpy((uint8_t *)buf + copied, frame, frame_size);
		copied += frame_size;
		sn_ring__advance(engine->alerts);
	}
	sn_ring__release(engine->alerts);
	return (int64_t)copied;
}

/* sn_stats is whole numbers of 64 bits and nothing else. */
_Static_assert(sizeof(struct sn_stats) % sizeof(uint64_t) == 0, "copied word by word");

void sn_engine__stats(struct sn_engine *engine, struct sn_stats *out)
{
	const uint64_t *from = (const uint64_t *)&engine->stats;
	struct sn_writers_stats writers;
	struct sn_table_stats table;
	struct sn_ring_stats ring;

	for (size_t i = 0; i < sizeof(*out) / sizeof(*from); i++)
		((uint64_t *)out)[i] = __atomic_load_n(from + i, __ATOMIC_RELAXED);
	sn_ring__stats(engine->ring, &ring);
	out->ring_dropped = ring.dropped;
	out->ring_dropped_bytes = ring.dropped_bytes;
	sn_table__stats(engine->table, &table);
	out->table_entries = table.entries;
	out->table_bytes = table.bytes;
	out->table_evicted = table.evicted;
	out->table_exited = table.exited;
	out->table_unknown_parent = table.unknown_parent;
	sn_writers__stats(engine->files.writers, &writers);
	out->writers_forgotten = writers.forgotten;
	out->writers_nameless = writers.nameless;
	out->files_unsure = atomic_load_explicit(&engine->files.unsure, memory_order_relaxed);
	out->loads_own = atomic_load_explicit(&engine->files.own, memory_order_relaxed);
}

/* First ns of a bucket: the inverse of pump.c's bucket_of. */
static uint64_t bucket_floor(uint32_t bucket)
{
	uint32_t shift = bucket >> SN_FINE_BITS, low = bucket & ((1 << SN_FINE_BITS) - 1);

	return shift ? (uint64_t)(low | 1 << SN_FINE_BITS) << (shift - 1) : low;
}

uint64_t sn_engine__match_quantile(struct sn_engine *engine, double q)
{
	uint64_t total = 0, seen = 0, rank;

	if (!engine->match_fine)
		return 0;
	for (uint32_t i = 0; i < SN_FINE_BUCKETS; i++)
		total += __atomic_load_n(&engine->match_fine[i], __ATOMIC_RELAXED);
	q = q < 0 ? 0 : q > 1 ? 1 : q;
	rank = (uint64_t)(q * (double)total);
	for (uint32_t i = 0; i < SN_FINE_BUCKETS; i++) {
		seen += __atomic_load_n(&engine->match_fine[i], __ATOMIC_RELAXED);
		if (seen > rank || (seen == total && total))
			return bucket_floor(i);
	}
	return 0;
}

void sn_engine__time_rules(struct sn_engine *engine, uint32_t every)
{
	struct sn_loaded *loaded = engine->current;

	engine->time_rules = every;
	if (loaded)
		sn_costs__every(sn_matcher__costs(loaded->matcher), every);
}

uint32_t sn_engine__rule_costs(struct sn_engine *engine, struct sn_rule_cost *costs, uint32_t max)
{
	struct sn_loaded *loaded = engine->current;

	return loaded ? sn_costs__read(sn_matcher__costs(loaded->matcher), costs, max) : 0;
}

int sn_engine__explain(struct sn_engine *engine, struct sn_explanation *out)
{
	struct sn_loaded *loaded = engine->current;

	if (atomic_load(&engine->state) == SN_ENGINE_RUNNING)
		return -EBUSY;
	if (out && (!loaded || out->rule >= sn_rules__count(loaded->rules)))
		return -EINVAL;
	engine->explanation = out;
	return 0;
}

int64_t sn_engine__export(struct sn_engine *engine, uint64_t *cursor, void *buf, size_t size)
{
	size_t used = 0;

	for (;;) {
		uint64_t next = *cursor;
		const struct sn_process *process = sn_table__next(engine->table, &next);
		int64_t n;

		if (!process) {
			*cursor = 0;
			return (int64_t)used;
		}
		n = sn_table__export(engine->table, process, (uint8_t *)buf + used, size - used);
		if (n < 0)
			return used ? (int64_t)used : n;
		used += (size_t)n;
		*cursor = next;
	}
}
