/* SPDX-License-Identifier: Apache-2.0 */
#include "rule_verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "regex.h"

#include "scalar.h"
#include "scan.h"

/* Bytes an element. */
static const uint32_t element_size[SN_SECTION_KINDS] = {
	[SN_TEXT] = 1,
	[SN_FIELDS] = sizeof(struct sn_stretch),
	[SN_PRODUCTS] = sizeof(struct sn_stretch),
	[SN_CATEGORIES] = sizeof(struct sn_stretch),
	[SN_SERVICES] = sizeof(struct sn_stretch),
	[SN_VALUES] = sizeof(struct sn_stretch),
	[SN_ATOMS] = sizeof(struct sn_atom),
	[SN_STEPS] = sizeof(struct sn_step),
	[SN_RULES] = sizeof(struct sn_rule),
	[SN_ROUTES] = sizeof(struct sn_route),
	[SN_ROUTE_RULES] = sizeof(uint32_t),
	[SN_ROUTE_ALWAYS] = sizeof(uint32_t),
	[SN_ROUTE_FIELDS] = sizeof(uint32_t),
	[SN_SCANS] = sizeof(struct sn_scan),
	[SN_FILTERS] = sizeof(uint32_t),
	[SN_BUCKETS] = sizeof(uint32_t),
	[SN_ENTRIES] = sizeof(struct sn_entry),
	[SN_TARGETS] = sizeof(uint32_t),
	[SN_REGEX] = 1,
	[SN_GRAMMARS] = 1,
	[SN_WIN_GRAMMARS] = 1,
};

int sn_verifier__refuse(const struct sn_verifier *v, const char *what, uint64_t number)
{
	snprintf(v->why, v->why_size, "%s %llu", what, (unsigned long long)number);
	return -EINVAL;
}

static int verify_section(struct sn_verifier *v, const struct sn_section *section, uint64_t number, size_t size)
{
	uint32_t element;

	if (section->offset % 8 || section->offset > size || section->size > size - section->offset)
		return sn_verifier__refuse(v, "bounds of section", number);
	if (section->kind >= SN_SECTION_KINDS || !element_size[section->kind])
		return 0;
	element = element_size[section->kind];
	if (section->size / element != section->count || section->size % element)
		return sn_verifier__refuse(v, "size of section", number);
	if (v->section[section->kind])
		return sn_verifier__refuse(v, "a second section of kind", section->kind);
	v->section[section->kind] = v->rules->bytes + section->offset;
	v->rules->count[section->kind] = section->count;
	return 0;
}

static int verify_sections(struct sn_verifier *v, size_t size)
{
	const struct sn_table_head *head = (const struct sn_table_head *)v->rules->bytes;
	const struct sn_section *section = (const struct sn_section *)(head + 1);

	if (size < sizeof(*head) || memcmp(head->magic, SN_TABLE_MAGIC, sizeof(head->magic)) != 0)
		return sn_verifier__refuse(v, "not a rule table; bytes:", size);
	if (head->version != SN_TABLE_VERSION)
		return sn_verifier__refuse(v, "made by another version; its layout is", head->version);
	if (head->size != size)
		return sn_verifier__refuse(v, "cut off or too long; bytes it should have:", head->size);
	if (head->sections > (size - sizeof(*head)) / sizeof(*section))
		return sn_verifier__refuse(v, "number of sections", head->sections);
	for (uint32_t i = 0; i < head->sections; i++)
		if (verify_section(v, &section[i], i, size))
			return -EINVAL;
	for (uint32_t kind = 0; kind < SN_SECTION_KINDS; kind++)
		if (element_size[kind] && !v->section[kind])
			return sn_verifier__refuse(v, "there is no section of kind", kind);
	return 0;
}

static void adopt_sections(struct sn_verifier *v)
{
	struct sn_rules *rules = v->rules;

	rules->text = v->section[SN_TEXT];
	rules->regex = v->section[SN_REGEX];
	rules->fields = v->section[SN_FIELDS];
	rules->products = v->section[SN_PRODUCTS];
	rules->categories = v->section[SN_CATEGORIES];
	rules->services = v->section[SN_SERVICES];
	rules->values = v->section[SN_VALUES];
	rules->atoms = v->section[SN_ATOMS];
	rules->steps = v->section[SN_STEPS];
	rules->rules = v->section[SN_RULES];
	rules->routes = v->section[SN_ROUTES];
	rules->route_rules = v->section[SN_ROUTE_RULES];
	rules->route_always = v->section[SN_ROUTE_ALWAYS];
	rules->route_fields = v->section[SN_ROUTE_FIELDS];
	rules->scans = v->section[SN_SCANS];
	rules->filters = v->section[SN_FILTERS];
	rules->buckets = v->section[SN_BUCKETS];
	rules->entries = v->section[SN_ENTRIES];
	rules->targets = v->section[SN_TARGETS];
}

int sn_verifier__in_text(const struct sn_verifier *v, const struct sn_stretch *stretch)
{
	uint32_t size = v->rules->count[SN_TEXT];

	return stretch->off <= size && stretch->len <= size - stretch->off;
}

/* Sorted by bytes, each once, none empty. */
static int verify_names(const struct sn_verifier *v, enum sn_section_kind kind)
{
	const struct sn_stretch *names = v->section[kind];

	for (uint32_t i = 0; i < v->rules->count[kind]; i++) {
		const struct sn_stretch *a = &names[i ? i - 1 : 0], *b = &names[i];
		int order;

		if (!sn_verifier__in_text(v, b) || !b->len)
			return sn_verifier__refuse(v, "name", i);
		if (!i)
			continue;
		order = memcmp(v->rules->text + a->off, v->rules->text + b->off, a->len < b->len ? a->len : b->len);
		if (order > 0 || (order == 0 && a->len >= b->len))
			return sn_verifier__refuse(v, "order of name", i);
	}
	return 0;
}

