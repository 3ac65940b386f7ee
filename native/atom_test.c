/* SPDX-License-Identifier: Apache-2.0 */
#include "atom_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"
#include "scalar.h"
#include "scan.h"
#include "values.h"

enum {
	/* of folded texts: room for a field's text and for the same text among the keywords; untouched pages cost
	 * nothing. A text that finds no room is undecidable. */
	SCRATCH = 2 * SN_FOLD_ROOM(SN_VALUES_SCRATCH) + 6 * SN_RECORD_MAX,
	PADDED_MAX = SN_LINE_MAX, /* longer texts are compared with each value of a list */
	PAIRS_MAX = 1 << 16,	  /* of values that two list fields are compared by; undecidable beyond */
};

int sn_tester__init(struct sn_tester *tester, const struct sn_rules *rules)
{
	size_t values = (size_t)sn_rules__field_count(rules) + SN_VALUES_MORE;

	*tester = (struct sn_tester){.rules = rules};
	tester->known = calloc((size_t)rules->count[SN_ATOMS] + 1, sizeof(*tester->known));
	tester->folded = calloc(values, sizeof(*tester->folded));
	tester->padded = malloc(PADDED_MAX + SN_SCAN_PAD);
	tester->scratch = malloc(SCRATCH);
	tester->indexes = malloc(SN_INDEXES * sizeof(*tester->indexes));
	if (!tester->known || !tester->folded || !tester->padded || !tester->scratch || !tester->indexes) {
		sn_tester__clear(tester);
		return -ENOMEM;
	}
	return 0;
}

void sn_tester__clear(struct sn_tester *tester)
{
	free(tester->known);
	free(tester->folded);
	free(tester->padded);
	free(tester->scratch);
	free(tester->indexes);
}

void sn_tester__begin(struct sn_tester *tester, const struct sn_event *event)
{
	tester->event = event;
	tester->number++;
	tester->scratch_used = 0;
	tester->long_count = 0;
	tester->regex_bounds = 0;
	tester->regex.steps = 0;
	tester->stamp += 1 << SN_TRUTH_BITS;
	if (tester->stamp)
		return;
	/* wrapped: what is remembered could look new */
	memset(tester->known, 0, (size_t)tester->rules->count[SN_ATOMS] * sizeof(*tester->known));
	memset(tester->folded, 0,
	       ((size_t)sn_rules__field_count(tester->rules) + SN_VALUES_MORE) * sizeof(*tester->folded));
	tester->stamp = 1 << SN_TRUTH_BITS;
}

static struct sn_text plain_text(const struct sn_value *value)
{
	static const uint8_t nothing[1];
	const uint8_t *text = value->len ? value->text : nothing;

	if (value->state == SN_TRUNCATED)
		return sn_text__cut(text, value->len, value->head);
	return sn_text__whole(text, value->len);
}

/* The same text folded before; NULL: it was not, or is not kept. */
static const struct sn_long_text *long_text(const struct sn_tester *tester, const struct sn_value *value)
{
	for (uint32_t i = 0; i < tester->long_count; i++)
		if (tester->long_texts[i].raw_len == value->len && value->state == SN_PRESENT &&
		    memcmp(tester->long_texts[i].raw, value->text, value->len) == 0)
			return &tester->long_texts[i];
	return NULL;
}

/* Gives a folded text, of which a back follows the front, an index. */
static void index_text(struct sn_tester *tester, const struct sn_value *value, struct sn_text *text)
{
	uint32_t len = text->front_len + (text->cut ? text->back_len : 0);
	struct sn_text_index *index = &tester->indexes[tester->long_count];

	if (len < SN_INDEXED_MIN || len > SN_INDEXED_MAX || tester->long_count == SN_INDEXES)
		return;
	sn_text_index__build(index, text->front, len);
	text->index = index;
	tester->long_texts[tester->long_count++] =
		(struct sn_long_text){value->text, text->cut ? 0 : value->len, *text};
}

