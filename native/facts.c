/* SPDX-License-Identifier: Apache-2.0
 *
 * See facts.h.
 */
#include "facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "key_hash.h"

enum {
	SLOTS = 1024,	 /* power of two */
	WAYS = 2,	 /* places of a key: neighbours */
	PROGRAMS = 2048, /* power of two; half of them at most are used */
	NAME_ROOM = 31,
	PROGRAM_BITS = 11,
	SLOT_BITS = 9, /* of pairs */
};

_Static_assert(1 << PROGRAM_BITS == PROGRAMS && WAYS << SLOT_BITS == SLOTS, "hashes take the upper bits");

static const uint64_t RETRY_NS = 10000000000;	/* what nobody could tell is asked again after this */
static const uint64_t PATIENCE_NS = 2000000000; /* and a question without an answer after this */

struct slot {
	struct sn_file_key key;
	uint64_t number; /* question under way; 0: none */
	uint64_t asked;	 /* when */
	uint64_t told;	 /* when the answer came */
	uint64_t used;	 /* goes up with each use of any slot: the lower one of a pair goes first */
	union {
		struct sn_facts facts; /* size 0: nothing yet */
		uint8_t bytes[SN_FACTS_MAX];
	};
};

struct program {
	uint64_t inode, bytes, mtime;
	uint32_t dev;
	uint8_t used;
	uint8_t len; /* 0: forgotten */
	uint8_t name[NAME_ROOM];
};

struct sn_file_facts {
	uint64_t uses;
	uint32_t known;
	uint32_t programs;
	struct program program[PROGRAMS];
	struct slot slot[SLOTS];
};

struct sn_file_facts *sn_file_facts__new(void)
{
	return calloc(1, sizeof(struct sn_file_facts));
}

void sn_file_facts__free(struct sn_file_facts *facts)
{
	free(facts);
}

const struct sn_facts *sn_facts__empty(enum sn_facts_state state)
{
	static const struct sn_facts none = {.size = sizeof(none), .state = SN_FACTS_NONE},
				     late = {.size = sizeof(late), .state = SN_FACTS_LATE},
				     lost = {.size = sizeof(lost), .state = SN_FACTS_LOST};

	return state == SN_FACTS_NONE ? &none : state == SN_FACTS_LATE ? &late : &lost;
}

bool sn_facts__is_sound(const void *bytes, size_t size)
{
	struct sn_facts facts;

	if (size < sizeof(facts) || size > SN_FACTS_MAX || size % 8)
		return false;
	memcpy(&facts, bytes, sizeof(facts));
	if (facts.size != size || facts.state > SN_FACTS_KNOWN)
		return false;
	for (uint32_t i = 0; i < SN_FACTS; i++)
		if (facts.text[i].off > size || facts.text[i].len > size - facts.text[i].off)
			return false;
	return true;
}

/* ---- files ---- */

static bool equal(const struct sn_file_key *a, const struct sn_file_key *b)
{
	return a->inode == b->inode && a->bytes == b->bytes && a->mtime == b->mtime && a->ctime == b->ctime &&
	       a->dev == b->dev;
}

/* The first of the key's two places. */
static struct slot *pair_of(struct sn_file_facts *facts, const struct sn_file_key *key)
{
	uint64_t hash = (key->inode ^ (uint64_t)key->dev << 40) * 0x9e3779b97f4a7c15u;

	hash = (hash ^ key->ctime ^ key->mtime << 20 ^ key->bytes << 40) * 0xc2b2ae3d27d4eb4fu;
	return &facts->slot[(hash >> (64 - SLOT_BITS)) * WAYS];
}

static struct slot *find(struct sn_file_facts *facts, const struct sn_file_key *key)
{
	struct slot *slot = pair_of(facts, key);

	for (uint32_t i = 0; i < WAYS; i++)
		if (slot[i].used && equal(&slot[i].key, key)) {
			slot[i].used = ++facts->uses;
			return &slot[i];
		}
	return NULL;
}

static struct slot *find_or_take(struct sn_file_facts *facts, const struct sn_file_key *key)
{
	struct slot *slot = find(facts, key);

	if (slot)
		return slot;
	slot = pair_of(facts, key);
	slot += slot[1].used < slot[0].used;
	facts->known -= slot->facts.size != 0;
	slot->key = *key;
	slot->number = 0;
	slot->facts.size = 0;
	slot->used = ++facts->uses;
	return slot;
}

const struct sn_facts *sn_file_facts__find(struct sn_file_facts *facts, const struct sn_file_key *key, uint64_t now)
{
	const struct slot *slot = find(facts, key);

	if (!slot || !slot->facts.size || (slot->facts.state != SN_FACTS_KNOWN && now - slot->told > RETRY_NS))
		return sn_facts__empty(SN_FACTS_LATE);
	return &slot->facts;
}

struct sn_asking sn_file_facts__ask(struct sn_file_facts *facts, const struct sn_file_key *key, uint64_t number,
				    uint64_t now)
{
	struct slot *slot = find_or_take(facts, key);

	if (slot->number && now - slot->asked <= PATIENCE_NS)
		return (struct sn_asking){slot->number, false};
	slot->number = number;
	slot->asked = now;
	return (struct sn_asking){number, true};
}

void sn_file_facts__put(struct sn_file_facts *facts, const struct sn_file_key *key, const struct sn_facts *answer,
			uint64_t now)
{
	struct slot *slot = find_or_take(facts, key);

	facts->known += !slot->facts.size;
	memcpy(slot->bytes, answer, answer->size);
	slot->number = 0;
	slot->told = now;
}

void sn_file_facts__forget(struct sn_file_facts *facts)
{
	for (uint32_t i = 0; i < SLOTS; i++)
		if (facts->slot[i].used)
			facts->slot[i].facts.size = 0;
	facts->known = 0;
}

uint32_t sn_file_facts__count(const struct sn_file_facts *facts)
{
	return facts->known;
}

/* ---- which program a file is ---- */

/* Where the file stands, or the free place that it would take. */
static struct program *program_of(const struct sn_file_facts *facts, uint32_t dev, uint64_t inode)
{
	uint64_t at = sn_pair_hash(inode, dev, PROGRAM_BITS);
	const struct program *program;

	for (;; at++) {
		program = &facts->program[at & (PROGRAMS - 1)];
		if (!program->used || (program->inode == inode && program->dev == dev))
			return (struct program *)program;
	}
}

int sn_file_facts__identify(struct sn_file_facts *facts, const struct sn_file_key *key, struct sn_bytes name)
{
	struct program *program = program_of(facts, key->dev, key->inode);

	if (name.len > NAME_ROOM || (!program->used && facts->programs >= PROGRAMS / 2))
		return -ENOSPC;
	facts->programs += !program->used;
	program->inode = key->inode;
	program->bytes = key->bytes;
	program->mtime = key->mtime;
	program->dev = key->dev;
	program->used = 1;
	program->len = (uint8_t)name.len;
	memcpy(program->name, name.at, name.len);
	return 0;
}

void sn_file_facts__forget_identities(struct sn_file_facts *facts)
{
	memset(facts->program, 0, sizeof(facts->program));
	facts->programs = 0;
}

struct sn_bytes sn_file_facts__identity(const struct sn_file_facts *facts, const struct sn_file_key *key)
{
	const struct program *program = program_of(facts, key->dev, key->inode);

	/* else it was overwritten, or the inode is another file's by now */
	if (program->used && program->bytes == key->bytes && program->mtime == key->mtime)
		return (struct sn_bytes){program->name, program->len};
	return (struct sn_bytes){0};
}
