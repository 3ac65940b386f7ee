/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_win_view: what a process creation of Windows was really made to run, for one rule table, whichever source
 * filled its values.
 */
#ifndef SN_WINDOWS_VIEW_H
#define SN_WINDOWS_VIEW_H
#include "actors.h"
#include "proxy.h"
#include "values.h"

struct sn_win_view;

/* `rules`, which have grammars of Windows, must outlive it. NULL: no memory. */
struct sn_win_view *sn_win_view__new(const struct sn_rules *rules);
void sn_win_view__free(struct sn_win_view *view);
/* Adds to `values`, which hold a process creation, the fields that rules read. What the event says itself stays.
 * `actor`: the process; NULL: nobody knows which it is. Other actors may be forgotten for it. */
void sn_win_view__fill(struct sn_win_view *view, struct sn_values *values, struct sn_actors *actors,
		       const struct sn_actor *actor);
/* The same for the event's alerts, once it is filled and has hits. Borrowed as `values` are. */
const struct sn_proxy *sn_win_view__proxy(struct sn_win_view *view, const struct sn_values *values,
					  struct sn_actors *actors, const struct sn_actor *actor);
/* Keeps in the actor of the same event what its children need to know, if it was looked at. */
void sn_win_view__keep(const struct sn_win_view *view, struct sn_actors *actors, struct sn_actor *actor);
/* Of the event that sn_win_view__proxy was asked about: enum sn_renamed. */
uint32_t sn_win_view__renamed(const struct sn_win_view *view);
#endif
