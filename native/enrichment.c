/* SPDX-License-Identifier: Apache-2.0
 *
 * See enrichment.h.
 */
#include "enrichment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "engine.h"
#include "subject.h"
#include "windows_enrichment.h"

enum {
	QUESTIONS = 1 << 18, /* bytes of their ring */
	TOLD = 1 << 18,
	SHOWN_MAX = 100, /* payloads that are asked about in a second for alerts that no rule's wait holds back */
	MS = 1000000,
};

struct sn_enrichment *sn_enrichment__new(uint32_t wait_ms)
{
	struct sn_enrichment *enrichment = calloc(1, sizeof(*enrichment));

	if (!enrichment)
		return NULL;
	enrichment->files = sn_file_facts__new();
	enrichment->waiting = sn_waiting__new();
	enrichment->wait_ns = (uint64_t)wait_ms * MS;
	enrichment->path_key = (struct sn_path_key){sn_clock__epoch() ^ sn_clock__now() << 32, (uintptr_t)enrichment};
	if (sn_ring__new(QUESTIONS, &enrichment->questions) || sn_ring__new(TOLD, &enrichment->told) ||
	    !enrichment->files || !enrichment->waiting) {
		sn_enrichment__free(enrichment);
		return NULL;
	}
	return enrichment;
}

void sn_enrichment__free(struct sn_enrichment *enrichment)
{
	if (!enrichment)
		return;
	sn_file_facts__free(enrichment->files);
	sn_waiting__free(enrichment->waiting);
	sn_ring__free(enrichment->questions);
	sn_ring__free(enrichment->told);
	free(enrichment);
}

/* ---- what is known ---- */

/* As the installed file, else by content. */
static void identify(struct sn_scene *scene, struct sn_bytes by_inode)
{
	scene->identity = by_inode;
	if (!by_inode.len && scene->image->state == SN_FACTS_KNOWN)
		scene->identity = sn_facts__text(scene->image, SN_FACT_IDENTITY);
	if (!scene->grammars) /* nobody could say what it means */
		scene->identity.len = 0;
}

void sn_enrichment__look(struct sn_engine *engine, const struct sn_exec *exec, struct sn_scene *scene)
{
	struct sn_file_facts *files = engine->enrichment->files;
	struct sn_file_key key = sn_file_key__of(exec);

	/* a source that does not name the file: nobody can tell which it was */
	scene->image = exec->inode ? sn_file_facts__find(files, &key, exec->h.time) : sn_facts__empty(SN_FACTS_LOST);
	identify(scene, sn_file_facts__identity(files, &key));
}

/* The file that the payload is, where its path names one file: a program by its bare name is looked for in PATH, and
 * its own exec tells which it was. */
static bool is_file(const struct sn_proxy *proxy)
{
	switch (proxy->kind) {
	case SN_PAYLOAD_SCRIPT_FILE:
		return proxy->path.len != 0;
	case SN_PAYLOAD_COMMAND:
	case SN_PAYLOAD_LIBRARY:
		return proxy->path.len && memchr(proxy->path.at, '/', proxy->path.len);
	default:
		return false;
	}
}

/* The payload is the program that was executed. */
static bool is_image(const struct sn_exec *exec, const struct sn_proxy *proxy)
{
	return proxy->kind == SN_PAYLOAD_COMMAND && sn_bytes__equal(proxy->path, sn_exec__text(exec, exec->image));
}

void sn_enrichment__look_at_payload(const struct sn_exec *exec, struct sn_scene *scene)
{
	const struct sn_proxy *proxy = scene->proxy;

	scene->payload = sn_facts__empty(SN_FACTS_NONE);
	if (!proxy)
		return;
	if (proxy->unknown || (proxy->depth && proxy->kind == SN_PAYLOAD_NONE))
		scene->payload = sn_facts__empty(SN_FACTS_LOST);
	else if (is_image(exec, proxy))
		scene->payload = scene->image;
	else if (is_file(proxy))
		scene->payload = sn_facts__empty(SN_FACTS_LATE);
}

void sn_enrichment__look_at_load(struct sn_engine *engine, const struct sn_load *load, struct sn_scene *scene)
{
	struct sn_file_key key = sn_file_key__of(scene->own);
	struct sn_bytes path = sn_load__path(load);

	scene->image = scene->own->inode ? sn_file_facts__find(engine->enrichment->files, &key, load->h.time)
					 : sn_facts__empty(SN_FACTS_LOST);
	scene->payload = sn_facts__empty(path.len && *path.at == '/' ? SN_FACTS_LATE : SN_FACTS_NONE);
}

/* ---- questions ---- */

static uint64_t ask_about_image(struct sn_engine *engine, const struct sn_subject *subject)
{
	struct sn_enrichment *e = engine->enrichment;
	struct sn_file_key key = sn_file_key__of(subject->exec);
	struct sn_asking asking = sn_file_facts__ask(e->files, &key, e->number + 1, subject->record->time);

	if (!asking.is_new)
		return asking.number;
	e->number++;
	return sn_subject__ask(engine, subject, SN_ASKED_IMAGE, asking.number,
			       sn_exec__text(subject->exec, subject->exec->image));
}

