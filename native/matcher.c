// SPDX-License-Identifier: Apache-2.0
#include "matcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "fold.h"

enum { FOLD_BYTES = 4 << 20 }; /* folded text of one event; touched only as far as it is used */

/* The folded text of a field's first value, made when an atom first asks. */
struct folded {
	uint32_t stamp;
	uint32_t fits;
	struct sn_text text;
};

/* `memo` and `folded` are valid where their stamp is the event's, so nothing is cleared between events. */
struct sn_matcher {
	uint32_t stamp;
	uint32_t used; /* of `arena` */
	uint32_t cause;
	uint32_t *memo; /* an atom: stamp << 2 | enum sn_truth */
	struct folded *folded;
	uint8_t *arena;
	struct sn_regex_scratch *regex;
	uint32_t atoms, fields;
};

enum { STAMP_MAX = UINT32_MAX >> 2 };

int sn_matcher__new(const struct sn_rules *rules, struct sn_matcher **out)
{
	struct sn_matcher *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->atoms = rules->atom_count;
	m->fields = rules->field_count;
	m->memo = calloc(m->atoms + 1u, sizeof(*m->memo));
	m->folded = calloc(m->fields + 1u, sizeof(*m->folded));
	m->arena = malloc(FOLD_BYTES);
	m->regex = calloc(1, sizeof(*m->regex));
	if (!m->memo || !m->folded || !m->arena || !m->regex) {
		sn_matcher__free(m);
		return -ENOMEM;
	}
	*out = m;
	return 0;
}

void sn_matcher__free(struct sn_matcher *m)
{
	if (!m)
		return;
	free(m->memo);
	free(m->folded);
	free(m->arena);
	free(m->regex);
	free(m);
}

static struct sn_text text_of(const struct sn_value *v)
{
	uint32_t cut = v->state == SN_TRUNCATED;

	return (struct sn_text){v->text, v->len, cut ? v->head : v->len, cut};
}

/* Folds `v` into the arena; 0 when it has no room. */
static int fold_into(struct sn_matcher *m, const struct sn_value *v, struct sn_text *out)
{
	struct sn_text raw = text_of(v);
	uint8_t *at = m->arena + m->used;
	uint32_t head, tail;

	if (raw.len > FOLD_BYTES / 2 || SN_FOLD_ROOM(raw.len) > FOLD_BYTES - m->used)
		return 0;
	head = sn_fold__text(at, raw.text, raw.head);
	tail = sn_fold__text(at + head, raw.text + raw.head, raw.len - raw.head);
	m->used += head + tail;
	*out = (struct sn_text){at, head + tail, head, raw.cut};
	return 1;
}

/* The text to compare: raw, or folded and kept when it is the first value of `field`. */
static int comparable(struct sn_matcher *m, const struct sn_event *e, uint32_t field, const struct sn_value *v,
		      int cased, struct sn_text *out)
{
	struct folded *kept = &m->folded[field];

	if (cased) {
		*out = text_of(v);
		return 1;
	}
	if (v != &e->value[field])
		return fold_into(m, v, out);
	if (kept->stamp != m->stamp) {
		kept->stamp = m->stamp;
		kept->fits = (uint32_t)fold_into(m, v, &kept->text);
	}
	*out = kept->text;
	return (int)kept->fits;
}

static const struct sn_value *next_value(const struct sn_event *e, const struct sn_value *v)
{
	return v->next ? &e->more[v->next - 1] : NULL;
}

/* Against every value of the other field. */
static enum sn_truth compare_field(struct sn_matcher *m, const struct sn_event *e, const struct sn_table_atom *a,
				   const struct sn_text *text)
{
	enum sn_truth result = SN_FALSE;

	for (const struct sn_value *v = &e->value[a->aux]; v; v = next_value(e, v)) {
		struct sn_text other;
		enum sn_truth one;
		if (v->state == SN_ABSENT || v->state == SN_NULL)
			continue;
		if (v->state != SN_PRESENT || !comparable(m, e, a->aux, v, a->flags & SN_ATOM_CASED, &other))
			one = SN_UNKNOWN;
		else
			one = sn_compare__text(a->form, text, other.text, other.len);
		if (one == SN_TRUE)
			return one;
		if (one == SN_UNKNOWN)
			result = one;
	}
	return result;
}

static enum sn_truth search(struct sn_matcher *m, const struct sn_rules *r, const struct sn_table_atom *a,
			    const struct sn_text *text)
{
	/* of a truncated text only the front is a text in which ^ and \b mean what they say, and its end is none */
	int found = sn_regex__search(r->regex + a->off, text->text, text->head, m->regex);

	if (text->cut || found == SN_REGEX_BUDGET)
		return SN_UNKNOWN;
	return found == SN_REGEX_YES ? SN_TRUE : SN_FALSE;
}

