/* SPDX-License-Identifier: Apache-2.0 */
#include "actor_told.h"

/* As it is kept with the actor. */
struct told {
	uint64_t generation;
	uint32_t count;
	uint32_t rule[SN_ACTOR_TOLD_MAX]; /* twice its number, and 1 for a match */
};

static void read(const struct sn_actors *actors, const struct sn_actor *actor, uint64_t generation, struct told *told)
{
	told->count = 0;
	if (sn_actors__size(actors, actor, SN_ACTOR_TOLD))
		sn_actors__read(actors, actor, SN_ACTOR_TOLD, told);
	if (told->count && told->generation != generation) /* its numbers are other rules' */
		told->count = 0;
	told->generation = generation;
}

/* Whether it is news; it is noted then. */
static int is_new(struct told *told, const struct sn_hit *hit)
{
	uint32_t is_match = hit->verdict == SN_MATCH;

	for (uint32_t i = 0; i < told->count; i++) {
		if (told->rule[i] >> 1 != hit->rule)
			continue;
		if (told->rule[i] & 1 || !is_match)
			return 0;
		told->rule[i] |= 1;
		return 1;
	}
	if (told->count < SN_ACTOR_TOLD_MAX)
		told->rule[told->count++] = hit->rule << 1 | is_match;
	return 1;
}

uint32_t sn_actor_told__drop(struct sn_actors *actors, struct sn_actor *actor, uint64_t generation, struct sn_hit *hits,
			     uint32_t count)
{
	struct told told;
	uint32_t kept = 0;

	read(actors, actor, generation, &told);
	for (uint32_t i = 0; i < count; i++)
		if (is_new(&told, &hits[i]))
			hits[kept++] = hits[i];
	if (kept)
		sn_actors__set(actors, actor, SN_ACTOR_TOLD, &told,
			       offsetof(struct told, rule) + told.count * sizeof(*told.rule));
	return kept;
}
