/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_win_past: what processes of Windows were made to run that nobody has unwound when they started: those that
 * lived before, and all where no rule reads what is unwound. From the image and the command line that the table of
 * processes has of each, outermost first; what is found out stays with it.
 */
#ifndef SN_WINDOWS_PAST_H
#define SN_WINDOWS_PAST_H
#include "actors.h"
#include "windows_made.h"

struct sn_win_past;

/* Both must outlive it. NULL: no memory. */
struct sn_win_past *sn_win_past__new(const struct sn_grammars *grammars, struct sn_win_proxies *proxies);
void sn_win_past__free(struct sn_win_past *past);
/* Of that process; NULL: nothing, or nobody knows. Until the next call. Other actors may be forgotten for it, and what
 * `proxies` has seen is another. */
const struct sn_win_made *sn_win_past__of(struct sn_win_past *past, struct sn_actors *actors, struct sn_actor *actor);
/* What `proxies` has seen last was that process. Other actors may be forgotten for it. */
void sn_win_past__keep(const struct sn_win_past *past, struct sn_actors *actors, struct sn_actor *actor);
#endif
