/* SPDX-License-Identifier: Apache-2.0
 *
 * What Windows' events that come as JSON say of processes: into struct sn_actors, and, for their alerts, out of it.
 * What an event says itself goes before what is known otherwise (alert_event.c).
 */
#ifndef SN_ACTOR_EVENTS_H
#define SN_ACTOR_EVENTS_H
#include "actors.h"
#include "logsource.h"
#include "mapping.h"
#include "sensor.h"

/* Where the values of an event of one rule table are. */
struct sn_actor_fields {
	uint32_t number[SN_START_FIELDS];
	uint32_t sysmon, security; /* services */
};

void sn_actor_fields__of(const struct sn_rules *rules, struct sn_actor_fields *out);
/* Takes in a decoded event of Sysmon or the audit log, if a process starts in it: that, else NULL. `time` as below. */
struct sn_actor *sn_actor_events__learn(struct sn_actors *actors, const struct sn_actor_fields *fields,
					const struct sn_values *values, const struct sn_routes *routes, uint64_t time);
/* The same if one ends in it, once its alerts are written. */
void sn_actor_events__end(struct sn_actors *actors, const struct sn_actor_fields *fields,
			  const struct sn_values *values, const struct sn_routes *routes, uint64_t time);
/* Who did what a decoded event tells, at `time` (ns since 1970; 0: as it says itself, if it does); NULL: not known. */
struct sn_actor *sn_actor_events__find(struct sn_actors *actors, const struct sn_actor_fields *fields,
				       const struct sn_values *values, uint64_t time);
/* As a struct sn_actor_block in `room` bytes: its size, 0: no room. */
size_t sn_actor_events__write(const struct sn_actors *actors, const struct sn_actor *actor, uint8_t *to, size_t room);
#endif
