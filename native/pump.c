/* SPDX-License-Identifier: Apache-2.0
 *
 * The match thread: one loop from the ring to the alert ring. Nothing here allocates, locks or waits for a reader.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "engine.h"
#include "load_events.h"
#include "wait.h"

enum {
	BATCH = 256,	/* records leased at once: their room goes back to the producer together */
	IDLE_MS = 1000, /* the longest sleep: nothing depends on it */
};

uint64_t sn_pump__clock_if(const struct sn_engine *engine)
{
	return engine->match_fine ? sn_clock__now() : 0;
}

static uint32_t log2_of(uint64_t value)
{
	return 63 - (uint32_t)__builtin_clzll(value | 1);
}

/* Linear below 2^SN_FINE_BITS, then 2^SN_FINE_BITS buckets a power of two. */
static uint32_t bucket_of(uint64_t ns)
{
	uint32_t power = log2_of(ns);

	if (power < SN_FINE_BITS)
		return (uint32_t)ns;
	return ((power - SN_FINE_BITS + 1) << SN_FINE_BITS) |
	       (uint32_t)(ns >> (power - SN_FINE_BITS) & ((1 << SN_FINE_BITS) - 1));
}

/* `begin` decode `middle` match `end`, all from sn_pump__clock_if. */
static void count_time(struct sn_engine *engine, uint64_t begin, uint64_t middle, uint64_t end)
{
	struct sn_stats *stats = &engine->stats;
	uint64_t ns = end - middle;

	if (!engine->match_fine)
		return;
	sn_count(&stats->decode_ns_sum, middle - begin);
	sn_count(&stats->match_ns_sum, ns);
	sn_count(&stats->match_hist[log2_of(ns)], 1);
	sn_count(&engine->match_fine[bucket_of(ns)], 1);
	if (ns > stats->match_ns_max)
		__atomic_store_n(&stats->match_ns_max, ns, __ATOMIC_RELAXED);
}

static void adopt(struct sn_engine *engine)
{
	struct sn_loaded *pending;

	if (!atomic_load_explicit(&engine->pending, memory_order_relaxed))
		return;
	pending = atomic_exchange(&engine->pending, NULL);
	if (!pending)
		return;
	engine->current = pending;
	atomic_fetch_add(&engine->adopted, 1);
	sn_wait__wake(&engine->adopted);
}

/* Takes hits of rules that an earlier route has already brought out of hits[known, known + found). */
static uint32_t drop_known(struct sn_hit *hits, uint32_t known, uint32_t found)
{
	uint32_t kept = known;

	for (uint32_t i = known; i < known + found; i++) {
		uint32_t j = 0;

		while (j < known && hits[j].rule != hits[i].rule)
			j++;
		if (j == known)
			hits[kept++] = hits[i];
	}
	return kept;
}

/* Behind the verdict, so that it costs an event nothing else. */
static void explain(struct sn_engine *engine, const uint32_t *route, uint32_t routes)
{
	struct sn_loaded *loaded = engine->current;

	engine->explanation->routed = 0;
	for (uint32_t i = 0; i < routes && !engine->explanation->routed; i++) {
		loaded->values->event.route = route[i];
		sn_matcher__explain(loaded->matcher, &loaded->values->event, engine->explanation);
	}
}

uint32_t sn_pump__judge(struct sn_engine *engine, const uint32_t *route, uint32_t routes, uint64_t begin)
{
	struct sn_loaded *loaded = engine->current;
	uint64_t middle = sn_pump__clock_if(engine);
	uint32_t hits = 0;

	for (uint32_t i = 0; i < routes; i++) {
		uint32_t found;

		struct sn_effort effort;

		loaded->values->event.route = route[i];
		found = sn_matcher__judge(loaded->matcher, loaded->rules, &loaded->values->event, loaded->hits + hits,
					  loaded->hits_max - hits);
		effort = sn_matcher__effort(loaded->matcher);
		sn_count(&engine->stats.candidates, effort.candidates);
		if (effort.regex_bounds)
			sn_count(&engine->stats.regex_bounds, effort.regex_bounds);
		hits = drop_known(loaded->hits, hits, found);
	}
	count_time(engine, begin, middle, sn_pump__clock_if(engine));
	if (engine->explanation)
		explain(engine, route, routes);
	return hits;
}

void sn_pump__conclude(struct sn_engine *engine, uint32_t hits)
{
	sn_count(&engine->stats.judged, 1);
	if (hits)
		sn_count(&engine->stats.matched_events, 1);
}

