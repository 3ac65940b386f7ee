/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_enrichment.h"

#include <string.h>

#include "engine.h"
#include "subject.h"

enum { IMAGE, PAYLOAD }; /* enum sn_asked - 1 */

static const uint64_t EPOCH_NS = 5000000000;

static struct sn_bytes text_of(const struct sn_engine *engine, enum sn_start_field field)
{
	return sn_values__text(engine->current->values, engine->current->actors.number[field]);
}

/* Decimal, as ETW's columns are written; 0: it is not told. */
static uint64_t number_of(struct sn_bytes text)
{
	uint64_t number = 0;

	for (uint32_t i = 0; i < text.len; i++)
		number = number * 10 + (text.at[i] - '0');
	return number;
}

/* The file that the event calls by that path. `is_subject`: it is what the event is about. */
static struct sn_file_key key_of(const struct sn_engine *engine, struct sn_bytes path, uint64_t time, bool is_subject)
{
	struct sn_file_key key = {.inode = sn_path_key__of(&engine->enrichment->path_key, path),
				  .ctime = time / EPOCH_NS};

	if (is_subject) {
		key.bytes = number_of(text_of(engine, SN_START_LINK_TIME));
		key.mtime = number_of(text_of(engine, SN_START_CHECKSUM));
	}
	return key;
}

static struct sn_bytes path_of(const struct sn_engine *engine, enum sn_start_field field, struct sn_file_key *key,
			       const struct sn_win_files *files, bool is_subject)
{
	struct sn_bytes path = text_of(engine, field);

	*key = key_of(engine, path, files->time, is_subject);
	return path;
}

/* ---- what is known ---- */

static const struct sn_facts *known_of(const struct sn_engine *engine, const struct sn_win_files *files,
				       enum sn_start_field field, uint32_t of, bool is_subject)
{
	struct sn_file_key key;
	struct sn_bytes path = path_of(engine, field, &key, files, is_subject);
	const struct sn_facts *told = files->told[of];

	if (told && told->state != SN_FACTS_LATE)
		return told;
	return path.len ? sn_file_facts__find(engine->enrichment->files, &key, files->time)
			: sn_facts__empty(SN_FACTS_LOST);
}

static void put(struct sn_engine *engine, const struct sn_win_files *files, uint32_t of)
{
	sn_win_facts__put(&engine->current->facts, files->type, (enum sn_asked)(of + 1), files->known[of],
			  engine->current->values);
}

void sn_win_enrichment__look(struct sn_engine *engine, const struct sn_routes *routes, struct sn_win_files *files)
{
	bool loads = !routes->starts && text_of(engine, SN_START_IMAGE_LOADED).len;

	files->type = routes->starts ? SN_WIN_START : loads ? SN_WIN_LOAD : 0;
	if (!files->type)
		return;
	files->known[IMAGE] = known_of(engine, files, SN_START_IMAGE, IMAGE, !loads);
	put(engine, files, IMAGE);
	if (!loads)
		return;
	files->known[PAYLOAD] = known_of(engine, files, SN_START_IMAGE_LOADED, PAYLOAD, true);
	put(engine, files, PAYLOAD);
}

/* Lies on this machine, as far as its path tells. */
static bool has_folder(struct sn_bytes path)
{
	return path.len && (memchr(path.at, '\\', path.len) || memchr(path.at, '/', path.len));
}

static const struct sn_facts *of_payload(const struct sn_engine *engine, const struct sn_win_files *files,
					 const struct sn_proxy *proxy)
{
	struct sn_bytes image = text_of(engine, SN_START_IMAGE), path = proxy->path;

	switch (proxy->depth ? proxy->kind : UINT32_MAX) {
	case SN_PAYLOAD_NONE:
	case SN_PAYLOAD_UNC: /* whoever asked a share would log on to it */
	case SN_PAYLOAD_WEBDAV:
		return sn_facts__empty(SN_FACTS_LOST);
	case SN_PAYLOAD_COMMAND: /* by its bare name: its own start tells which file it is */
		if (!has_folder(path))
			break;
		if (path.len == image.len && sn_bytes__begins(path, image))
			return files->known[IMAGE];
		return sn_facts__empty(SN_FACTS_LATE);
	case SN_PAYLOAD_SCRIPT_FILE:
	case SN_PAYLOAD_LIBRARY:
	case SN_PAYLOAD_STREAM:
	case SN_PAYLOAD_EXPORT:
		return sn_facts__empty(path.len ? SN_FACTS_LATE : SN_FACTS_LOST);
	default:
		break;
	}
	return sn_facts__empty(SN_FACTS_NONE);
}

static void look_at(struct sn_engine *engine, struct sn_win_files *files, const struct sn_proxy *proxy)
{
	const struct sn_facts *told = files->told[PAYLOAD], *found = of_payload(engine, files, proxy);

	files->known[PAYLOAD] = found->state == SN_FACTS_LATE && told ? told : found;
}

void sn_win_enrichment__look_at_payload(struct sn_engine *engine, struct sn_win_files *files)
{
	const struct sn_loaded *loaded = engine->current;

	if (files->type != SN_WIN_START || !loaded->windows ||
	    !sn_win_facts__are_read(&loaded->facts, SN_WIN_START, SN_ASKED_PAYLOAD))
		return;
	look_at(engine, files, sn_win_view__proxy(loaded->windows, loaded->values, engine->etw.actors, files->actor));
	put(engine, files, PAYLOAD);
}

/* ---- questions ---- */