const struct sn_text *sn_tester__fold(struct sn_tester *tester, const struct sn_place *place)
{
	struct sn_folded *folded = &tester->folded[place->number];
	struct sn_text text = plain_text(place->value);
	uint8_t *out = tester->scratch + tester->scratch_used;
	size_t room = SN_FOLD_ROOM((size_t)text.front_len) + SN_SCAN_PAD;
	const struct sn_long_text *known = sn_is_long(place->value) ? long_text(tester, place->value) : NULL;

	if (known) {
		*folded = (struct sn_folded){tester->stamp, known->text};
		return &folded->text;
	}
	if (text.cut)
		room += SN_FOLD_ROOM((size_t)text.back_len);
	if (room > SCRATCH - tester->scratch_used)
		return NULL;
	text.ascii = true;
	text.front_len = sn_fold__text(out, text.front, text.front_len, &text.ascii);
	text.front = out;
	if (text.cut) {
		out += text.front_len;
		text.back_len = sn_fold__text(out, text.back, text.back_len, &text.ascii);
		text.back = out;
	} else {
		text.back = text.front;
		text.back_len = text.front_len;
	}
	tester->scratch_used += room;
	if (sn_is_long(place->value))
		index_text(tester, place->value, &text);
	*folded = (struct sn_folded){tester->stamp, text};
	return &folded->text;
}

static bool is_ordered(const struct sn_decimal *own, enum sn_op op, const uint8_t *value, uint32_t len)
{
	struct sn_decimal other;
	int order;

	if (!sn_decimal__parse(value, len, &other))
		return false;
	order = sn_decimal__compare(own, &other);
	switch (op) {
	case SN_OP_LESS:
		return order < 0;
	case SN_OP_LESS_EQUAL:
		return order <= 0;
	case SN_OP_GREATER:
		return order > 0;
	case SN_OP_GREATER_EQUAL:
		return order >= 0;
	default:
		return order == 0;
	}
}

static bool compares(enum sn_op op, const struct sn_text *text, const uint8_t *value, uint32_t len)
{
	struct sn_decimal own;

	return sn_decimal__parse(text->front, text->front_len, &own) && is_ordered(&own, op, value, len);
}

static bool in_time(const struct sn_atom *atom, const struct sn_text *text, const uint8_t *value, uint32_t len)
{
	int32_t part = sn_time__part(text->front, text->front_len, (enum sn_time_part)atom->other);
	uint8_t digits[SN_TIME_DIGITS];
	struct sn_decimal own;

	if (part < 0)
		return false;
	for (uint32_t i = SN_TIME_DIGITS; i--; part /= 10)
		digits[i] = (uint8_t)('0' + part % 10);
	return sn_decimal__parse(digits, SN_TIME_DIGITS, &own) && is_ordered(&own, (enum sn_op)atom->form, value, len);
}

static enum sn_truth searches(struct sn_tester *tester, const struct sn_stretch *value, const struct sn_text *text)
{
	switch (sn_regex__search(tester->rules->regex + value->off, text->front, text->front_len, &tester->regex)) {
	case SN_REGEX_YES:
		return SN_YES;
	case SN_REGEX_NO:
		return SN_NO;
	default:
		tester->regex_bounds++;
		return SN_MAYBE;
	}
}

/* One text of the event against one value of the atom. */
static enum sn_truth meets(struct sn_tester *tester, const struct sn_atom *atom, const struct sn_stretch *value,
			   const struct sn_text *text)
{
	const uint8_t *bytes = tester->rules->text + value->off;

	if (atom->op <= SN_OP_GLOB)
		return sn_pattern__compare((enum sn_form)atom->op, text, bytes, value->len);
	if (text->cut) /* what they stand for cannot be told from a part */
		return SN_MAYBE;
	switch (atom->op) {
	case SN_OP_REGEX:
		return searches(tester, value, text);
	case SN_OP_NETWORK:
		return (enum sn_truth)sn_network__holds((const struct sn_network *)bytes, text->front, text->front_len);
	case SN_OP_TIME:
		return (enum sn_truth)in_time(atom, text, bytes, value->len);
	default:
		return (enum sn_truth)compares((enum sn_op)atom->op, text, bytes, value->len);
	}
}

/* Whether the atom's scan finds one of its literals; `plain` is how many values it does not look for. False also where
 * there is no room for the text, or it is cut: these are then all. */
static bool is_in_list(struct sn_tester *tester, const struct sn_atom *atom, const struct sn_text *text,
		       uint32_t *plain)
{
	struct sn_search search = {.rules = tester->rules};
	struct sn_text padded;

	*plain = atom->values;
	if (text->cut)
		return false;
	if (atom->cased) {
		if (text->front_len > PADDED_MAX)
			return false;
		memcpy(tester->padded, text->front, text->front_len);
		padded = sn_text__whole(tester->padded, text->front_len);
		text = &padded;
	}
	*plain = atom->plain;
	sn_scan__search(&tester->rules->scans[atom->scan], text, &search);
	return search.found;
}