void sn_pump__alert(struct sn_engine *engine, const struct sn_origin *origin, const struct sn_scene *scene,
		    uint32_t hits)
{
	sn_pump__conclude(engine, hits);
	if (hits)
		sn_frame__send(engine, sn_frame__build(engine, origin, scene->proxy), scene, engine->current->hits,
			       hits);
}

/* Who mapped a file, and what is known of both. */
static void look_at_load(struct sn_engine *engine, const struct sn_load *load, struct sn_scene *scene)
{
	const struct sn_process *process = sn_table__find(engine->table, load->h.pid, load->h.start);

	if (load->h.flags & SN_F_UNSURE || !process ||
	    sn_table__export(engine->table, process, engine->process, sizeof(engine->process)) < 0)
		return;
	scene->own = (const struct sn_exec *)engine->process;
	if (engine->enrichment)
		sn_enrichment__look_at_load(engine, load, scene);
}

/* What an exec is seen with beside itself. */
static void look_at(struct sn_engine *engine, const struct sn_exec *exec, struct sn_scene *scene)
{
	const struct sn_loaded *loaded = engine->current;

	if (loaded && loaded->rules->count[SN_GRAMMARS])
		scene->grammars = &loaded->rules->grammars;
	if (engine->enrichment)
		sn_enrichment__look(engine, exec, scene);
	if (scene->grammars)
		scene->proxy = sn_proxies__see(engine->proxies, scene->grammars, exec, scene->identity);
	if (engine->enrichment)
		sn_enrichment__look_at_payload(exec, scene);
}

uint32_t sn_pump__again(struct sn_engine *engine, const struct sn_header *record, const struct sn_scene *scene)
{
	struct sn_loaded *loaded = engine->current;
	uint32_t route = sn_view__route(loaded->view, record->type);
	uint64_t begin = sn_pump__clock_if(engine);

	if (route == (uint32_t)SN_NO_FIELD)
		return 0;
	sn_view__fill(loaded->view, loaded->values, scene, record);
	return sn_pump__judge(engine, &route, 1, begin);
}

/* The loss account; -EINVAL for a CPU that cannot be. */
static int account(struct sn_engine *engine, const struct sn_header *h)
{
	int64_t rc;

	if (h->cpu == SN_CPU_NONE)
		return 0;
	if (h->type == SN_LOSS)
		rc = sn_evidence__missing(engine->evidence, h->cpu, h->seq, ((const struct sn_loss *)h)->count,
					  h->time);
	else
		rc = sn_evidence__arrived(engine->evidence, h->cpu, h->seq, h->time);
	if (rc == -EALREADY)
		sn_count(&engine->stats.seq_late, 1);
	if (rc)
		__atomic_store_n(&engine->stats.seq_lost, sn_evidence__total(engine->evidence), __ATOMIC_RELAXED);
	return rc == -EINVAL ? -EINVAL : 0;
}

static void record(struct sn_engine *engine, const void *bytes, size_t size)
{
	if (!engine->recording)
		return;
	if (sn_recording__append(engine->recording, bytes, size)) {
		sn_count(&engine->stats.record_failed, 1);
		return;
	}
	sn_count(&engine->stats.recorded, 1);
	sn_count(&engine->stats.recorded_bytes, size);
}

/* Who connected where, and who wrote what. */
static void remember(struct sn_engine *engine, const struct sn_header *h)
{
	struct sn_file_events *files = &engine->files;

	switch (h->type) {
	case SN_CONNECT:
	case SN_CONNECT_RESULT:
	case SN_SOCKET:
		sn_connections__see(files->connections, engine->table, (const struct sn_connect *)h);
		break;
	case SN_FILE:
		sn_writers__see(files->writers, engine->table, files->connections, (const struct sn_file *)h);
		break;
	default:
		break;
	}
}

