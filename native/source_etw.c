/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_etw_source (etw_source.h). Windows calls back on a thread a session, and a ring has one producer: so each
 * session has a ring, and the match thread looks at all of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "engine.h"
#include "etw_record.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct sn_event_record) == 112, "as on Windows");

/* ---- life ---- */

static int open_lane(struct sn_etw_source *source, struct sn_etw_lane *lane, uint32_t patience_ms)
{
	int rc = sn_ring__new(SN_ETW_LANE_BYTES, &lane->ring);

	lane->engine = source->engine;
	lane->patience_ns = patience_ms * 1000000ull;
	return rc;
}

int sn_etw_source__new(struct sn_engine *engine, struct sn_etw_source **out)
{
	struct sn_etw_source *source;

	if (atomic_load(&engine->state) == SN_ENGINE_RUNNING)
		return -EBUSY;
	if (engine->etw.source)
		return -EEXIST;
	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->engine = engine;
	if (open_lane(source, &source->lines, 0)) {
		free(source);
		return -ENOMEM;
	}
	engine->etw.source = source;
	*out = source;
	return 0;
}

void sn_etw_source__free(struct sn_etw_source *source)
{
	if (!source)
		return;
	source->engine->etw.source = NULL;
	sn_ring__free(source->lines.ring);
	for (uint32_t i = 0; i < source->lanes; i++)
		sn_ring__free(source->lane[i].ring);
	free(source);
}

void *sn_etw_source__lane(struct sn_etw_source *source, uint32_t patience_ms)
{
	struct sn_etw_lane *lane = &source->lane[source->lanes];

	if (atomic_load(&source->engine->state) == SN_ENGINE_RUNNING || source->lanes == SN_ETW_LANES_MAX ||
	    open_lane(source, lane, patience_ms))
		return NULL;
	source->lanes++;
	return lane;
}

/* ---- events ---- */

static void show(struct sn_etw_lane *lane)
{
	sn_ring__publish(lane->ring);
	sn_ring__nudge(sn_engine__ring(lane->engine));
}

/* With zeros up to a multiple of 8: what stood in the ring before is nobody's business. */
static void fill(void *to, const void *from, size_t size)
{
	memset((uint8_t *)to + size, 0, -size & 7);
	if (size)
		memcpy(to, from, size);
}

static void push(struct sn_etw_lane *lane, const struct sn_event_record *record, int provider, uint16_t id)
{
	struct sn_etw_provider_stats *stats = &lane->provider[provider];
	uint32_t size = (uint32_t)sizeof(struct sn_etw) + ((record->user_data_length + 7u) & ~7u);
	struct sn_etw *etw;

	if (size > SN_RECORD_MAX) {
		sn_count(&stats->oversized, 1);
		return;
	}
	etw = sn_ring__reserve(lane->ring, size);
	if (!etw) {
		sn_count(&stats->dropped, 1);
		return;
	}
	*etw = (struct sn_etw){
		.h = {.size = size,
		      .type = SN_ETW,
		      .cpu = SN_CPU_NONE,
		      .time = sn_etw__filetime_ns(record->time_stamp),
		      .pid = record->process_id},
		.tid = record->thread_id,
		.id = id,
		.version = record->version,
		.classic = (uint16_t)sn_etw__is_classic((enum sn_etw_provider)provider),
		.pointer = record->flags & SN_ETW_32_BIT ? 4 : 8,
		.data = {sizeof(*etw), record->user_data_length},
	};
	memcpy(etw->provider, &record->provider, sizeof(etw->provider));
	fill(etw + 1, record->user_data, record->user_data_length);
	sn_ring__commit(lane->ring, size);
	show(lane);
	sn_count(&stats->recorded, 1);
}

void sn_etw_event_record(void *event_record)
{
	enum { LOST_EVENT = 32 };
	const struct sn_event_record *record = event_record;
	struct sn_etw_lane *lane = record->user_context;
	int provider = sn_etw__provider_of(&record->provider);
	uint16_t id = record->id;

	if (provider >= 0 && sn_etw__is_classic((enum sn_etw_provider)provider))
		id = record->opcode;
	sn_count(&lane->received, 1);
	if (provider >= 0 && sn_etw__reads((enum sn_etw_provider)provider, id)) {
		push(lane, record, provider, id);
		return;
	}
	sn_count(&lane->filtered, 1);
	if (provider == SN_ETW_LOST_EVENT)
		sn_count(record->opcode == LOST_EVENT ? &lane->lost_events : &lane->lost_buffers, 1);
}

uintptr_t sn_etw_source__callback(void)
{
	return (uintptr_t)sn_etw_event_record;
}

