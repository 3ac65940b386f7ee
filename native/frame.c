/* SPDX-License-Identifier: Apache-2.0
 *
 * Alert frames: the event, who it was and who made them, for the reader. Built once an event, then sent once a hit.
 */
#include <errno.h>
#include <string.h>

#include "actor_events.h"
#include "engine.h"

/* Puts the process and its ancestors behind the event, as many as there is room for; returns the frame's size. */
static size_t add_lineage(struct sn_engine *engine, const struct sn_header *record, size_t used)
{
	struct sn_alert *alert = (struct sn_alert *)engine->frame;
	const struct sn_process *process = sn_table__find(engine->table, record->pid, record->start);
	/* an event that waits is judged again with what its frame has */
	const uint32_t max = engine->options.lineage_max ? engine->options.lineage_max : engine->enrichment != NULL;
	int64_t n;
	int rc;

	if (!process || record->flags & SN_F_UNSURE)
		return used;
	n = sn_table__export(engine->table, process, engine->frame + used, engine->frame_max - used);
	if (n < 0)
		return used;
	alert->process_size = (uint32_t)n;
	used += (size_t)n;
	while ((rc = sn_table__parent(engine->table, process, &process)) == 1) {
		if (alert->lineage == max)
			return used;
		n = sn_table__export(engine->table, process, engine->frame + used, engine->frame_max - used);
		if (n < 0)
			return used;
		alert->lineage++;
		used += (size_t)n;
	}
	alert->lineage_complete = rc == 0;
	return used;
}

/* The same of an event that came as JSON. */
static size_t add_actors(struct sn_engine *engine, const struct sn_actor *actor, size_t used)
{
	struct sn_alert *alert = (struct sn_alert *)engine->frame;
	struct sn_actors *actors = engine->etw.actors;
	const struct sn_actor *last = actor;
	size_t size = sn_actor_events__write(actors, actor, engine->frame + used, engine->frame_max - used);

	alert->process_size = (uint32_t)size;
	while (size && alert->lineage < engine->options.lineage_max && (actor = sn_actors__parent(actors, actor))) {
		used += size;
		size = sn_actor_events__write(actors, actor, engine->frame + used, engine->frame_max - used);
		alert->lineage += size != 0;
		last = actor;
	}
	alert->lineage_complete = size && sn_actors__is_root(actors, last);
	return used + size;
}

size_t sn_frame__build(struct sn_engine *engine, const struct sn_origin *origin, const struct sn_proxy *proxy)
{
	struct sn_alert *alert = (struct sn_alert *)engine->frame;
	size_t padded = (origin->payload_size + 7u) & ~(size_t)7, used = sizeof(*alert) + padded;

	if (used > engine->frame_max)
		return 0;
	*alert = (struct sn_alert){.file = origin->file,
				   .payload = origin->payload_type,
				   .index = origin->index,
				   .time = origin->time,
				   .event_size = origin->payload_size,
				   .lost_any = sn_evidence__total(engine->evidence)};
	memcpy(alert + 1, origin->payload, origin->payload_size);
	memset((uint8_t *)(alert + 1) + origin->payload_size, 0, padded - origin->payload_size);
	if (origin->record) {
		alert->lost_total = sn_evidence__lost(engine->evidence, origin->record->cpu);
		alert->lost_recent = sn_evidence__recent(engine->evidence, origin->record->cpu, origin->record->time);
		used = add_lineage(engine, origin->record, used);
	}
	if (origin->actor)
		used = add_actors(engine, origin->actor, used);
	return sn_frame__put_proxy(engine, used, proxy);
}

size_t sn_frame__put_proxy(struct sn_engine *engine, size_t used, const struct sn_proxy *proxy)
{
	struct sn_alert *alert = (struct sn_alert *)engine->frame;

	used -= alert->proxy_size;
	alert->proxy_size =
		proxy ? (uint32_t)sn_proxy__write(proxy, engine->frame + used, engine->frame_max - used) : 0;
	return used + alert->proxy_size;
}

/* Behind all else: the size; 0: nobody looks, or there is no room. */
static uint32_t put_facts(struct sn_engine *engine, size_t used, const struct sn_facts *facts)
{
	if (!facts || facts->state == SN_FACTS_NONE || facts->size > engine->frame_max - used)
		return 0;
	memcpy(engine->frame + used, facts, facts->size);
	return facts->size;
}

/* While alerts come faster than they are taken, those that say what could not be told leave half of the room to those
 * that say what happened: whoever slows the looking at files down would else bury them. A replay takes all in time. */
static bool gives_way(struct sn_engine *engine, const struct sn_hit *hit, size_t size)
{
	return hit->verdict == SN_UNDECIDABLE && atomic_load(&engine->state) == SN_ENGINE_RUNNING &&
	       sn_ring__is_scarce(engine->alerts, size);
}

void sn_frame__send(struct sn_engine *engine, size_t size, const struct sn_scene *scene, const struct sn_hit *hits,
		    uint32_t count)
{
	struct sn_alert *alert = (struct sn_alert *)engine->frame;
	bool sent;

	if (size) {
		alert->generation = engine->current->generation;
		alert->image_facts = put_facts(engine, size, scene->image);
		size += alert->image_facts;
		alert->payload_facts = put_facts(engine, size, scene->payload);
		size += alert->payload_facts;
		alert->renamed = scene->renamed;
		if (scene->identity.len)
			alert->renamed =
				sn_proxy__is_renamed(scene->grammars, (const struct sn_exec *)sn_frame__record(engine),
						     scene->identity)
					? SN_IS_RENAMED
					: SN_NOT_RENAMED;
		alert->size = (uint32_t)size;
	}
	for (uint32_t i = 0; i < count; i++) {
		alert->rule = hits[i].rule;
		alert->verdict = hits[i].verdict;
		alert->cause_field = hits[i].cause_field;
		sent = size && !gives_way(engine, &hits[i], size) && sn_ring__push(engine->alerts, alert, size) == 0;
		sn_count(sent ? &engine->stats.alerts : &engine->stats.alerts_dropped, 1);
		if (hits[i].verdict == SN_UNDECIDABLE) {
			sn_count(&engine->stats.undecidable, 1);
			sn_count(&engine->stats.undecidable_dropped, !sent);
		}
	}
}
