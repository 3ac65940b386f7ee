// SPDX-License-Identifier: Apache-2.0
#include "rule_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the verifier found wrong first. */
struct fault {
	char *why;
	size_t size;
};

static bool refuse(struct fault *fault, const char *what, uint64_t at)
{
	if (fault->size)
		snprintf(fault->why, fault->size, "%s at %llu", what, (unsigned long long)at);
	return false;
}

static const size_t entry_size[SN_SECTION_KINDS] = {
	[SN_SECTION_STRINGS] = 1,
	[SN_SECTION_FIELDS] = sizeof(struct sn_table_name),
	[SN_SECTION_NAMES] = sizeof(struct sn_table_name),
	[SN_SECTION_LOGSOURCES] = sizeof(struct sn_table_logsource),
	[SN_SECTION_RULES] = sizeof(struct sn_table_rule),
	[SN_SECTION_NODES] = sizeof(struct sn_table_node),
	[SN_SECTION_ATOMS] = sizeof(struct sn_table_atom),
	[SN_SECTION_REGEX] = 1,
};

static void place(struct sn_rules *r, uint32_t kind, const void *at, uint32_t count)
{
	switch (kind) {
	case SN_SECTION_STRINGS:
		r->strings = at;
		r->string_bytes = count;
		break;
	case SN_SECTION_FIELDS:
		r->fields = at;
		r->field_count = count;
		break;
	case SN_SECTION_NAMES:
		r->names = at;
		r->name_count = count;
		break;
	case SN_SECTION_LOGSOURCES:
		r->logsources = at;
		r->logsource_count = count;
		break;
	case SN_SECTION_RULES:
		r->rules = at;
		r->rule_count = count;
		break;
	case SN_SECTION_NODES:
		r->nodes = at;
		r->node_count = count;
		break;
	case SN_SECTION_ATOMS:
		r->atoms = at;
		r->atom_count = count;
		break;
	case SN_SECTION_REGEX:
		r->regex = at;
		r->regex_bytes = count;
		break;
	}
}

static bool place_sections(struct sn_rules *r, struct fault *fault)
{
	const struct sn_table_head *head = (const void *)r->bytes;
	const struct sn_table_section *s = (const void *)(r->bytes + sizeof(*head));
	uint32_t seen = 0;

	if (r->size < sizeof(*head) || head->magic != SN_TABLE_MAGIC)
		return refuse(fault, "not a rule table", 0);
	if (head->version != SN_TABLE_VERSION)
		return refuse(fault, "another version of the table", head->version);
	if (head->size != r->size)
		return refuse(fault, "another length than its head says", r->size);
	if (head->sections > (r->size - sizeof(*head)) / sizeof(*s))
		return refuse(fault, "directory too long", head->sections);
	for (uint32_t i = 0; i < head->sections; i++) {
		if (!s[i].kind || s[i].kind >= SN_SECTION_KINDS)
			continue;
		if (seen & 1u << s[i].kind)
			return refuse(fault, "section twice", s[i].kind);
		seen |= 1u << s[i].kind;
		if (s[i].offset % 8 || s[i].offset > r->size || s[i].size > r->size - s[i].offset ||
		    s[i].size != (uint64_t)s[i].count * entry_size[s[i].kind])
			return refuse(fault, "section out of bounds", s[i].kind);
		place(r, s[i].kind, r->bytes + s[i].offset, s[i].count);
	}
	if (seen != (1u << SN_SECTION_KINDS) - 2)
		return refuse(fault, "section missing", seen);
	return true;
}

static bool in_strings(const struct sn_rules *r, uint32_t off, uint32_t len)
{
	return off <= r->string_bytes && len <= r->string_bytes - off;
}

static bool check_names(const struct sn_rules *r, struct fault *fault)
{
	if (r->field_count > SN_TABLE_FIELDS || r->name_count > SN_TABLE_NAMES)
		return refuse(fault, "too many names", r->name_count);
	for (uint32_t i = 0; i < r->field_count; i++)
		if (!in_strings(r, r->fields[i].off, r->fields[i].len))
			return refuse(fault, "field name out of bounds", i);
	for (uint32_t i = 0; i < r->name_count; i++)
		if (!in_strings(r, r->names[i].off, r->names[i].len))
			return refuse(fault, "name out of bounds", i);
	for (uint32_t i = 0; i < r->logsource_count; i++) {
		const struct sn_table_logsource *l = &r->logsources[i];
		if (l->product > r->name_count || l->category > r->name_count || l->service > r->name_count ||
		    l->first > r->rule_count || l->count > r->rule_count - l->first)
			return refuse(fault, "logsource out of bounds", i);
	}
	return true;
}

