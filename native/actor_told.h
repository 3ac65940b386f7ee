/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules that alerted on the start of a process of Windows: where several sources tell of it, each rule alerts once, by
 * the source that brings it out first. What only a later one says brings out the others.
 */
#ifndef SN_ACTOR_TOLD_H
#define SN_ACTOR_TOLD_H
#include "actors.h"
#include "matcher.h"

enum { SN_ACTOR_TOLD_MAX = 64 }; /* rules of one start; beyond, they may alert again */

/* Takes those out of `hits` that alerted on the actor's start before, under the rules of that generation, and notes the
 * others: how many are left. A match is more than an undecidable was. Other actors may be forgotten for it. */
uint32_t sn_actor_told__drop(struct sn_actors *actors, struct sn_actor *actor, uint64_t generation, struct sn_hit *hits,
			     uint32_t count);
#endif
