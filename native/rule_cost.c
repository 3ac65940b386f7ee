/* SPDX-License-Identifier: Apache-2.0 */
#include "rule_cost.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "count.h"

int sn_costs__init(struct sn_costs *costs, uint32_t rules)
{
	*costs = (struct sn_costs){.rules = rules};
	costs->of = calloc((size_t)rules + 1, sizeof(*costs->of));
	return costs->of ? 0 : -ENOMEM;
}

void sn_costs__clear(struct sn_costs *costs)
{
	free(costs->of);
}

uint64_t sn_costs__begin(struct sn_costs *costs, uint32_t rule)
{
	sn_count(&costs->of[rule].candidates, 1);
	if (costs->until && --costs->until)
		return 0;
	costs->until = __atomic_load_n(&costs->every, __ATOMIC_RELAXED);
	return sn_clock__now();
}

void sn_costs__end(struct sn_costs *costs, uint32_t rule, uint64_t begin)
{
	if (!begin)
		return;
	sn_count(&costs->of[rule].ns, sn_clock__now() - begin);
	sn_count(&costs->of[rule].timed, 1);
}

void sn_costs__every(struct sn_costs *costs, uint32_t every)
{
	__atomic_store_n(&costs->every, every, __ATOMIC_RELAXED);
}

uint32_t sn_costs__read(const struct sn_costs *costs, struct sn_rule_cost *out, uint32_t max)
{
	uint32_t count = costs->rules < max ? costs->rules : max;

	for (uint32_t i = 0; i < count; i++)
		out[i] = (struct sn_rule_cost){__atomic_load_n(&costs->of[i].candidates, __ATOMIC_RELAXED),
					       __atomic_load_n(&costs->of[i].timed, __ATOMIC_RELAXED),
					       __atomic_load_n(&costs->of[i].ns, __ATOMIC_RELAXED)};
	return count;
}
