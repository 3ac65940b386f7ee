/* SPDX-License-Identifier: Apache-2.0 */
#include "actors.h"

#include <stdlib.h>

#include "blob_store.h"

enum {
	WAYS = 8,
	SETS = 1024,
	SLOTS = WAYS * SETS,
	BLOCKS = (8 << 20) / SN_BLOB_BLOCK,
};
static const uint64_t grace_ns = 2000000000;
static const struct sn_guid no_guid;

struct sn_actors {
	struct sn_actors_stats stats;
	struct sn_blobs blobs;
	uint32_t hand; /* the next slot to be looked at for want of room */
	struct sn_actor slot[SLOTS];
	struct sn_blob_block block[BLOCKS + 1];
	char room[SN_ACTOR_ROOM];
};

struct sn_actors *sn_actors__new(void)
{
	struct sn_actors *actors = calloc(1, sizeof(*actors));

	if (!actors)
		return NULL;
	actors->blobs = (struct sn_blobs){.block = actors->block, .capacity = BLOCKS};
	return actors;
}

void sn_actors__free(struct sn_actors *actors)
{
	free(actors);
}

static void drop(struct sn_actors *actors, struct sn_actor *actor)
{
	for (uint32_t i = 0; i < SN_ACTOR_TEXTS; i++)
		sn_blobs__drop(&actors->blobs, actor->text[i]);
	actors->stats.actors--;
	*actor = (struct sn_actor){0};
}

void sn_actors__forget(struct sn_actors *actors)
{
	for (uint32_t i = 0; actors->stats.actors && i < SLOTS; i++)
		if (actors->slot[i].used)
			drop(actors, &actors->slot[i]);
}

static struct sn_actor *set_of(struct sn_actors *actors, uint32_t pid)
{
	/* ids are multiples of four, given out in turn */
	return &actors->slot[pid / 4 % SETS * WAYS];
}

/* Rather one that ended than one that lives, rather an older one. */
static int goes_first(const struct sn_actor *a, const struct sn_actor *b)
{
	if (!a->end != !b->end)
		return a->end != 0;
	return a->start < b->start;
}

struct sn_actor *sn_actors__begin(struct sn_actors *actors, const struct sn_actor_id *id, uint64_t start)
{
	struct sn_actor *set = set_of(actors, id->pid), *place = &set[0];

	for (uint32_t i = 0; i < WAYS; i++) {
		if (set[i].used && set[i].id.pid == id->pid && set[i].start == start) {
			place = &set[i]; /* it was heard of before */
			place->end = start;
			break;
		}
		if (set[i].used && set[i].id.pid == id->pid && !set[i].end && set[i].start < start)
			set[i].end = start;
		if (place->used && (!set[i].used || goes_first(&set[i], place)))
			place = &set[i];
	}
	if (place->used) {
		actors->stats.forgotten += !place->end;
		drop(actors, place);
	}
	*place = (struct sn_actor){.id = *id, .used = 1, .start = start};
	actors->stats.actors++;
	return place;
}

static int is_said(const struct sn_guid *guid)
{
	return memcmp(guid, &no_guid, sizeof(no_guid)) != 0;
}

static int means(const struct sn_actor_id *id, const struct sn_actor *actor)
{
	if (!actor->used || actor->id.pid != id->pid)
		return 0;
	if (is_said(&id->guid) && is_said(&actor->id.guid))
		return memcmp(&id->guid, &actor->id.guid, sizeof(no_guid)) == 0;
	if (id->sequence && actor->id.sequence)
		return id->sequence == actor->id.sequence;
	if (id->time == UINT64_MAX)
		return 1;
	return actor->start <= id->time && (!actor->end || id->time <= actor->end + grace_ns);
}

struct sn_actor *sn_actors__find(struct sn_actors *actors, const struct sn_actor_id *id)
{
	struct sn_actor *set = set_of(actors, id->pid), *found = NULL;

	for (uint32_t i = 0; i < WAYS; i++)
		if (means(id, &set[i]) && (!found || set[i].start >= found->start))
			found = &set[i];
	return found;
}

struct sn_actor *sn_actors__parent(struct sn_actors *actors, const struct sn_actor *actor)
{
	struct sn_actor *parent = actor->parent.pid ? sn_actors__find(actors, &actor->parent) : NULL;

	return parent == actor ? NULL : parent;
}

/* ---- texts ---- */

char *sn_actors__room(struct sn_actors *actors)
{
	return actors->room;
}

/* Room for so many blocks, at the cost of others: of those that ended as long as there are such. */
static void make_room(struct sn_actors *actors, uint32_t blocks, const struct sn_actor *keep)
{
	for (uint32_t looked = 0; actors->blobs.capacity - actors->blobs.used < blocks; looked++) {
		struct sn_actor *actor = &actors->slot[actors->hand++ % SLOTS];

		if (!actor->used || actor == keep || (!actor->end && looked < SLOTS))
			continue;
		actors->stats.forgotten += !actor->end;
		drop(actors, actor);
	}
}

void sn_actors__set(struct sn_actors *actors, struct sn_actor *actor, enum sn_actor_text which, const void *text,
		    size_t size)
{
	const struct sn_blob_part part = {text, size};
	uint32_t blocks = sn_blobs__blocks(size);

	sn_blobs__drop(&actors->blobs, actor->text[which]);
	actor->text[which] = 0;
	if (blocks > BLOCKS / SN_ACTOR_TEXTS) { /* so that one's texts always have room together */
		actors->stats.too_long++;
		return;
	}
	if (!size)
		return;
	make_room(actors, blocks, actor);
	actor->text[which] = sn_blobs__add(&actors->blobs, &part, 1);
}

size_t sn_actors__size(const struct sn_actors *actors, const struct sn_actor *actor, enum sn_actor_text which)
{
	return actor->text[which] ? sn_blobs__size(&actors->blobs, actor->text[which]) : 0;
}

void sn_actors__read(const struct sn_actors *actors, const struct sn_actor *actor, enum sn_actor_text which, void *out)
{
	if (actor->text[which])
		sn_blobs__read(&actors->blobs, actor->text[which], out);
}

void sn_actors__write(const struct sn_actors *actors, const struct sn_actor *actor, enum sn_actor_text which,
		      struct sn_writer *w, const char *name)
{
	size_t size = sn_actors__size(actors, actor, which);

	if (!size)
		return;
	sn_write__key(w, name, strlen(name));
	sn_write__literal(w, "\"");
	if ((size_t)(w->end - w->at) < size) {
		w->full = 1;
		w->at = w->end;
	} else {
		sn_blobs__read(&actors->blobs, actor->text[which], w->at);
		w->at += size;
	}
	sn_write__literal(w, "\",");
}

void sn_actors__stats(const struct sn_actors *actors, struct sn_actors_stats *out)
{
	*out = actors->stats;
}
