/* SPDX-License-Identifier: Apache-2.0
 *
 * Events that come as JSON lines on the match thread: fed, recorded, or made of an event of Windows.
 */
#include <errno.h>

#include "engine.h"

/* Decodes a line and judges it; `begin` from sn_pump__clock_if. 0 or -EBADMSG. */
static int judge_line(struct sn_engine *engine, const struct sn_origin *origin, uint32_t route, uint64_t begin)
{
	struct sn_loaded *loaded = engine->current;
	struct sn_origin known = *origin;
	struct sn_scene scene = {0};
	struct sn_routes routes;
	uint32_t hits;
	bool starts;

	if (sn_ndjson__decode(loaded->ndjson, origin->payload, origin->payload_size, route, loaded->values, &routes))
		return -EBADMSG;
	sn_actor_events__learn(engine->etw.actors, &loaded->actors, loaded->values, &routes);
	if (!routes.count)
		return 0;
	starts = routes.starts && loaded->windows;
	if (starts)
		sn_win_view__fill(loaded->windows, loaded->values);
	hits = sn_pump__judge(engine, routes.route, routes.count, begin);
	if (hits)
		known.actor = sn_actor_events__find(engine->etw.actors, &loaded->actors, loaded->values, origin->time);
	if (hits && starts) {
		scene.proxy = sn_win_view__proxy(loaded->windows, loaded->values);
		scene.renamed = sn_win_view__renamed(loaded->windows);
	}
	sn_pump__alert(engine, &known, &scene, hits);
	return 0;
}

/* Counts and judges one. 0 or -EBADMSG. */
static int take_line(struct sn_engine *engine, const struct sn_origin *origin, uint32_t route, uint64_t begin)
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

void sn_pump__line(struct sn_engine *engine, const char *line, size_t size, uint64_t time, uint32_t file,
		   uint64_t index)
{
	struct sn_origin origin = {.payload = line,
				   .payload_size = (uint32_t)size,
				   .payload_type = SN_PAYLOAD_JSON,
				   .file = file,
				   .index = index,
				   .time = time};

	if (engine->current)
		judge_line(engine, &origin, UINT32_MAX, sn_pump__clock_if(engine));
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
