/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of a route: which of its rules an event can meet at all. Each rule has a witness, a set of literals of
 * which at least one occurs whenever the rule is met (sensor/compiler/witness.py chooses them); the rules whose witness
 * does not occur are not looked at. Rules without one are in ROUTE_ALWAYS.
 */
#ifndef SN_RULE_INDEX_H
#define SN_RULE_INDEX_H
#include "atom_test.h"
#include "scan.h"

struct sn_index {
	uint64_t *candidates; /* a bit a rule of the route; all 0 between events */
	uint32_t *seen;	      /* see struct sn_search */
	uint32_t entries;
	uint32_t stamp; /* of the event's search */
};

/* -ENOMEM */
int sn_index__init(struct sn_index *index, const struct sn_rules *rules);
void sn_index__clear(struct sn_index *index);
/* Sets the bits of the route's rules that the tester's event can meet. */
/* False: all of them, since not all that they read is known. */
bool sn_index__find(struct sn_index *index, struct sn_tester *tester, const struct sn_route *route);
#endif
