/* SPDX-License-Identifier: Apache-2.0
 *
 * Events that are no records of our own on the match thread: JSON lines, fed or recorded, and Windows' events.
 */
#include <errno.h>

#include "actor_told.h"
#include "engine.h"

void sn_pump__see(struct sn_engine *engine, const struct sn_routes *routes, struct sn_win_files *files)
{
	struct sn_loaded *loaded = engine->current;
	struct sn_actors *actors = engine->etw.actors;

	files->starts = routes->starts && loaded->windows;
	if (files->starts && !files->actor)
		files->actor = sn_actor_events__find(actors, &loaded->actors, loaded->values, files->time);
	if (engine->enrichment)
		sn_win_enrichment__look(engine, routes, files);
	if (files->starts)
		sn_win_view__fill(loaded->windows, loaded->values, actors, files->actor);
	if (engine->enrichment)
		sn_win_enrichment__look_at_payload(engine, files);
}

uint32_t sn_pump__values(struct sn_engine *engine, const struct sn_routes *routes, struct sn_win_files *files,
			 struct sn_scene *scene, uint64_t begin)
{
	struct sn_loaded *loaded = engine->current;
	struct sn_actors *actors = engine->etw.actors;
	uint32_t hits = sn_pump__judge(engine, routes->route, routes->count, begin);

	if (hits && !files->actor)
		files->actor = sn_actor_events__find(actors, &loaded->actors, loaded->values, files->time);
	if (hits && files->starts) {
		scene->proxy = sn_win_view__proxy(loaded->windows, loaded->values, actors, files->actor);
		scene->renamed = sn_win_view__renamed(loaded->windows);
	}
	return hits;
}

uint32_t sn_pump__news(struct sn_engine *engine, const struct sn_win_files *files, uint32_t hits)
{
	struct sn_loaded *loaded = engine->current;
	uint32_t left;

	if (!hits || !files->starts || !files->actor || !files->time)
		return hits;
	left = sn_actor_told__drop(engine->etw.actors, files->actor, loaded->generation, loaded->hits, hits);
	sn_count(&engine->stats.alerts_again, hits - left);
	return left;
}

/* The line of an event that was told, once it is needed. */
static void write_line(struct sn_engine *engine, struct sn_origin *origin, const struct sn_etw_told *told)
{
	if (told && !origin->payload)
		origin->payload = sn_etw_feed__line(&engine->etw, told, &origin->payload_size);
}

/* Whether the event waits for what was asked. */
static bool is_held(struct sn_engine *engine, struct sn_origin *origin, const struct sn_etw_told *told,
		    const struct sn_win_files *files, const uint64_t question[2])
{
	write_line(engine, origin, told);
	origin->actor = files->actor;
	return sn_enrichment__hold(engine, sn_frame__build(engine, origin, NULL), false, question);
}

static void judge_seen(struct sn_engine *engine, struct sn_origin *origin, const struct sn_routes *routes,
		       struct sn_win_files *files, const struct sn_etw_told *told, uint64_t begin)
{
	struct sn_scene scene = {0};
	uint64_t question[2];
	uint32_t hits = sn_pump__values(engine, routes, files, &scene, begin);

	if (sn_win_enrichment__asks(engine, files, &scene, hits, question) &&
	    is_held(engine, origin, told, files, question))
		return;
	if (hits)
		write_line(engine, origin, told);
	origin->actor = files->actor;
	sn_pump__alert(engine, origin, &scene, sn_pump__news(engine, files, hits));
}

/* Judges what loaded->values hold. `actor`: who starts in it, NULL: nobody, or it is to be asked. `told`: an event that
 * has no line yet; it is written for alerts, and to wait. */
static void judge_values(struct sn_engine *engine, struct sn_origin *origin, const struct sn_routes *routes,
			 struct sn_actor *actor, const struct sn_etw_told *told, uint64_t begin)
{
	struct sn_win_files files = {.time = origin->time, .actor = actor};
	uint64_t question[2];

