/* SPDX-License-Identifier: Apache-2.0
 *
 * What became of a rule on an event, and why (struct sn_explanation of sensor.h).
 */
#ifndef SN_EXPLAIN_H
#define SN_EXPLAIN_H
#include "rule_index.h"

/* Witnesses and steps of the rule, which is `number` in the route, on the event that the tester is at. */
void sn_explanation__fill(struct sn_explanation *out, struct sn_tester *tester, const struct sn_route *route,
			  uint32_t number);
#endif
