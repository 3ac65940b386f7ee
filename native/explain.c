/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a rule was met or not: slow, beside the way of an event. The truth of each test comes from the same code as the
 * verdict, what occurs is looked up without the index, so that an index that misses something shows.
 */
#include "explain.h"

struct explaining {
	struct sn_tester *tester;
	struct sn_explanation *out;
	uint32_t rule; /* the rule's number in its route */
};

static int is_target(const struct explaining *e, const struct sn_entry *entry)
{
	const uint32_t *target = e->tester->rules->targets + entry->target;

	for (uint32_t i = 0; i < entry->targets; i++)
		if (target[i] == e->rule)
			return 1;
	return 0;
}

static int occurs(const struct explaining *e, uint32_t field, const struct sn_entry *entry)
{
	const uint8_t *literal = e->tester->rules->text + entry->literal.off;
	struct sn_place place = sn_tester__first(e->tester, field);
	uint32_t found = 0;

	do {
		const struct sn_text *text;

		if (place.value->state != SN_PRESENT && place.value->state != SN_TRUNCATED)
			continue;
		text = sn_tester__folded(e->tester, &place);
		if (text)
			found |= sn_pattern__compare((enum sn_form)entry->op, text, literal, entry->literal.len) &
				 SN_YES;
	} while (!found && sn_tester__next(e->tester, &place));
	return found != 0;
}

/* A literal has an entry a window, one after the other or not: it is told once. */
static int is_told(const struct sn_explanation *out, const uint8_t *text, const struct sn_entry *entry, uint32_t field)
{
	uint32_t told = out->witnesses < out->witness_max ? out->witnesses : out->witness_max;

	for (uint32_t i = 0; i < told; i++)
		if (out->witness[i].text == (const char *)text && out->witness[i].len == entry->literal.len &&
		    out->witness[i].op == entry->op && out->witness[i].field == field)
			return 1;
	return 0;
}

static void tell_witness(const struct explaining *e, const struct sn_scan *scan)
{
	const struct sn_rules *rules = e->tester->rules;
	struct sn_explanation *out = e->out;

	for (uint32_t i = scan->entry; i < scan->entry + scan->entries; i++) {
		const struct sn_entry *entry = &rules->entries[i];
		const uint8_t *text = rules->text + entry->literal.off;

		if (!is_target(e, entry) || is_told(out, text, entry, scan->field))
			continue;
		if (out->witnesses < out->witness_max)
			out->witness[out->witnesses] = (struct sn_explained_witness){
				scan->field, entry->op, (const char *)text, entry->literal.len,
				(uint32_t)occurs(e, scan->field, entry)};
		out->witnesses++;
	}
}

static void tell_steps(const struct explaining *e, const struct sn_rule *rule)
{
	const struct sn_rules *rules = e->tester->rules;

	for (uint32_t i = 0; i < rule->steps; i++) {
		uint32_t test = rules->steps[rule->step + i].test;
		const struct sn_atom *atom = &rules->atoms[test >> 1];

		if (i < e->out->step_max)
			e->out->step[i] = (struct sn_explained_step){atom->field, atom->op, test & 1,
								     (uint32_t)sn_tester__atom(e->tester, test >> 1),
								     atom->values};
	}
	e->out->steps = rule->steps;
}

void sn_explanation__fill(struct sn_explanation *out, struct sn_tester *tester, const struct sn_route *route,
			  uint32_t rule)
{
	const struct sn_rules *rules = tester->rules;
	struct explaining e = {tester, out, rule};

	out->witnesses = 0;
	for (uint32_t i = 0; i < route->scans; i++)
		tell_witness(&e, &rules->scans[route->scan + i]);
	tell_steps(&e, &rules->rules[rules->route_rules[route->rule + rule]]);
}