static enum sn_truth test_place(struct sn_tester *tester, const struct sn_atom *atom, const struct sn_place *place)
{
	const struct sn_stretch *value = tester->rules->values + atom->value;
	const struct sn_text *text;
	struct sn_text whole;
	enum sn_truth result = SN_NO;
	uint32_t plain = atom->values;

	if (place->value->state < SN_PRESENT)
		return SN_NO;
	if (place->value->state >= SN_LOST)
		return SN_MAYBE;
	if (atom->cased || atom->op > SN_OP_GLOB) {
		whole = plain_text(place->value);
		text = &whole;
	} else {
		text = sn_tester__folded(tester, place);
		if (!text)
			return SN_MAYBE;
	}
	if (atom->scan != (uint32_t)SN_ANY && is_in_list(tester, atom, text, &plain))
		return SN_YES;
	for (uint32_t i = 0; i < plain; i++) {
		enum sn_truth truth = meets(tester, atom, &value[i], text);

		if (truth == SN_YES)
			return SN_YES;
		result |= truth;
	}
	return result;
}

static enum sn_truth test_pair(struct sn_tester *tester, const struct sn_atom *atom, const struct sn_place *a,
			       const struct sn_place *b)
{
	const struct sn_text *own, *other;
	struct sn_text plain[2];

	if (a->value->state < SN_PRESENT || b->value->state < SN_PRESENT)
		return SN_NO;
	if (a->value->state != SN_PRESENT || b->value->state != SN_PRESENT)
		return SN_MAYBE;
	if (atom->cased) {
		plain[0] = plain_text(a->value);
		plain[1] = plain_text(b->value);
		return sn_pattern__compare((enum sn_form)atom->form, &plain[0], plain[1].front, plain[1].front_len);
	}
	/* only what is not ASCII changes its length when it is folded */
	if (atom->form == SN_OP_EQUALS && a->value->len != b->value->len &&
	    sn_fold__is_ascii(a->value->text, a->value->len) && sn_fold__is_ascii(b->value->text, b->value->len))
		return SN_NO;
	own = sn_tester__folded(tester, a);
	other = sn_tester__folded(tester, b);
	if (!own || !other)
		return SN_MAYBE;
	return sn_pattern__compare((enum sn_form)atom->form, own, other->front, other->front_len);
}

static enum sn_truth test_fields(struct sn_tester *tester, const struct sn_atom *atom)
{
	enum sn_truth result = SN_NO;
	struct sn_place own = sn_tester__first(tester, atom->field);
	uint32_t pairs = 0;

	do {
		struct sn_place other = sn_tester__first(tester, atom->other);

		do {
			enum sn_truth truth = pairs++ < PAIRS_MAX ? test_pair(tester, atom, &own, &other) : SN_MAYBE;

			if (truth == SN_YES)
				return SN_YES;
			result |= truth;
		} while (pairs <= PAIRS_MAX && sn_tester__next(tester, &other));
	} while (pairs <= PAIRS_MAX && sn_tester__next(tester, &own));
	return result;
}

/* SN_OP_NULL and SN_OP_EXISTS. */
static enum sn_truth test_presence(const struct sn_tester *tester, const struct sn_atom *atom)
{
	struct sn_place place = sn_tester__first(tester, atom->field);

	if (place.value->state == SN_ABSENT)
		return atom->op == SN_OP_NULL ? SN_YES : SN_NO;
	if (atom->op == SN_OP_EXISTS)
		return sn_is_late(place.value->state) ? SN_MAYBE : SN_YES;
	if (place.value->state >= SN_LOST)
		return SN_MAYBE;
	do
		if (place.value->state == SN_NULL)
			return SN_YES;
	while (sn_tester__next(tester, &place));
	return SN_NO;
}

enum sn_truth sn_tester__test(struct sn_tester *tester, uint32_t number)
{
	const struct sn_atom *atom = &tester->rules->atoms[number];
	enum sn_truth result = SN_NO;

	if (atom->op == SN_OP_NULL || atom->op == SN_OP_EXISTS) {
		result = test_presence(tester, atom);
	} else if (atom->op == SN_OP_FIELD) {
		result = test_fields(tester, atom);
	} else {
		struct sn_place place = sn_tester__first(tester, atom->field);

		do
			result |= test_place(tester, atom, &place);
		while (!(result & SN_YES) && sn_tester__next(tester, &place));
		if (result & SN_YES)
			result = SN_YES;
	}
	tester->known[number] = tester->stamp | result;
	return result;
}