static bool check_atom(const struct sn_rules *r, const struct sn_table_atom *a)
{
	if (!a->op || a->op > SN_OP_LAST || a->field >= r->field_count)
		return false;
	switch (a->op) {
	case SN_OP_REGEX:
		return a->off % 8 == 0 && a->off <= r->regex_bytes && a->len <= r->regex_bytes - a->off &&
		       sn_regex__check(r->regex + a->off, a->len) == 0;
	case SN_OP_CIDR:
		if (a->len != 18 || !in_strings(r, a->off, a->len))
			return false;
		return (r->strings[a->off] == 2 && r->strings[a->off + 1] <= 32) ||
		       (r->strings[a->off] == 10 && r->strings[a->off + 1] <= 128);
	case SN_OP_LT:
	case SN_OP_LTE:
	case SN_OP_GT:
	case SN_OP_GTE:
		return a->len == 8 && in_strings(r, a->off, a->len);
	case SN_OP_FIELD:
		return a->aux < r->field_count && a->form >= SN_OP_EQUALS && a->form <= SN_OP_ENDSWITH;
	default:
		return in_strings(r, a->off, a->len);
	}
}

/* Whether the node at `at` and everything below it lies within `end`, exactly; depth bounds the recursion. */
static bool check_node(const struct sn_rules *r, uint32_t at, uint32_t end, uint32_t depth)
{
	const struct sn_table_node *n = &r->nodes[at];
	uint32_t child = at + 1, children = 0;

	if (depth > SN_TABLE_DEPTH || !n->span || n->span > end - at)
		return false;
	end = at + n->span;
	if (n->kind == SN_NODE_ATOM)
		return n->span == 1 && n->atom < r->atom_count;
	if (n->kind != SN_NODE_AND && n->kind != SN_NODE_OR && n->kind != SN_NODE_NOT)
		return false;
	for (; child < end; children++) {
		if (!check_node(r, child, end, depth + 1))
			return false;
		child += r->nodes[child].span;
	}
	return n->kind == SN_NODE_NOT ? children == 1 : children > 0;
}

static bool check_rules(const struct sn_rules *r, struct fault *fault)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < r->atom_count; i++)
		if (!check_atom(r, &r->atoms[i]))
			return refuse(fault, "unsound atom", i);
	for (uint32_t i = 0; i < r->rule_count; i++) {
		const struct sn_table_rule *rule = &r->rules[i];
		if (rule->first != next || !rule->count || rule->count > r->node_count - next)
			return refuse(fault, "rule out of bounds", i);
		if (r->nodes[next].span != rule->count || !check_node(r, next, next + rule->count, 0))
			return refuse(fault, "unsound condition of rule", i);
		next += rule->count;
	}
	return true;
}

int sn_rules__open(const void *bytes, size_t size, struct sn_rules **out, char *why, size_t why_size)
{
	struct fault fault = {why, why_size};
	struct sn_rules *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->bytes = malloc(size ? size : 1);
	r->size = size;
	if (!r->bytes) {
		free(r);
		return -ENOMEM;
	}
	memcpy(r->bytes, bytes, size);
	if (!place_sections(r, &fault) || !check_names(r, &fault) || !check_rules(r, &fault)) {
		sn_rules__close(r);
		return -EINVAL;
	}
	*out = r;
	return 0;
}

void sn_rules__close(struct sn_rules *rules)
{
	if (!rules)
		return;
	free(rules->bytes);
	free(rules);
}

uint32_t sn_rules__count(const struct sn_rules *rules)
{
	return rules->rule_count;
}

uint32_t sn_rules__field_count(const struct sn_rules *rules)
{
	return rules->field_count;
}

const char *sn_rules__field_name(const struct sn_rules *rules, uint32_t number, uint32_t *len)
{
	*len = rules->fields[number].len;
	return (const char *)rules->strings + rules->fields[number].off;
}

static uint32_t find(const struct sn_rules *r, const struct sn_table_name *names, uint32_t count, const char *name,
		     size_t len)
{
	for (uint32_t i = 0; i < count; i++)
		if (names[i].len == len && !memcmp(r->strings + names[i].off, name, len))
			return i;
	return UINT32_MAX;
}

uint32_t sn_rules__field(const struct sn_rules *rules, const char *name, size_t len)
{
	return find(rules, rules->fields, rules->field_count, name, len);
}

uint32_t sn_rules__route(const struct sn_rules *rules, const char *product, const char *category, const char *service)
{
	uint32_t p = find(rules, rules->names, rules->name_count, product, strlen(product)) + 1;
	uint32_t c = find(rules, rules->names, rules->name_count, category, strlen(category)) + 1;
	uint32_t s = find(rules, rules->names, rules->name_count, service, strlen(service)) + 1;
	uint32_t route = p | c << 10 | s << 20;

	for (uint32_t i = 0; i < rules->logsource_count; i++)
		if (sn_route__applies(&rules->logsources[i], route))
			return route;
	return UINT32_MAX;
}