static bool may_show(struct sn_enrichment *e, uint64_t time)
{
	if (time / 1000000000 != e->second) {
		e->second = time / 1000000000;
		e->shown = 0;
	}
	return e->shown++ < SHOWN_MAX;
}

/* Of current->hits. */
static bool rule_waits(const struct sn_engine *engine, uint32_t hits)
{
	for (uint32_t i = 0; i < hits; i++)
		if (engine->current->hits[i].late)
			return true;
	return false;
}

bool sn_enrichment__may_ask(struct sn_engine *engine, uint32_t hits, uint64_t time)
{
	return rule_waits(engine, hits) || may_show(engine->enrichment, time);
}

/* Only for a rule, or an alert. */
static uint64_t ask_about_payload(struct sn_engine *engine, const struct sn_subject *subject,
				  const struct sn_scene *scene, uint32_t hits)
{
	struct sn_enrichment *e = engine->enrichment;

	if (scene->payload->state != SN_FACTS_LATE || (!subject->load && is_image(subject->exec, scene->proxy)) ||
	    !hits || !sn_enrichment__may_ask(engine, hits, subject->record->time))
		return 0;
	return sn_subject__ask(engine, subject, SN_ASKED_PAYLOAD, ++e->number,
			       subject->load ? sn_load__path(subject->load) : scene->proxy->path);
}

/* A file's first exec asks whether or not a rule wants to know: it may be a proxy under another name, and its facts are
 * there when it comes again. */
static void ask_all(struct sn_engine *engine, const struct sn_subject *subject, const struct sn_scene *scene,
		    uint32_t hits, uint64_t question[2])
{
	question[0] = scene->image->state == SN_FACTS_LATE ? ask_about_image(engine, subject) : 0;
	question[1] = ask_about_payload(engine, subject, scene, hits);
}

bool sn_enrichment__hold(struct sn_engine *engine, size_t size, bool named, const uint64_t question[2])
{
	struct sn_enrichment *e = engine->enrichment;
	struct sn_stats *stats = &engine->stats;
	struct sn_held *held = NULL;

	if (size)
		held = sn_waiting__hold(e->waiting, engine->frame, (uint32_t)size, question,
					sn_clock__now() + e->wait_ns);
	if (!held) {
		sn_count(&stats->held_refused, 1);
		return false;
	}
	held->named = named;
	sn_count(&stats->held, 1);
	if (sn_waiting__count(e->waiting) > stats->held_max)
		__atomic_store_n(&stats->held_max, sn_waiting__count(e->waiting), __ATOMIC_RELAXED);
	return true;
}

bool sn_enrichment__holds(struct sn_engine *engine, const struct sn_origin *origin, const struct sn_scene *scene,
			  uint32_t hits)
{
	struct sn_subject subject;
	uint64_t question[2];

	if (!scene->image) /* neither an exec nor a load whose process is known */
		return false;
	subject = sn_subject__of(origin->record, scene->own);
	ask_all(engine, &subject, scene, hits, question);
	return (question[0] || question[1]) && engine->enrichment->wait_ns &&
	       sn_enrichment__hold(engine, sn_frame__build(engine, origin, scene->proxy), scene->identity.len != 0,
				   question);
}

/* ---- what is told ---- */

static void take_told(struct sn_engine *engine, const struct sn_told_head *told)
{
	struct sn_enrichment *e = engine->enrichment;
	const struct sn_facts *facts = (const struct sn_facts *)(told + 1);
	struct sn_bytes name = {(const uint8_t *)(told + 1), told->size - (uint32_t)sizeof(*told)};

	switch ((enum sn_told)told->what) {
	case SN_TOLD_FACTS:
		if (told->file.inode) /* only what a file is asked of by what it is, not by a name */
			sn_file_facts__put(e->files, &told->file, facts, told->time);
		sn_waiting__answer(e->waiting, told->number, facts);
		sn_count(&engine->stats.answers, told->number != 0);
		return;
	case SN_TOLD_PROGRAM:
		sn_file_facts__identify(e->files, &told->file, name);
		return;
	case SN_TOLD_FORGET:
		sn_file_facts__forget(e->files);
		sn_file_facts__forget_identities(e->files);
	}
}

static void take_all_told(struct sn_engine *engine)
{
	struct sn_enrichment *e = engine->enrichment;
	const void *told;
	size_t size;
	bool any = false;

	while ((told = sn_ring__peek(e->told, &size))) {
		take_told(engine, told);
		sn_ring__advance(e->told);
		any = true;
	}
	if (any)
		sn_ring__release(e->told);
}

/* What is known now of the file that a held event's process runs; its place in the cache may be another's by then. */
static void take_image(const struct sn_held *held, struct sn_scene *scene)
{
	if (held->facts[0] && held->facts[0]->state != SN_FACTS_LATE)
		scene->image = held->facts[0];
}

