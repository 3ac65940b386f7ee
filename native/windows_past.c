/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_past.h"

#include <stdlib.h>

enum { TEXT_MAX = 1 << 16 }; /* a longer command line leads nowhere: no real one of Windows comes to that */

struct sn_win_past {
	const struct sn_grammars *grammars;
	struct sn_win_proxies *proxies;
	struct sn_win_made made;
	uint8_t image[TEXT_MAX], line[TEXT_MAX];
};

struct sn_win_past *sn_win_past__new(const struct sn_grammars *grammars, struct sn_win_proxies *proxies)
{
	struct sn_win_past *past = calloc(1, sizeof(*past));

	if (!past)
		return NULL;
	past->grammars = grammars;
	past->proxies = proxies;
	return past;
}

void sn_win_past__free(struct sn_win_past *past)
{
	free(past);
}

/* In TEXT_MAX bytes; empty: it is not known. */
static struct sn_bytes text_of(const struct sn_actors *actors, const struct sn_actor *actor, enum sn_actor_text which,
			       uint8_t *room)
{
	size_t size = sn_actors__size(actors, actor, which);

	if (!size || size > TEXT_MAX)
		return (struct sn_bytes){0};
	sn_actors__read(actors, actor, which, room);
	return (struct sn_bytes){room, (uint32_t)size};
}

/* Nobody has looked at it yet, and it may make something run. */
static bool is_to_be_seen(struct sn_win_past *past, const struct sn_actors *actors, struct sn_actor *actor)
{
	if (actor->unwound)
		return false;
	if (sn_windows__find(past->grammars, text_of(actors, actor, SN_ACTOR_IMAGE, past->image)))
		return true;
	actor->unwound = 1;
	return false;
}

void sn_win_past__keep(const struct sn_win_past *past, struct sn_actors *actors, struct sn_actor *actor)
{
	const struct sn_win_made *made = sn_win_proxies__made(past->proxies);

	actor->unwound = 1;
	sn_actors__set(actors, actor, SN_ACTOR_MADE, made, made ? sn_win_made__size(made) : 0);
}

static const struct sn_win_made *kept(struct sn_win_past *past, const struct sn_actors *actors,
				      const struct sn_actor *actor)
{
	if (!actor || !sn_actors__size(actors, actor, SN_ACTOR_MADE))
		return NULL;
	sn_actors__read(actors, actor, SN_ACTOR_MADE, &past->made);
	return &past->made;
}

static void see(struct sn_win_past *past, struct sn_actors *actors, struct sn_actor *actor,
		const struct sn_win_made *parent)
{
	const struct sn_start start = {.image = text_of(actors, actor, SN_ACTOR_IMAGE, past->image),
				       .command_line = text_of(actors, actor, SN_ACTOR_LINE, past->line)};

	sn_win_proxies__see(past->proxies, past->grammars, &start, NULL, parent);
	sn_win_past__keep(past, actors, actor);
}

const struct sn_win_made *sn_win_past__of(struct sn_win_past *past, struct sn_actors *actors, struct sn_actor *actor)
{
	struct sn_actor *way[SN_UNWIND_DEPTH];
	uint32_t steps = 0;

	while (actor && steps < SN_UNWIND_DEPTH && is_to_be_seen(past, actors, actor)) {
		way[steps++] = actor;
		actor = sn_actors__parent(actors, actor);
	}
	/* what is kept of one may drive others out of the table: they are then free slots, and say nothing */
	for (; steps; actor = way[steps])
		see(past, actors, way[--steps], kept(past, actors, actor));
	return kept(past, actors, actor);
}
