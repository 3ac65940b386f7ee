/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_etw_learner: what events of Windows say of processes, into struct sn_actors.
 */
#ifndef SN_ETW_LEARN_H
#define SN_ETW_LEARN_H
#include "actors.h"
#include "etw.h"
#include "etw_join.h"
#include "etw_names.h"

struct sn_etw_learner {
	struct sn_actors *actors;
	struct sn_etw_names *names;
};

/* Whose event it is; UINT32_MAX: not said. Network, process and image events say it themselves: the thread that wrote
 * them is often somebody else's. */
uint32_t sn_etw_learn__pid(const struct sn_etw_event *event, const struct sn_etw_decoded *decoded);
/* Whether a process starts. */
int sn_etw_learn__is_start(const struct sn_etw_event *event, const struct sn_etw_decoded *decoded);
/* One that does. `is_second`: the other event of the same start has been here. */
void sn_etw_learner__start(struct sn_etw_learner *learner, const struct sn_etw_event *event,
			   const struct sn_etw_decoded *decoded, int is_second);
/* Any other event: processes that end, or are listed, and images that they map. */
void sn_etw_learner__event(struct sn_etw_learner *learner, const struct sn_etw_event *event,
			   const struct sn_etw_decoded *decoded);
/* An event that will come again: learns of those that lived before the trace. One that started before it could be
 * listed is none of them. */
void sn_etw_learner__look(struct sn_etw_learner *learner, const struct sn_etw_event *event,
			  const struct sn_etw_decoded *decoded);
/* Asks for the command line of a process that has none: where it is from, NULL: it was known, or cannot be had. */
const char *sn_etw_learner__ask(struct sn_etw_learner *learner, struct sn_actor *actor, sn_etw_command_line *ask);
#endif