int sn_pump__record(struct sn_engine *engine, const void *bytes, size_t size, uint32_t file, uint64_t index)
{
	const struct sn_header *h = bytes;
	struct sn_loaded *loaded = engine->current;
	struct sn_origin origin = {bytes, (uint32_t)size, SN_PAYLOAD_RECORD, h, file, index, 0, NULL};
	struct sn_scene scene = {.users = engine->users, .table = engine->table};
	uint64_t begin;
	uint32_t route, hits;

	sn_count(&engine->stats.received, 1);
	if (sn_record__check(bytes, size) || account(engine, h)) {
		sn_count(&engine->stats.malformed, 1);
		return -EBADMSG;
	}
	sn_count(&engine->stats.by_type[h->type], 1);
	record(engine, bytes, size);
	if (h->type == SN_LINE)
		return sn_pump__line_record(engine, bytes, file, index);
	if (h->type == SN_ETW && sn_etw_feed__take(engine, bytes, file, index)) {
		sn_count(&engine->stats.malformed, 1);
		return -EBADMSG;
	}
	sn_count(&engine->stats.decoded, 1);
	if (h->type == SN_ETW)
		return 0;
	if (h->type == SN_EXEC)
		sn_writers__exec(engine->files.writers, engine->table, (const struct sn_exec *)h);
	if (h->type == SN_EXIT)
		sn_writers__exit(engine->files.writers, engine->table, (const struct sn_exit *)h);
	sn_table__apply(engine->table, h);
	remember(engine, h);
	if (h->type == SN_FORK)
		sn_proxies__fork(engine->proxies, (const struct sn_fork *)h);
	if (h->type == SN_EXEC)
		look_at(engine, (const struct sn_exec *)h, &scene);
	if (h->type == SN_LOAD)
		look_at_load(engine, (const struct sn_load *)h, &scene);
	route = loaded ? sn_view__route(loaded->view, h->type) : (uint32_t)SN_NO_FIELD;
	if (route == (uint32_t)SN_NO_FIELD)
		return 0;
	begin = sn_pump__clock_if(engine);
	sn_view__fill(loaded->view, loaded->values, &scene, h);
	hits = sn_pump__judge(engine, &route, 1, begin);
	if (engine->enrichment && sn_enrichment__holds(engine, &origin, &scene, hits))
		return 0;
	sn_pump__alert(engine, &origin, &scene, hits);
	return 0;
}

/* What other sources saw before `until`. */
static uint32_t pump_others(struct sn_engine *engine, uint64_t until)
{
	return sn_file_events__pump(engine, until) + sn_load_events__pump(engine, until);
}

/* One batch; the count of records, 0 when there was none. */
static uint32_t pump_batch(struct sn_engine *engine)
{
	uint32_t n = 0;
	const void *bytes;
	size_t size;

	while (n < BATCH && (bytes = sn_ring__peek(engine->ring, &size))) {
		adopt(engine);
		pump_others(engine, ((const struct sn_header *)bytes)->time);
		sn_pump__record(engine, bytes, size, 0, engine->stats.received);
		sn_ring__advance(engine->ring);
		n++;
	}
	if (n) {
		sn_ring__release(engine->ring);
		sn_ring__publish(engine->alerts);
	}
	return n;
}

int sn_engine__run(struct sn_engine *engine)
{
	uint32_t idle = SN_ENGINE_IDLE;

	/* a swap from another thread holds the state for a few instructions only */
	while (!atomic_compare_exchange_weak(&engine->state, &idle, SN_ENGINE_RUNNING)) {
		if (idle == SN_ENGINE_RUNNING)
			return -EBUSY;
		idle = SN_ENGINE_IDLE;
	}
	sn_table__touch(engine->table);
	for (;;) {
		/* asked first: what was pushed before the stop is then in the ring and judged below */
		uint32_t stopping = atomic_load(&engine->stopping), n;
		uint64_t drained = atomic_load(&engine->files.drained), captured = atomic_load(&engine->files.captured);

		sn_engine__answer(engine);
		n = pump_batch(engine);
		n += sn_etw_feed__pump(engine, stopping != 0);
		sn_enrichment__settle(engine, false);
		if (n)
			continue;
		if (pump_others(engine, stopping ? UINT64_MAX : captured)) {
			sn_ring__publish(engine->alerts);
			continue;
		}
		sn_file_events__settle(engine, drained);
		adopt(engine);
		if (stopping)
			break;
		if (engine->recording)
			sn_recording__flush(engine->recording);
		sn_ring__wait(engine->ring, sn_etw_feed__patience(engine, sn_enrichment__patience(engine, IDLE_MS)));
	}
	sn_etw_feed__flush(engine);
	sn_enrichment__settle(engine, true);
	if (engine->recording)
		sn_recording__flush(engine->recording);
	atomic_store(&engine->stopping, 0);
	atomic_store(&engine->state, SN_ENGINE_IDLE);
	sn_ring__interrupt(engine->alerts);
	return 0;
}