static void restore_load(struct sn_engine *engine, const struct sn_subject *subject, const struct sn_held *held,
			 struct sn_scene *scene)
{
	scene->own = subject->exec;
	sn_enrichment__look_at_load(engine, subject->load, scene);
	take_image(held, scene);
}

static void restore_exec(struct sn_engine *engine, const struct sn_exec *exec, const struct sn_held *held,
			 struct sn_scene *scene, struct sn_proxy *proxy)
{
	const struct sn_alert *alert = (const struct sn_alert *)engine->frame;

	scene->proxy = proxy;
	sn_proxy__read(engine->frame + held->frame_size - alert->proxy_size, alert->proxy_size, proxy);
	sn_enrichment__look(engine, exec, scene);
	take_image(held, scene);
	identify(scene, scene->identity);
	if (scene->identity.len && !held->named)
		scene->proxy = sn_proxies__again(engine->proxies, scene->grammars, exec, scene->identity, proxy);
	sn_enrichment__look_at_payload(exec, scene);
}

/* What a held event was judged by, as it was then, and what is known of its files now. */
static void restore(struct sn_engine *engine, const struct sn_held *held, struct sn_scene *scene,
		    struct sn_proxy *proxy)
{
	const struct sn_rules *rules = engine->current->rules;
	const struct sn_alert *alert = (const struct sn_alert *)engine->frame;
	const struct sn_header *record = sn_frame__record(engine);
	const uint8_t *own = (const uint8_t *)record + record->size, *parent = own + alert->process_size;
	const struct sn_subject subject = sn_subject__of(record, (const struct sn_exec *)own);

	*scene = (struct sn_scene){.users = engine->users,
				   .parent = alert->lineage ? (const struct sn_exec *)parent : NULL,
				   .has_parent = alert->lineage		   ? 1
						 : alert->lineage_complete ? 0
									   : -ENOENT,
				   .grammars = rules->count[SN_GRAMMARS] ? &rules->grammars : NULL};
	if (subject.load)
		restore_load(engine, &subject, held, scene);
	else
		restore_exec(engine, subject.exec, held, scene, proxy);
	if (scene->payload->state == SN_FACTS_LATE && held->facts[1])
		scene->payload = held->facts[1];
}

/* One that turned out to be a proxy waits again, for its payload: true; else its alerts are out. */
static bool judge_record(struct sn_engine *engine, const struct sn_held *held)
{
	const struct sn_header *record = sn_frame__record(engine);
	uint64_t question[2] = {0, 0};
	struct sn_proxy proxy;
	struct sn_subject subject;
	struct sn_scene scene;
	size_t size = held->frame_size;
	uint32_t hits;

	restore(engine, held, &scene, &proxy);
	hits = sn_pump__again(engine, record, &scene);
	if (scene.proxy && scene.proxy != &proxy) {
		size = sn_frame__put_proxy(engine, size, scene.proxy);
		subject = sn_subject__of(record, scene.own);
		question[1] = ask_about_payload(engine, &subject, &scene, hits);
	}
	if (question[1] && sn_enrichment__hold(engine, size, scene.identity.len != 0, question))
		return true;
	sn_pump__conclude(engine, hits);
	sn_frame__send(engine, size, &scene, engine->current->hits, hits);
	return false;
}

/* Judges an event that was held, and lets it go. */
static void judge_held(struct sn_engine *engine, struct sn_held *held)
{
	const struct sn_alert *alert = (const struct sn_alert *)engine->frame;
	bool again;

	memcpy(engine->frame, held->frame, held->frame_size);
	again = alert->payload == SN_PAYLOAD_JSON ? sn_win_enrichment__again(engine, held) : judge_record(engine, held);
	if (!again)
		sn_count(&engine->stats.held_late, held->question[0] || held->question[1]);
	sn_waiting__release(engine->enrichment->waiting, held);
}

void sn_enrichment__settle(struct sn_engine *engine, bool all)
{
	struct sn_enrichment *e = engine->enrichment;
	struct sn_held *held;
	uint64_t now;

	if (!e)
		return;
	take_all_told(engine);
	if (sn_waiting__count(e->waiting)) {
		now = all ? UINT64_MAX : sn_clock__now();
		while ((held = sn_waiting__due(e->waiting, now)))
			judge_held(engine, held);
		sn_ring__publish(engine->alerts);
	}
	__atomic_store_n(&engine->stats.held_now, sn_waiting__count(e->waiting), __ATOMIC_RELAXED);
	__atomic_store_n(&engine->stats.facts_known, sn_file_facts__count(e->files), __ATOMIC_RELAXED);
}

int sn_enrichment__patience(const struct sn_engine *engine, int most)
{
	uint64_t deadline, now;

	if (!engine->enrichment || !sn_waiting__count(engine->enrichment->waiting))
		return most;
	deadline = sn_waiting__deadline(engine->enrichment->waiting);
	now = sn_clock__now();
	if (deadline <= now)
		return 0;
	return (deadline - now) / MS < (uint64_t)most ? (int)((deadline - now) / MS) + 1 : most;
}
