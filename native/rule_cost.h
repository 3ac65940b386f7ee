/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_costs: how often each rule of a table was judged, and what that took. One thread writes, any may read.
 */
#ifndef SN_RULE_COST_H
#define SN_RULE_COST_H
#include "sensor.h"

struct sn_costs {
	uint32_t every; /* one of so many judgements is timed; 0: nothing is counted */
	uint32_t until; /* the next that is */
	uint32_t rules;
	struct sn_rule_cost *of; /* by the rule's number */
};

/* -ENOMEM */
int sn_costs__init(struct sn_costs *costs, uint32_t rules);
void sn_costs__clear(struct sn_costs *costs);
/* From any thread. */
void sn_costs__every(struct sn_costs *costs, uint32_t every);
/* Copies by rule number, at most `max`: returns how many. */
uint32_t sn_costs__read(const struct sn_costs *costs, struct sn_rule_cost *out, uint32_t max);
/* Before and after a rule is judged: `begin` is handed from one to the other. Only where `every` is not 0. */
uint64_t sn_costs__begin(struct sn_costs *costs, uint32_t rule);
void sn_costs__end(struct sn_costs *costs, uint32_t rule, uint64_t begin);
#endif
