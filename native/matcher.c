/* SPDX-License-Identifier: Apache-2.0 */
#include "matcher.h"

#include <errno.h>
#include <stdlib.h>

#include "rule_index.h"

enum { ROUTES_KEPT = 64 }; /* power of two; more than a stream of events has in turns */

/* What sn_rules__bases says of a route. */
struct known_route {
	uint32_t route;
	uint32_t bases;
	uint32_t base[SN_BASES_MAX];
};

struct sn_matcher {
	struct sn_tester tester;
	struct sn_index index;
	struct known_route routes[ROUTES_KEPT];
};

int sn_matcher__new(const struct sn_rules *rules, struct sn_matcher **out)
{
	struct sn_matcher *matcher = calloc(1, sizeof(*matcher));

	if (!matcher)
		return -ENOMEM;
	if (sn_tester__init(&matcher->tester, rules) || sn_index__init(&matcher->index, rules)) {
		sn_tester__clear(&matcher->tester);
		free(matcher);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < ROUTES_KEPT; i++)
		matcher->routes[i].route = UINT32_MAX;
	*out = matcher;
	return 0;
}

void sn_matcher__free(struct sn_matcher *matcher)
{
	if (!matcher)
		return;
	sn_tester__clear(&matcher->tester);
	sn_index__clear(&matcher->index);
	free(matcher);
}

static const struct known_route *route_of(struct sn_matcher *matcher, const struct sn_rules *rules, uint32_t number)
{
	struct known_route *route = &matcher->routes[number & (ROUTES_KEPT - 1)];

	if (route->route != number) {
		route->bases = sn_rules__bases(rules, number, route->base);
		route->route = number;
	}
	return route;
}

/* Follows a rule's steps to their end, taking tests that cannot be decided for `unknown`, and keeps the first of
 * them. */
static bool follow(struct sn_tester *tester, const struct sn_step *steps, bool unknown, uint32_t *undecided)
{
	uint32_t at = 0;

	while (at < (uint32_t)SN_TO_NO) {
		const struct sn_step *step = &steps[at];
		enum sn_truth truth = sn_tester__atom(tester, step->test >> 1);
		bool holds = (uint32_t)truth != (step->test & 1);

		if (truth == SN_MAYBE) {
			holds = unknown;
			if (*undecided == UINT32_MAX)
				*undecided = step->test >> 1;
		}
		at = holds ? step->on_true : step->on_false;
	}
	return at == (uint32_t)SN_TO_MATCH;
}

/* Without NOT a condition is monotone in its tests: no match when it fails though all that is unknown holds, a match
 * when it is met though nothing unknown holds, undecidable in between. */
static uint32_t judge_rule(struct sn_tester *tester, uint32_t number, struct sn_hit *hit)
{
	const struct sn_rules *rules = tester->rules;
	const struct sn_step *steps = rules->steps + rules->rules[number].step;
	uint32_t undecided = UINT32_MAX;

	if (!follow(tester, steps, true, &undecided))
		return 0;
	*hit = (struct sn_hit){number, SN_MATCH, UINT32_MAX};
	if (undecided != UINT32_MAX && !follow(tester, steps, false, &undecided)) {
		hit->verdict = SN_UNDECIDABLE;
		hit->cause_field = rules->atoms[undecided].field;
	}
	return 1;
}

/* By the rules' numbers: each route has them in that order. */
static void sort_hits(struct sn_hit *hits, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		struct sn_hit hit = hits[i];
		uint32_t at = i;

		for (; at && hits[at - 1].rule > hit.rule; at--)
			hits[at] = hits[at - 1];
		hits[at] = hit;
	}
}

uint32_t sn_matcher__judge(struct sn_matcher *matcher, const struct sn_rules *rules, const struct sn_event *event,
			   struct sn_hit *hits, uint32_t cap)
{
	const struct known_route *known;
	uint32_t found = 0;

	if (event->route == UINT32_MAX)
		return 0;
	known = route_of(matcher, rules, event->route);
	sn_tester__begin(&matcher->tester, event);
	for (uint32_t i = 0; i < known->bases; i++) {
		const struct sn_route *route = &rules->routes[known->base[i]];
		const uint32_t *rule = rules->route_rules + route->rule;
		uint64_t *bits = matcher->index.candidates;

		sn_index__find(&matcher->index, &matcher->tester, route);
		for (uint32_t at = 0; at < route->rules; at += 64, bits++) {
			for (; *bits; *bits &= *bits - 1)
				if (found < cap)
					found += judge_rule(&matcher->tester,
							    rule[at + (uint32_t)__builtin_ctzll(*bits)], &hits[found]);
		}
	}
	sort_hits(hits, found);
	return found;
}
