/* SPDX-License-Identifier: Apache-2.0 */
#include "actors.h"

#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "blob_store.h"
#include "count.h"

enum {
	WAYS = 8,
	SETS = 1024,
	SLOTS = WAYS * SETS,
	BLOCKS = (8 << 20) / SN_BLOB_BLOCK,
};
static const uint64_t grace_ns = 2000000000;
static const uint64_t apart_ns = 1000000000; /* between what two sources say of one start */
static const struct sn_guid no_guid;

struct sn_actors {
	struct sn_actors_stats stats;
	struct sn_blobs blobs;
	uint32_t hand;	     /* the next slot to be looked at for want of room */
	uint32_t key[SLOTS]; /* of each slot: its pid + 1, 0: it is free; a set's are in half a cache line */
	struct sn_actor slot[SLOTS];
	struct sn_blob_block block[BLOCKS + 1];
	uint32_t next_block[BLOCKS + 1];
	uint8_t room[SN_ACTOR_ROOM];
};

struct sn_actors *sn_actors__new(void)
{
	struct sn_actors *actors = calloc(1, sizeof(*actors));

	if (!actors)
		return NULL;
	actors->blobs = (struct sn_blobs){.block = actors->block, .next = actors->next_block, .capacity = BLOCKS};
	return actors;
}

void sn_actors__free(struct sn_actors *actors)
{
	free(actors);
}

static void drop(struct sn_actors *actors, struct sn_actor *actor)
{
	for (uint32_t i = 0; i < SN_ACTOR_BLOBS; i++) {
		sn_blobs__drop(&actors->blobs, actor->text[i]);
		actor->text[i] = 0;
	}
	actors->stats.actors--;
	actors->key[actor - actors->slot] = 0;
	actor->used = 0;
}

void sn_actors__forget(struct sn_actors *actors)
{
	for (uint32_t i = 0; actors->stats.actors && i < SLOTS; i++)
		if (actors->slot[i].used)
			drop(actors, &actors->slot[i]);
}

/* The first slot of a pid's set. */
static uint32_t set_of(uint32_t pid)
{
	/* ids are multiples of four, given out in turn */
	return pid / 4 % SETS * WAYS;
}

/* Of a set, a bit each: the slots whose key is this one. */
static inline uint32_t slots_with(const uint32_t key[WAYS], uint32_t wanted)
{
#ifdef __SSE2__
	__m128i all = _mm_set1_epi32((int)wanted), low = _mm_loadu_si128((const __m128i *)key),
		high = _mm_loadu_si128((const __m128i *)(key + WAYS / 2));
	__m128i equal = _mm_packs_epi32(_mm_cmpeq_epi32(low, all), _mm_cmpeq_epi32(high, all));

	_Static_assert((int)WAYS == 8, "two registers");
	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128()));
#else
	uint32_t slots = 0;

	for (uint32_t i = 0; i < WAYS; i++)
		slots |= (uint32_t)(key[i] == wanted) << i;
	return slots;
#endif
}

/* Takes the first of them away: its number. */
static inline uint32_t take_slot(uint32_t *slots)
{
	uint32_t first = (uint32_t)__builtin_ctz(*slots);

	*slots &= *slots - 1;
	return first;
}

/* Rather one that ended than one that lives, rather an older one. */
static int goes_first(const struct sn_actor *a, const struct sn_actor *b)
{
	if (!a->end != !b->end)
		return a->end != 0;
	return a->start < b->start;
}

/* Where one of a set has its place: the first that is free, else that of another. */
static struct sn_actor *place_in(struct sn_actor set[WAYS], const uint32_t key[WAYS])
{
	uint32_t free = slots_with(key, 0);
	struct sn_actor *place = set;

	if (free)
		return &set[take_slot(&free)];
	for (uint32_t i = 1; i < WAYS; i++)
		if (goes_first(&set[i], place))
			place = &set[i];
	return place;
}

/* Part by part: all at once, gcc makes one instruction of it (rep stos), which waits for memory that is in no cache. */
static void clear(struct sn_actor *actor)
{
	actor->id = actor->parent = (struct sn_actor_id){0};
	actor->start = actor->end = 0;
	memset(actor->text, 0, sizeof(actor->text));
	actor->used = actor->unwound = actor->sources = actor->name_len = 0;
	memset(actor->name, 0, sizeof(actor->name));
}

struct sn_actor *sn_actors__begin(struct sn_actors *actors, const struct sn_actor_id *id, uint64_t start)
{
	struct sn_actor *set = &actors->slot[set_of(id->pid)], *place = NULL;
	uint32_t *key = &actors->key[set_of(id->pid)], slots = slots_with(key, id->pid + 1);

	while (slots && !place) {
		struct sn_actor *other = &set[take_slot(&slots)];

		if (other->start == start)
			place = other; /* it was heard of before */
		if (other->start == start || (!other->end && other->start < start))
			other->end = start;
	}
	if (!place)
		place = place_in(set, key);
	if (key[place - set]) { /* not place->used, which is in no cache */
		sn_count(&actors->stats.forgotten, !place->end);
		drop(actors, place);
	}
	clear(place);
	place->id = *id;
	place->start = start;
	place->used = 1;
	key[place - set] = id->pid + 1;
	actors->stats.actors++;
	return place;
}

static int is_said(const struct sn_guid *guid)
{
	return memcmp(guid, &no_guid, sizeof(no_guid)) != 0;
}