	sn_pump__see(engine, routes, &files);
	if (!sn_win_enrichment__asks_first(engine, &files, question) ||
	    !is_held(engine, origin, told, &files, question))
		judge_seen(engine, origin, routes, &files, told, begin);
	if (files.starts && files.actor)
		sn_win_view__keep(engine->current->windows, engine->etw.actors, files.actor);
}

/* Decodes a line and judges it; `begin` from sn_pump__clock_if. 0 or -EBADMSG. */
static int judge_line(struct sn_engine *engine, struct sn_origin *origin, uint32_t route, uint64_t begin)
{
	struct sn_loaded *loaded = engine->current;
	struct sn_routes routes;
	struct sn_actor *actor;

	if (sn_ndjson__decode(loaded->ndjson, origin->payload, origin->payload_size, route, loaded->values, &routes))
		return -EBADMSG;
	actor = sn_actor_events__learn(engine->etw.actors, &loaded->actors, loaded->values, &routes, origin->time);
	if (routes.count)
		judge_values(engine, origin, &routes, actor, NULL, begin);
	sn_actor_events__end(engine->etw.actors, &loaded->actors, loaded->values, &routes, origin->time);
	return 0;
}

/* Counts and judges one. 0 or -EBADMSG. */
static int take_line(struct sn_engine *engine, struct sn_origin *origin, uint32_t route, uint64_t begin)
{
	if (engine->current && judge_line(engine, origin, route, begin)) {
		sn_count(&engine->stats.malformed, 1);
		return -EBADMSG;
	}
	sn_count(&engine->stats.decoded, 1);
	return 0;
}

int sn_pump__line_record(struct sn_engine *engine, const struct sn_line *line, uint32_t file, uint64_t index)
{
	struct sn_origin origin = {(const char *)line + line->text.off,
				   line->text.len,
				   SN_PAYLOAD_JSON,
				   NULL,
				   file,
				   index,
				   line->h.time,
				   NULL};

	return take_line(engine, &origin, UINT32_MAX, sn_pump__clock_if(engine));
}

void sn_pump__told(struct sn_engine *engine, const struct sn_etw_told *told, uint32_t file)
{
	struct sn_origin origin = {
		.payload_type = SN_PAYLOAD_JSON, .file = file, .index = told->index, .time = told->time};
	uint64_t begin = sn_pump__clock_if(engine);
	struct sn_routes routes;

	if (!engine->current)
		return;
	sn_etw_view__fill(engine->current->etw, engine->current->values, told, &routes);
	if (routes.count)
		judge_values(engine, &origin, &routes, routes.starts ? told->process : NULL, told, begin);
}

void sn_pump__traced(struct sn_engine *engine, const struct sn_traced *traced, uint32_t file, uint64_t index)
{
	struct sn_origin origin = {.payload = traced->line,
				   .payload_size = traced->line_size,
				   .payload_type = SN_PAYLOAD_JSON,
				   .file = file,
				   .index = index,
				   .time = traced->line_time};
	struct sn_etw_told numbered;

	sn_count(&engine->stats.received, 1);
	if (traced->line) {
		take_line(engine, &origin, UINT32_MAX, sn_pump__clock_if(engine));
		return;
	}
	sn_count(traced->told ? &engine->stats.decoded : &engine->stats.malformed, 1);
	if (!traced->told)
		return;
	numbered = *traced->told;
	numbered.index = index;
	sn_pump__told(engine, &numbered, file);
}

int sn_pump__json(struct sn_engine *engine, const char *line, size_t size, uint32_t route, uint32_t file,
		  uint64_t index)
{
	struct sn_origin origin = {line, (uint32_t)size, SN_PAYLOAD_JSON, NULL, file, index, 0, NULL};
	uint64_t begin = sn_pump__clock_if(engine);
	int64_t own;

	if (!engine->current)
		return -ENOENT;
	if (route & SN_ROUTE_OTHERWISE) {
		own = sn_record__parse(line, size, engine->record, sizeof(engine->record));
		if (own > 0)
			return sn_pump__record(engine, engine->record, (size_t)own, file, index);
	}
	sn_count(&engine->stats.received, 1);
	return take_line(engine, &origin, route, begin);
}
