/* SPDX-License-Identifier: Apache-2.0 */
#include "matcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
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
	struct sn_costs costs;
	uint32_t candidates; /* of the last event */
	struct known_route routes[ROUTES_KEPT];
};

int sn_matcher__new(const struct sn_rules *rules, struct sn_matcher **out)
{
	struct sn_matcher *matcher = calloc(1, sizeof(*matcher));

	if (!matcher)
		return -ENOMEM;
	if (sn_tester__init(&matcher->tester, rules) || sn_index__init(&matcher->index, rules) ||
	    sn_costs__init(&matcher->costs, sn_rules__count(rules))) {
		sn_matcher__free(matcher);
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
	sn_costs__clear(&matcher->costs);
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

/* Tests that could not be decided. */
struct undecided {
	uint32_t atom; /* the first of them, the first late one before all others; UINT32_MAX: there was none */
	bool late;
};

static void note(const struct sn_tester *tester, uint32_t number, struct undecided *undecided)
{
	const struct sn_atom *atom = &tester->rules->atoms[number];
	bool late = sn_is_late(tester->event->value[atom->field].state) ||
		    (atom->op == SN_OP_FIELD && sn_is_late(tester->event->value[atom->other].state));

	if (undecided->atom == UINT32_MAX || late > undecided->late)
		undecided->atom = number;
	undecided->late |= late;
}

/* `marks`: of the rule's route, NULL where the index does not know all of them. */
static inline enum sn_truth truth_of(struct sn_tester *tester, const struct sn_step *step, const uint64_t *marks)
{
	if (marks && step->mark != (uint32_t)SN_ANY)
		return (enum sn_truth)(marks[step->mark / 64] >> step->mark % 64 & 1);
	return sn_tester__atom(tester, step->test >> 1);
}

/* Follows a rule's steps to their end, taking tests that cannot be decided for `unknown`. */
static bool follow(struct sn_tester *tester, const struct sn_step *steps, const uint64_t *marks, bool unknown,
		   struct undecided *undecided)
{
	uint32_t at = 0;

	while (at < (uint32_t)SN_TO_NO) {
		const struct sn_step *step = &steps[at];
		enum sn_truth truth = truth_of(tester, step, marks);
		bool holds = (uint32_t)truth != (step->test & 1);

		if (truth == SN_MAYBE) {
			holds = unknown;
			note(tester, step->test >> 1, undecided);
		}
		at = holds ? step->on_true : step->on_false;
	}
	return at == (uint32_t)SN_TO_MATCH;
}

/* Without NOT a condition is monotone in its tests: no match when it fails though all that is unknown holds, a match
 * when it is met though nothing unknown holds, undecidable in between. */
static uint32_t judge_rule(struct sn_tester *tester, uint32_t number, const uint64_t *marks, struct sn_hit *hit)
{
	const struct sn_rules *rules = tester->rules;
	const struct sn_step *steps = rules->steps + rules->rules[number].step;
	struct undecided undecided = {UINT32_MAX, false};

	if (!follow(tester, steps, marks, true, &undecided))
		return 0;
	*hit = (struct sn_hit){number, SN_MATCH, UINT32_MAX, 0};
	if (undecided.atom != UINT32_MAX && !follow(tester, steps, marks, false, &undecided)) {
		hit->verdict = SN_UNDECIDABLE;
		hit->cause_field = rules->atoms[undecided.atom].field;
		hit->late = undecided.late;
	}
	return 1;
}

static uint32_t judge_timed(struct sn_matcher *matcher, uint32_t number, const uint64_t *marks, struct sn_hit *hit)
{
	uint64_t begin = sn_costs__begin(&matcher->costs, number);
	uint32_t found = judge_rule(&matcher->tester, number, marks, hit);

	sn_costs__end(&matcher->costs, number, begin);
	return found;
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

/* Judges the route's rules whose bits are set, and clears all bits. `marked`: the marks are known. */
static uint32_t judge_candidates(struct sn_matcher *matcher, const struct sn_route *route, bool marked,
				 struct sn_hit *hits, uint32_t cap)
{
	const uint64_t *marks = marked ? matcher->index.candidates : NULL;
	const uint32_t *rule = matcher->tester.rules->route_rules + route->rule;
	const uint32_t timed = __atomic_load_n(&matcher->costs.every, __ATOMIC_RELAXED);
	uint64_t *bits = matcher->index.candidates;
	uint32_t found = 0;

	for (uint32_t at = 0; at < route->rules; at += 64, bits++) {
		for (; *bits; *bits &= *bits - 1) {
			uint32_t number = rule[at + (uint32_t)__builtin_ctzll(*bits)];

			matcher->candidates++;
			if (found == cap)
				continue;
			found += timed ? judge_timed(matcher, number, marks, &hits[found])
				       : judge_rule(&matcher->tester, number, marks, &hits[found]);
		}
	}
	sn_index__end(&matcher->index, route);
	return found;
}

uint32_t sn_matcher__judge(struct sn_matcher *matcher, const struct sn_rules *rules, const struct sn_event *event,
			   struct sn_hit *hits, uint32_t cap)
{
	const struct known_route *known;
	uint32_t found = 0;

	matcher->candidates = 0;
	matcher->tester.regex_bounds = 0;
	if (event->route == UINT32_MAX)
		return 0;
	known = route_of(matcher, rules, event->route);
	sn_tester__begin(&matcher->tester, event);
	sn_index__begin(&matcher->index, known->base, known->bases);
	/* those that name most first: what is known of texts then is of use to those with keywords */
	for (uint32_t i = known->bases; i--;) {
		const struct sn_route *route = &rules->routes[known->base[i]];

		const bool marked = sn_index__find(&matcher->index, &matcher->tester, route);

		found += judge_candidates(matcher, route, marked, hits + found, cap - found);
	}
	sort_hits(hits, found);
	return found;
}

struct sn_effort sn_matcher__effort(const struct sn_matcher *matcher)
{
	return (struct sn_effort){matcher->candidates, matcher->tester.regex_bounds};
}

struct sn_costs *sn_matcher__costs(struct sn_matcher *matcher)
{
	return &matcher->costs;
}

/* How the index came to the rule; its bits are clear afterwards. */
static enum sn_reach reach(struct sn_matcher *matcher, const struct sn_route *route, uint32_t number)
{
	const uint32_t *always = matcher->tester.rules->route_always + route->always;
	bool known = sn_index__find(&matcher->index, &matcher->tester, route);
	uint64_t *bits = matcher->index.candidates;
	bool found = bits[number / 64] >> number % 64 & 1;

	memset(bits, 0, sn_route__mark(route) / 64 * sizeof(*bits));
	sn_index__end(&matcher->index, route);
	if (!known)
		return SN_REACH_UNKNOWN;
	for (uint32_t i = 0; i < route->alwayses; i++)
		if (always[i] == number)
			return found ? SN_REACH_ALWAYS : SN_REACH_NOT;
	return found ? SN_REACH_WITNESS : SN_REACH_NOT;
}

void sn_matcher__explain(struct sn_matcher *matcher, const struct sn_event *event, struct sn_explanation *out)
{
	const struct sn_rules *rules = matcher->tester.rules;
	const struct known_route *known;
	struct sn_hit hit;

	if (event->route == UINT32_MAX)
		return;
	known = route_of(matcher, rules, event->route);
	for (uint32_t i = 0; i < known->bases; i++) {
		const struct sn_route *route = &rules->routes[known->base[i]];
		const uint32_t *rule = rules->route_rules + route->rule;

		for (uint32_t number = 0; number < route->rules; number++) {
			if (rule[number] != out->rule)
				continue;
			sn_tester__begin(&matcher->tester, event);
			sn_index__begin(&matcher->index, known->base, known->bases);
			out->routed = 1;
			out->reach = reach(matcher, route, number);
			out->verdict = judge_rule(&matcher->tester, out->rule, NULL, &hit) ? hit.verdict : 0;
			sn_explanation__fill(out, &matcher->tester, route, number);
		}
	}
}