static int means(const struct sn_actor_id *id, const struct sn_actor *actor)
{
	if (is_said(&id->guid) && is_said(&actor->id.guid))
		return memcmp(&id->guid, &actor->id.guid, sizeof(no_guid)) == 0;
	if (id->sequence && actor->id.sequence)
		return id->sequence == actor->id.sequence;
	if (id->time == UINT64_MAX)
		return !actor->end;
	return actor->start <= id->time && (!actor->end || id->time <= actor->end + grace_ns);
}

struct sn_actor *sn_actors__find(struct sn_actors *actors, const struct sn_actor_id *id)
{
	struct sn_actor *set = &actors->slot[set_of(id->pid)], *found = NULL;
	uint32_t slots = slots_with(&actors->key[set_of(id->pid)], id->pid + 1);

	while (slots) {
		struct sn_actor *actor = &set[take_slot(&slots)];

		if (means(id, actor) && (!found || actor->start >= found->start))
			found = actor;
	}
	return found;
}

/* ---- one start, several sources ---- */

static uint64_t between(uint64_t a, uint64_t b)
{
	return a < b ? b - a : a - b;
}

static int may_be(const struct sn_actor *actor, const struct sn_actor_id *id, const struct sn_actor_id *parent,
		  uint64_t start, enum sn_actor_source source)
{
	if (!actor->sources || actor->sources & source)
		return 0;
	if (is_said(&id->guid) && is_said(&actor->id.guid))
		return 0; /* its own source would have told of both */
	return start && actor->start && between(start, actor->start) <= apart_ns && actor->parent.pid == parent->pid &&
	       !(actor->end && actor->end < start);
}

struct sn_actor *sn_actors__start(struct sn_actors *actors, const struct sn_actor_id *id,
				  const struct sn_actor_id *parent, uint64_t start, enum sn_actor_source source)
{
	struct sn_actor *set = &actors->slot[set_of(id->pid)], *same = NULL;
	uint32_t slots = slots_with(&actors->key[set_of(id->pid)], id->pid + 1);

	while (slots) {
		struct sn_actor *actor = &set[take_slot(&slots)];

		if (may_be(actor, id, parent, start, source) &&
		    (!same || between(start, actor->start) < between(start, same->start)))
			same = actor;
	}
	if (!same) {
		same = sn_actors__begin(actors, id, start);
		same->parent = *parent;
	} else {
		sn_count(&actors->stats.same, 1);
		same->start = start < same->start ? start : same->start;
		if (is_said(&id->guid)) {
			same->id.guid = id->guid;
			same->parent.guid = parent->guid;
		}
		if (id->sequence) {
			same->id.sequence = id->sequence;
			same->parent.sequence = parent->sequence;
		}
	}
	same->sources |= (uint8_t)source;
	return same;
}

void sn_actors__end(struct sn_actor *actor, uint64_t time)
{
	if (!actor->end)
		actor->end = time > actor->start ? time : actor->start + 1;
}

struct sn_actor *sn_actors__parent(struct sn_actors *actors, const struct sn_actor *actor)
{
	struct sn_actor *parent = actor->parent.pid ? sn_actors__find(actors, &actor->parent) : NULL;

	return parent == actor ? NULL : parent;
}

/* Takes the last part off a path. */
static struct sn_bytes take_last(struct sn_bytes *path)
{
	uint32_t begin = path->len, len;

	while (begin && path->at[begin - 1] != '\\')
		begin--;
	len = path->len - begin;
	path->len = begin;
	if (path->len)
		path->len--;
	return (struct sn_bytes){path->at + begin, len};
}

int sn_actors__is_root(struct sn_actors *actors, const struct sn_actor *actor)
{
	enum { IDLE = 0, SYSTEM = 4 };
	static const char *const roots[] = {"smss.exe", "csrss.exe", "wininit.exe", "winlogon.exe", "services.exe"};
	struct sn_bytes path, name, folder, above;

	if (actor->id.pid == IDLE || actor->id.pid == SYSTEM)
		return 1;
	path = sn_actors__text(actors, actor, SN_ACTOR_IMAGE);
	name = take_last(&path);
	folder = take_last(&path);
	above = take_last(&path);
	if (!sn_bytes__is_word(folder, "system32") ||
	    !(sn_bytes__is_word(above, "windows") || sn_bytes__is_word(above, "systemroot")))
		return 0;
	for (uint32_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		if (sn_bytes__is_word(name, roots[i]))
			return 1;
	return 0;
}

/* ---- texts ---- */

uint8_t *sn_actors__room(struct sn_actors *actors)
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
		sn_count(&actors->stats.forgotten, !actor->end);
		drop(actors, actor);
	}
}

void sn_actors__set(struct sn_actors *actors, struct sn_actor *actor, enum sn_actor_text which, const void *text,
		    size_t size)
{
	const struct sn_blob_part part = {text, size};

	_Static_assert((int)SN_ACTOR_ROOM / SN_BLOB_BYTES < (int)BLOCKS / SN_ACTOR_BLOBS,
		       "one's texts always have room together");
	if (!actor->used)
		return;
	sn_blobs__drop(&actors->blobs, actor->text[which]);
	actor->text[which] = 0;
	if (size > SN_ACTOR_ROOM) {
		sn_count(&actors->stats.too_long, 1);
		return;
	}
	if (!size)
		return;
	make_room(actors, sn_blobs__blocks(size), actor);
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

struct sn_bytes sn_actors__text(struct sn_actors *actors, const struct sn_actor *actor, enum sn_actor_text which)
{
	sn_actors__read(actors, actor, which, actors->room);
	return (struct sn_bytes){actors->room, (uint32_t)sn_actors__size(actors, actor, which)};
}

const struct sn_actors_stats *sn_actors__stats(const struct sn_actors *actors)
{
	return &actors->stats;
}