static enum sn_truth one_value(struct sn_matcher *m, const struct sn_rules *r, const struct sn_event *e,
			       const struct sn_table_atom *a, const struct sn_value *v)
{
	struct sn_text text;

	if (a->op == SN_OP_EXISTS)
		return v->state == SN_ABSENT ? SN_FALSE : SN_TRUE;
	if (v->state == SN_LOST)
		return SN_UNKNOWN;
	if (a->op == SN_OP_NULL)
		return v->state == SN_ABSENT || v->state == SN_NULL ? SN_TRUE : SN_FALSE;
	if (v->state == SN_ABSENT || v->state == SN_NULL)
		return SN_FALSE;
	if (!comparable(m, e, a->field, v, a->flags & SN_ATOM_CASED || a->op >= SN_OP_CIDR, &text) &&
	    a->op < SN_OP_CIDR)
		return SN_UNKNOWN;
	switch (a->op) {
	case SN_OP_CIDR:
		return sn_compare__cidr(&text, r->strings + a->off);
	case SN_OP_REGEX:
		return search(m, r, a, &text);
	case SN_OP_LT:
	case SN_OP_LTE:
	case SN_OP_GT:
	case SN_OP_GTE:
		return sn_compare__number(a->op, &text, r->strings + a->off);
	case SN_OP_FIELD:
		if (!comparable(m, e, a->field, v, a->flags & SN_ATOM_CASED, &text))
			return SN_UNKNOWN;
		return compare_field(m, e, a, &text);
	default:
		return sn_compare__text(a->op, &text, r->strings + a->off, a->len);
	}
}

static enum sn_truth judge_atom(struct sn_matcher *m, const struct sn_rules *r, const struct sn_event *e,
				uint32_t number)
{
	const struct sn_table_atom *a = &r->atoms[number];
	enum sn_truth result = SN_FALSE;

	if (m->memo[number] >> 2 == m->stamp)
		result = m->memo[number] & 3;
	else {
		for (const struct sn_value *v = &e->value[a->field]; v && result != SN_TRUE; v = next_value(e, v)) {
			uint32_t used = m->used;
			enum sn_truth one = one_value(m, r, e, a, v);
			if (one != SN_FALSE)
				result = one;
			if (v != &e->value[a->field] && a->op != SN_OP_FIELD) /* only first values are kept */
				m->used = used;
		}
		m->memo[number] = m->stamp << 2 | result;
	}
	if (result == SN_UNKNOWN && m->cause == UINT32_MAX)
		m->cause = a->field;
	return result;
}

/* The node at `at`; the verifier has bounded the depth. */
static enum sn_truth judge_node(struct sn_matcher *m, const struct sn_rules *r, const struct sn_event *e, uint32_t at)
{
	const struct sn_table_node *n = &r->nodes[at];
	enum sn_truth stop = n->kind == SN_NODE_AND ? SN_FALSE : SN_TRUE;
	enum sn_truth result = stop == SN_FALSE ? SN_TRUE : SN_FALSE;

	if (n->kind == SN_NODE_ATOM)
		return judge_atom(m, r, e, n->atom);
	if (n->kind == SN_NODE_NOT) {
		enum sn_truth inner = judge_node(m, r, e, at + 1);
		return inner == SN_UNKNOWN ? inner : inner == SN_TRUE ? SN_FALSE : SN_TRUE;
	}
	for (uint32_t child = at + 1; child < at + n->span; child += r->nodes[child].span) {
		enum sn_truth one = judge_node(m, r, e, child);
		if (one == stop)
			return one;
		if (one == SN_UNKNOWN)
			result = one;
	}
	return result;
}

static void next_event(struct sn_matcher *m)
{
	m->used = 0;
	if (m->stamp++ < STAMP_MAX - 1)
		return;
	memset(m->memo, 0, m->atoms * sizeof(*m->memo));
	memset(m->folded, 0, m->fields * sizeof(*m->folded));
	m->stamp = 1;
}

uint32_t sn_matcher__judge(struct sn_matcher *m, const struct sn_rules *r, const struct sn_event *e,
			   struct sn_hit *hits, uint32_t cap)
{
	uint32_t count = 0;

	next_event(m);
	for (uint32_t l = 0; l < r->logsource_count; l++) {
		const struct sn_table_logsource *logsource = &r->logsources[l];
		if (!sn_route__applies(logsource, e->route))
			continue;
		for (uint32_t i = logsource->first; i < logsource->first + logsource->count && count < cap; i++) {
			enum sn_truth met;
			m->cause = UINT32_MAX;
			met = judge_node(m, r, e, r->rules[i].first);
			if (met == SN_FALSE)
				continue;
			hits[count++] = (struct sn_hit){i, met == SN_TRUE ? SN_MATCH : SN_UNDECIDABLE,
							met == SN_TRUE ? UINT32_MAX : m->cause};
		}
	}
	return count;
}