/* A line that is not recorded is an event of no provider. */
int sn_etw_source__line(struct sn_etw_source *source, const char *json, size_t size)
{
	struct sn_etw_lane *lane = &source->lines;
	struct sn_line *line = NULL;
	size_t whole = sizeof(*line) + ((size + 7) & ~(size_t)7);

	if (size <= SN_RECORD_MAX && whole <= SN_RECORD_MAX)
		line = sn_ring__reserve(lane->ring, whole);
	if (!line) {
		sn_count(&lane->received, 1);
		sn_count(whole > SN_RECORD_MAX ? &lane->provider[0].oversized : &lane->provider[0].dropped, 1);
		return whole > SN_RECORD_MAX ? -E2BIG : -ENOBUFS;
	}
	*line = (struct sn_line){
		.h = {.size = (uint32_t)whole, .type = SN_LINE, .cpu = SN_CPU_NONE, .time = sn_clock__epoch()},
		.text = {sizeof(*line), (uint32_t)size},
	};
	fill(line + 1, json, size);
	sn_ring__commit(lane->ring, whole);
	show(lane);
	sn_count(&lane->provider[0].recorded, 1);
	return 0;
}

/* ---- counts ---- */

static uint64_t load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void add_provider(const struct sn_etw_lane *lane, uint32_t number, struct sn_etw_provider_stats *out)
{
	out->recorded += load(&lane->provider[number].recorded);
	out->dropped += load(&lane->provider[number].dropped);
	out->oversized += load(&lane->provider[number].oversized);
}

const char *sn_etw_source__provider(const struct sn_etw_source *source, uint32_t number,
				    struct sn_etw_provider_stats *out)
{
	if (number >= SN_ETW_PROVIDERS)
		return NULL;
	*out = (struct sn_etw_provider_stats){0};
	for (uint32_t i = 0; i < source->lanes; i++)
		add_provider(&source->lane[i], number, out);
	return sn_etw__provider_name((enum sn_etw_provider)number);
}

void sn_etw_source__stats(const struct sn_etw_source *source, struct sn_etw_source_stats *out)
{
	struct sn_etw_provider_stats sum = {0}, lines = {0};

	*out = (struct sn_etw_source_stats){.received = load(&source->lines.received)};
	for (uint32_t i = 0; i < source->lanes; i++) {
		const struct sn_etw_lane *lane = &source->lane[i];

		out->received += load(&lane->received);
		out->filtered += load(&lane->filtered);
		out->lost_events += load(&lane->lost_events);
		out->lost_buffers += load(&lane->lost_buffers);
		for (uint32_t number = 0; number < SN_ETW_PROVIDERS; number++)
			add_provider(lane, number, &sum);
	}
	add_provider(&source->lines, 0, &lines);
	out->recorded = sum.recorded;
	out->lines = lines.recorded;
	out->dropped = sum.dropped + lines.dropped;
	out->oversized = sum.oversized + lines.oversized;
}

/* What it points to is counted by the match thread alone. */
void sn_engine__etw_decoding(const struct sn_engine *engine, struct sn_etw_decoding *out)
{
	const struct sn_etw_join_stats *join = sn_etw_join__stats(engine->etw.join);
	const struct sn_actors_stats *actors = sn_actors__stats(engine->etw.actors);
	const struct sn_etw_keys_stats *keys = sn_etw_join__keys(engine->etw.join);

	*out = (struct sn_etw_decoding){.told = load(&join->told),
					.joined = load(&join->joined),
					.unknown_version = load(&join->unknown_version),
					.broken = load(&join->broken),
					.process_unknown = load(&join->process_unknown),
					.parent_unknown = load(&join->parent_unknown),
					.key_unknown = load(&join->key_unknown),
					.forgotten = load(&actors->forgotten),
					.too_long = load(&actors->too_long) + load(&keys->too_long),
					.starts_hurried = load(&join->hurried),
					.keys_forgotten = load(&keys->forgotten),
					.names_refused = sn_etw_names__refused(engine->etw.names),
					.hosts_forgotten = load(&join->hosts_forgotten)};
}

/* ---- names ---- */

int sn_engine__set_path(struct sn_engine *engine, const char *from, const char *to)
{
	return sn_etw_names__set_path(engine->etw.names, from, to);
}

int sn_engine__set_account(struct sn_engine *engine, const char *sid, const char *name)
{
	return sn_etw_names__set_account(engine->etw.names, sid, name);
}

int64_t sn_engine__unknown_account(struct sn_engine *engine, char *buf, size_t size)
{
	return sn_etw_names__unknown(engine->etw.names, buf, size);
}