/* About a file that the event calls by its whole path. */
static uint64_t ask_about_file(struct sn_engine *engine, const struct sn_win_files *files, enum sn_asked of,
			       enum sn_start_field field, bool is_subject)
{
	struct sn_enrichment *e = engine->enrichment;
	struct sn_question question = {.of = of, .number = e->number + 1, .time = files->time};
	struct sn_bytes text[SN_QUESTION_TEXTS] = {path_of(engine, field, &question.file, files, is_subject)};
	struct sn_asking asking = sn_file_facts__ask(e->files, &question.file, question.number, files->time);

	if (!asking.is_new)
		return asking.number;
	e->number++;
	return sn_question__push(engine, &question, text);
}

static uint64_t ask_about_payload(struct sn_engine *engine, const struct sn_win_files *files,
				  const struct sn_proxy *proxy)
{
	struct sn_question question = {.of = SN_ASKED_PAYLOAD, .time = files->time};
	struct sn_bytes text[SN_QUESTION_TEXTS];

	if (files->type == SN_WIN_LOAD)
		return ask_about_file(engine, files, SN_ASKED_PAYLOAD, SN_START_IMAGE_LOADED, true);
	question.number = ++engine->enrichment->number;
	question.is_library = proxy->kind == SN_PAYLOAD_LIBRARY || proxy->kind == SN_PAYLOAD_EXPORT;
	text[0] = proxy->path;
	text[1] = text_of(engine, SN_START_DIRECTORY);
	text[2] = text_of(engine, SN_START_IMAGE);
	return sn_question__push(engine, &question, text);
}

static bool is_late(const struct sn_facts *facts)
{
	return facts && facts->state == SN_FACTS_LATE;
}

/* Somebody may still tell. */
static bool is_open(const struct sn_win_files *files, uint32_t of)
{
	return is_late(files->known[of]) && !files->told[of];
}

/* A start's image is asked about whether or not a rule wants to know, and first: it may be a proxy under another name,
 * and have another payload. All else only for a rule, or an alert. */
static bool ask_all(struct sn_engine *engine, const struct sn_win_files *files, const struct sn_proxy *proxy,
		    uint32_t hits, uint64_t question[2])
{
	bool starts = files->type == SN_WIN_START, image = is_open(files, IMAGE), payload = is_open(files, PAYLOAD);
	bool wanted = hits && (image || payload) && sn_enrichment__may_ask(engine, hits, files->time);

	image = image && (starts || wanted);
	payload = payload && wanted && !(starts && is_late(files->known[IMAGE]));
	question[IMAGE] = image ? ask_about_file(engine, files, SN_ASKED_IMAGE, SN_START_IMAGE, starts) : 0;
	question[PAYLOAD] = payload ? ask_about_payload(engine, files, proxy) : 0;
	return question[IMAGE] || question[PAYLOAD];
}

/* What alerts are seen with. */
static void show(struct sn_engine *engine, struct sn_win_files *files, struct sn_scene *scene)
{
	if (scene->proxy && !files->known[PAYLOAD])
		look_at(engine, files, scene->proxy);
	scene->image = files->known[IMAGE];
	scene->payload = files->known[PAYLOAD];
}

bool sn_win_enrichment__asks_first(struct sn_engine *engine, struct sn_win_files *files, uint64_t question[2])
{
	if (files->type != SN_WIN_START || !is_open(files, IMAGE) || !engine->enrichment->wait_ns)
		return false;
	question[IMAGE] = ask_about_file(engine, files, SN_ASKED_IMAGE, SN_START_IMAGE, true);
	question[PAYLOAD] = 0;
	files->told[IMAGE] = sn_facts__empty(SN_FACTS_LATE); /* if it cannot wait: it is not asked about again */
	return question[IMAGE] != 0;
}

bool sn_win_enrichment__asks(struct sn_engine *engine, struct sn_win_files *files, struct sn_scene *scene,
			     uint32_t hits, uint64_t question[2])
{
	if (!files->type)
		return false;
	show(engine, files, scene);
	return ask_all(engine, files, scene->proxy, hits, question) && engine->enrichment->wait_ns;
}

/* ---- what waited ---- */

bool sn_win_enrichment__again(struct sn_engine *engine, const struct sn_held *held)
{
	struct sn_loaded *loaded = engine->current;
	const struct sn_alert *alert = (const struct sn_alert *)engine->frame;
	struct sn_win_files files = {.time = alert->time, .told = {held->facts[IMAGE], held->facts[PAYLOAD]}};
	struct sn_scene scene = {0};
	struct sn_routes routes;
	uint64_t question[2], begin = sn_pump__clock_if(engine);
	uint32_t hits;
	size_t size;

	/* it was decoded before, if by other rules */
	if (sn_ndjson__decode(loaded->ndjson, (const char *)(alert + 1), alert->event_size, UINT32_MAX, loaded->values,
			      &routes))
		routes = (struct sn_routes){0};
	sn_pump__see(engine, &routes, &files);
	hits = sn_pump__values(engine, &routes, &files, &scene, begin);
	size = sn_frame__put_proxy(engine, held->frame_size, scene.proxy);
	if (files.starts && files.actor)
		sn_win_view__keep(loaded->windows, engine->etw.actors, files.actor);
	if (sn_win_enrichment__asks(engine, &files, &scene, hits, question) &&
	    sn_enrichment__hold(engine, size, false, question))
		return true;
	hits = sn_pump__news(engine, &files, hits);
	sn_pump__conclude(engine, hits);
	sn_frame__send(engine, size, &scene, loaded->hits, hits);
	return false;
}
