/* SPDX-License-Identifier: Apache-2.0 */
#include "grammar.h"

#include <errno.h>
#include <string.h>

static const uint32_t element_size[SN_GR_SECTIONS] = {
	[SN_GR_SLOTS] = sizeof(struct sn_grammar_slot),
	[SN_GR_PROGRAMS] = sizeof(struct sn_grammar),
	[SN_GR_OPTIONS] = sizeof(struct sn_grammar_entry),
	[SN_GR_SETTINGS] = sizeof(struct sn_grammar_entry),
	[SN_GR_PLACES] = sizeof(uint32_t),
	[SN_GR_SUBS] = sizeof(struct sn_grammar_entry),
	[SN_GR_MARKERS] = sizeof(struct sn_grammar_text),
	[SN_GR_TEXT] = 1,
};

/* ---- verification ---- */

static bool lay_out(struct sn_grammars *g, const struct sn_grammar_head *head, size_t size)
{
	const void *section[SN_GR_SECTIONS];

	if (memcmp(head->magic, SN_GRAMMAR_MAGIC, sizeof(head->magic)) != 0 || head->version != SN_GRAMMAR_VERSION ||
	    head->size != size || head->offset[0] != sizeof(*head) || head->offset[SN_GR_SECTIONS] != size)
		return false;
	for (uint32_t i = 0; i < SN_GR_SECTIONS; i++) {
		uint32_t from = head->offset[i], to = head->offset[i + 1];

		if (from % 4 || to < from || to > size || (to - from) % element_size[i])
			return false;
		section[i] = g->bytes + from;
		g->count[i] = (to - from) / element_size[i];
	}
	g->slots = section[SN_GR_SLOTS];
	g->programs = section[SN_GR_PROGRAMS];
	g->options = section[SN_GR_OPTIONS];
	g->settings = section[SN_GR_SETTINGS];
	g->places = section[SN_GR_PLACES];
	g->subs = section[SN_GR_SUBS];
	g->markers = section[SN_GR_MARKERS];
	g->text = section[SN_GR_TEXT];
	return true;
}

static bool text_is_sound(const struct sn_grammars *g, struct sn_grammar_text text)
{
	return text.off <= g->count[SN_GR_TEXT] && text.len <= g->count[SN_GR_TEXT] - text.off;
}

static bool entries_are_sound(const struct sn_grammars *g, const struct sn_grammar_entry *entry, uint32_t section,
			      uint32_t limit)
{
	for (uint32_t i = 0; i < g->count[section]; i++)
		if (!text_is_sound(g, entry[i].name) || !entry[i].name.len || entry[i].give >= limit)
			return false;
	return true;
}

/* A search ends at a free slot, so there has to be one. */
static bool slots_are_sound(struct sn_grammars *g)
{
	uint32_t count = g->count[SN_GR_SLOTS], empty = 0;

	if (!count || count & (count - 1))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		empty += g->slots[i].name.len == 0;
		if (!text_is_sound(g, g->slots[i].name) ||
		    (g->slots[i].name.len && g->slots[i].program >= g->count[SN_GR_PROGRAMS]))
			return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *name = g->text + g->slots[i].name.off;
		uint32_t len = g->slots[i].name.len, shape;

		shape = len ? sn_grammar__shape(len, *name, name[len / 2], name[len - 1]) : 0;
		g->shapes[shape / 64] |= len ? 1ull << shape % 64 : 0;
	}
	g->slot_mask = count - 1;
	return empty > 0;
}

static bool range_is_sound(const struct sn_grammars *g, struct sn_grammar_range range, uint32_t section)
{
	return range.first <= g->count[section] && range.count <= g->count[section] - range.first;
}

static bool programs_are_sound(const struct sn_grammars *g)
{
	for (uint32_t i = 0; i < g->count[SN_GR_PROGRAMS]; i++) {
		const struct sn_grammar *p = &g->programs[i];

		if (!text_is_sound(g, p->class) || !text_is_sound(g, p->name) || p->name.len > SN_GRAMMAR_NAME_MAX ||
		    !range_is_sound(g, p->options, SN_GR_OPTIONS) || !range_is_sound(g, p->settings, SN_GR_SETTINGS) ||
		    !range_is_sound(g, p->places, SN_GR_PLACES) || !range_is_sound(g, p->subs, SN_GR_SUBS) ||
		    !range_is_sound(g, p->markers, SN_GR_MARKERS))
			return false;
		/* a subcommand's grammar stands behind the one that leads to it, so no chain of them is a ring */
		for (uint32_t k = 0; k < p->subs.count; k++)
			if (g->subs[p->subs.first + k].give <= i)
				return false;
	}
	for (uint32_t i = 0; i < g->count[SN_GR_PLACES]; i++)
		if (g->places[i] >= SN_GIVES || g->places[i] == SN_GIVE_FLAG)
			return false;
	for (uint32_t i = 0; i < g->count[SN_GR_MARKERS]; i++)
		if (!text_is_sound(g, g->markers[i]) || !g->markers[i].len)
			return false;
	return true;
}

int sn_grammars__open(const void *bytes, size_t size, struct sn_grammars *out)
{
	struct sn_grammars g = {.bytes = bytes};

	if (size < sizeof(struct sn_grammar_head) || size > UINT32_MAX)
		return -EINVAL;
	if (!lay_out(&g, bytes, size) || !slots_are_sound(&g) ||
	    !entries_are_sound(&g, g.options, SN_GR_OPTIONS, SN_GIVES) ||
	    !entries_are_sound(&g, g.settings, SN_GR_SETTINGS, SN_GIVES) ||
	    !entries_are_sound(&g, g.subs, SN_GR_SUBS, g.count[SN_GR_PROGRAMS]) || !programs_are_sound(&g))
		return -EINVAL;
	*out = g;
	return 0;
}

/* ---- look-up ---- */

enum { SHORTEST = 3 }; /* a name that may have a version behind it: cc1 is not cc */

/* Mirrored by sensor/compiler/grammar.py. FNV-1a: names are short. */
static uint32_t hash_of(const uint8_t *name, uint32_t len)
{
	uint32_t hash = 2166136261u;

	for (uint32_t i = 0; i < len; i++)
		hash = (hash ^ name[i]) * 16777619u;
	return hash ^ hash >> 15;
}

static const struct sn_grammar *look_up(const struct sn_grammars *g, const uint8_t *name, uint32_t len)
{
	for (uint32_t i = hash_of(name, len) & g->slot_mask; g->slots[i].name.len; i = (i + 1) & g->slot_mask)
		if (g->slots[i].name.len == len && memcmp(g->text + g->slots[i].name.off, name, len) == 0)
			return &g->programs[g->slots[i].program];
	return NULL;
}

const struct sn_grammar *sn_grammars__named(const struct sn_grammars *grammars, const uint8_t *name, uint32_t len)
{
	return len && len <= SN_GRAMMAR_NAME_MAX ? look_up(grammars, name, len) : NULL;
}

const struct sn_grammar *sn_grammars__find(const struct sn_grammars *grammars, const uint8_t *name, uint32_t len)
{
	const struct sn_grammar *found;
	uint32_t cut = len;

	if (!len || len > SN_GRAMMAR_NAME_MAX)
		return NULL;
	found = look_up(grammars, name, len);
	while (cut && ((name[cut - 1] >= '0' && name[cut - 1] <= '9') || name[cut - 1] == '.' || name[cut - 1] == '-'))
		cut--;
	return found || cut == len || cut < SHORTEST ? found : look_up(grammars, name, cut);
}
