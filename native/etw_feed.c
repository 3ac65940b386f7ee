/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_feed.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "engine.h"
#include "etw_line.h"
#include "etw_system.h"

enum {
	BATCH = 256,
	SLEEP_MS = 10, /* a producer that does not find the match thread asleep yet leaves it so long, at worst */
};
static const uint64_t wait_ns = 200000000; /* between the deliveries of two sessions */
/* A session's clock does not follow one that is set back: what is so far ahead of it waits for nothing. */
static const uint64_t ahead_ns = 1000000000;

static int new_join(struct sn_etw_feed *feed)
{
	feed->join = sn_etw_join__new(&(struct sn_etw_join_options){.actors = feed->actors,
								    .names = feed->names,
								    .wait_ns = wait_ns,
								    .command_line = sn_etw_system__command_line});
	feed->events = feed->latest = 0;
	return feed->join ? 0 : -ENOMEM;
}

int sn_etw_feed__new(struct sn_etw_feed *feed)
{
	feed->actors = sn_actors__new();
	feed->names = sn_etw_names__new();
	feed->line = malloc(SN_ETW_LINE_MAX);
	return feed->actors && feed->names && feed->line ? new_join(feed) : -ENOMEM;
}

void sn_etw_feed__free(struct sn_etw_feed *feed)
{
	sn_etw_join__free(feed->join);
	sn_etw_names__free(feed->names);
	sn_actors__free(feed->actors);
	free(feed->line);
}

int sn_etw_feed__forget(struct sn_etw_feed *feed)
{
	sn_actors__forget(feed->actors);
	if (!feed->events)
		return 0;
	sn_etw_join__free(feed->join);
	return new_join(feed);
}

/* ---- lanes ---- */

/* The one whose event is to be taken next: the earliest, unless it is to wait for one that may be earlier. A line is as
 * early as it came. */
static struct sn_etw_lane *next_lane(struct sn_etw_source *source, uint64_t now, int all)
{
	struct sn_etw_lane *next = NULL;
	const struct sn_header *line;
	uint64_t earliest = UINT64_MAX;
	int is_empty = 0;
	size_t size;

	for (uint32_t i = 0; i < source->lanes; i++) {
		const struct sn_header *h = sn_ring__peek(source->lane[i].ring, &size);

		is_empty |= !h;
		if (!h || h->time >= earliest)
			continue;
		earliest = h->time;
		next = &source->lane[i];
	}
	if (next && is_empty && !all && earliest + next->patience_ns > now && earliest <= now + ahead_ns)
		next = NULL;
	line = sn_ring__peek(source->lines.ring, &size);
	return line && (!next || line->time < earliest) ? &source->lines : next;
}

/* ---- events ---- */

const char *sn_etw_feed__line(struct sn_etw_feed *feed, const struct sn_etw_told *told, uint32_t *size)
{
	struct sn_writer w = {.at = feed->line, .end = feed->line + SN_ETW_LINE_MAX};

	sn_etw__write_line(&w, told);
	*size = (uint32_t)(w.at - feed->line);
	return feed->line;
}

static void release(struct sn_engine *engine)
{
	sn_pump__told(engine, sn_etw_join__release(engine->etw.join), engine->etw.file);
}

int sn_etw_feed__take(struct sn_engine *engine, const struct sn_etw *etw, uint32_t file, uint64_t index)
{
	struct sn_etw_feed *feed = &engine->etw;
	const struct sn_etw_told *told;
	struct sn_etw_event event = sn_etw_event__of(etw, index);
	int rc;

	feed->file = file;
	feed->events++;
	if (event.time > feed->latest)
		feed->latest = event.time;
	while (sn_etw_join__is_due(feed->join, feed->latest, event.size))
		release(engine);
	rc = sn_etw_join__take(feed->join, &event, &told);
	if (told)
		sn_pump__told(engine, told, file);
	return rc == -EBADMSG || rc == -ENOSYS ? -EBADMSG : 0;
}

uint32_t sn_etw_feed__pump(struct sn_engine *engine, int all)
{
	struct sn_etw_source *source = engine->etw.source;
	struct sn_etw_lane *lane;
	uint32_t n = 0;
	uint64_t now;
	size_t size;

	if (!source)
		return 0;
	now = sn_clock__epoch();
	while (n < BATCH && (lane = next_lane(source, now, all))) {
		const void *record = sn_ring__peek(lane->ring, &size);

		sn_pump__record(engine, record, size, 0, engine->stats.received);
		sn_ring__advance(lane->ring);
		n++;
	}
	for (uint32_t i = 0; n && i < source->lanes; i++)
		sn_ring__release(source->lane[i].ring);
	sn_ring__release(source->lines.ring);
	while (sn_etw_join__is_due(engine->etw.join, now, 0))
		release(engine);
	sn_ring__publish(engine->alerts);
	return n;
}

void sn_etw_feed__flush(struct sn_engine *engine)
{
	while (sn_etw_join__is_waiting(engine->etw.join))
		release(engine);
	sn_ring__publish(engine->alerts);
}

int sn_etw_feed__patience(const struct sn_engine *engine, int most)
{
	return engine->etw.source && most > SLEEP_MS ? SLEEP_MS : most;
}