static int regex_sound(struct sn_verifier *v, const struct sn_stretch *value)
{
	uint32_t size = v->rules->count[SN_REGEX];

	/* one after the other, so that none is verified twice */
	if (value->off != v->at[SN_REGEX] || value->off > size || value->len > size - value->off || value->off % 8)
		return 0;
	v->at[SN_REGEX] += value->len;
	return sn_regex__check(v->rules->regex + value->off, value->len) == 0;
}

static int network_sound(const uint8_t *text, uint32_t len)
{
	const struct sn_network *network = (const struct sn_network *)text;

	if (len != sizeof(*network))
		return 0;
	return (network->family == SN_IPV4 && network->bits <= 32) ||
	       (network->family == SN_IPV6 && network->bits <= 128);
}

static int value_sound(struct sn_verifier *v, const struct sn_atom *atom, const struct sn_stretch *value)
{
	struct sn_decimal decimal;
	const uint8_t *text;

	if (atom->op == SN_OP_REGEX)
		return regex_sound(v, value);
	if (!sn_verifier__in_text(v, value))
		return 0;
	text = v->rules->text + value->off;
	switch (atom->op) {
	case SN_OP_NETWORK:
		return network_sound(text, value->len);
	case SN_OP_LESS:
	case SN_OP_LESS_EQUAL:
	case SN_OP_GREATER:
	case SN_OP_GREATER_EQUAL:
	case SN_OP_TIME:
		return sn_decimal__parse(text, value->len, &decimal);
	default:
		return 1;
	}
}

static int takes_values(const struct sn_atom *atom)
{
	return atom->op != SN_OP_NULL && atom->op != SN_OP_EXISTS && atom->op != SN_OP_FIELD;
}

static int verify_atoms(struct sn_verifier *v)
{
	const struct sn_rules *rules = v->rules;
	uint32_t at = 0;

	for (uint32_t i = 0; i < rules->count[SN_ATOMS]; i++) {
		const struct sn_atom *atom = &rules->atoms[i];

		if (atom->field >= rules->count[SN_FIELDS] || !atom->op || atom->op >= SN_OPS)
			return sn_verifier__refuse(v, "field or operator of atom", i);
		if (atom->op == SN_OP_FIELD &&
		    (atom->other >= rules->count[SN_FIELDS] || !atom->form || atom->form > SN_OP_ENDSWITH))
			return sn_verifier__refuse(v, "other field of atom", i);
		if (atom->op == SN_OP_TIME && atom->other >= SN_TIME_PARTS)
			return sn_verifier__refuse(v, "part of time of atom", i);
		if (atom->plain > atom->values || (atom->scan == (uint32_t)SN_ANY && atom->plain != atom->values) ||
		    (atom->scan != (uint32_t)SN_ANY &&
		     (atom->scan >= rules->count[SN_SCANS] || atom->op > SN_OP_ENDSWITH)))
			return sn_verifier__refuse(v, "scan of atom", i);
		/* one after the other, so that none is verified twice */
		if (atom->value != at || atom->values > rules->count[SN_VALUES] - at ||
		    (atom->values > 0) != takes_values(atom))
			return sn_verifier__refuse(v, "values of atom", i);
		for (; at < atom->value + atom->values; at++)
			if (!value_sound(v, atom, &rules->values[at]))
				return sn_verifier__refuse(v, "value", at);
	}
	return 0;
}

static int target_sound(uint32_t target, uint32_t step, uint32_t steps)
{
	return target >= (uint32_t)SN_TO_NO || (target > step && target < steps);
}

static int verify_rules(const struct sn_verifier *v)
{
	const struct sn_rules *rules = v->rules;
	uint32_t at = 0;

	for (uint32_t i = 0; i < rules->count[SN_RULES]; i++) {
		const struct sn_rule *rule = &rules->rules[i];

		if (rule->step != at || !rule->steps || rule->steps > rules->count[SN_STEPS] - at)
			return sn_verifier__refuse(v, "steps of rule", i);
		for (uint32_t k = 0; k < rule->steps; k++, at++) {
			const struct sn_step *step = &rules->steps[at];

			if (step->test >> 1 >= rules->count[SN_ATOMS] || !target_sound(step->on_true, k, rule->steps) ||
			    !target_sound(step->on_false, k, rule->steps))
				return sn_verifier__refuse(v, "step", at);
		}
	}
	return 0;
}

int sn_rules__verify(struct sn_rules *rules, size_t size, char *why, size_t why_size)
{
	struct sn_verifier v = {.rules = rules, .why = why, .why_size = why_size};
	int rc = verify_sections(&v, size);

	if (rc)
		return rc;
	adopt_sections(&v);
	if (rules->count[SN_GRAMMARS] &&
	    sn_grammars__open(v.section[SN_GRAMMARS], rules->count[SN_GRAMMARS], &rules->grammars))
		return sn_verifier__refuse(&v, "grammars; bytes:", rules->count[SN_GRAMMARS]);
	if (rules->count[SN_WIN_GRAMMARS] &&
	    sn_grammars__open(v.section[SN_WIN_GRAMMARS], rules->count[SN_WIN_GRAMMARS], &rules->win_grammars))
		return sn_verifier__refuse(&v, "grammars of Windows; bytes:", rules->count[SN_WIN_GRAMMARS]);
	if (verify_names(&v, SN_FIELDS) || verify_names(&v, SN_PRODUCTS) || verify_names(&v, SN_CATEGORIES) ||
	    verify_names(&v, SN_SERVICES) || verify_atoms(&v) || verify_rules(&v))
		return -EINVAL;
	return sn_verifier__routes(&v);
}
