/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_tester: the tests of a rule table's atoms on one event. Each atom is tested, and each text folded, at most
 * once an event, when it is first asked for.
 */
#ifndef SN_ATOM_TEST_H
#define SN_ATOM_TEST_H
#include <stddef.h>

#include "pattern.h"
#include "regex.h"
#include "rule_table.h"
#include "text_index.h"
#include "view.h"

/* A text as atoms that are not `cased` see it. */
struct sn_folded {
	uint32_t stamp; /* of the event that it was folded for */
	struct sn_text text;
};

enum { SN_INDEXES = 8 }; /* long texts of an event that get an index */

/* A long text, under all the numbers that it has in the event. */
struct sn_long_text {
	const uint8_t *raw;
	uint32_t raw_len;
	struct sn_text text; /* folded */
};

struct sn_tester {
	const struct sn_rules *rules;
	const struct sn_event *event;
	uint32_t stamp;		  /* of the event; the low SN_TRUTH_BITS are 0 */
	uint64_t number;	  /* of the event, from 1 */
	uint32_t *known;	  /* an atom's: stamp | enum sn_truth; another stamp: not tested yet */
	struct sn_folded *folded; /* by field number, then by number of the further value */
	uint8_t *padded;	  /* a text that is not folded, with room to read behind it */
	uint8_t *scratch;
	size_t scratch_used;
	struct sn_text_index *indexes; /* SN_INDEXES of them; untouched pages cost nothing */
	struct sn_long_text long_texts[SN_INDEXES];
	uint32_t long_count;
	uint32_t regex_bounds; /* searches of this event that were given up */
	struct sn_regex_scratch regex;
};

enum {
	SN_TRUTH_BITS = 2,
};

/* One of a field's values; `number` counts fields, then further values. */
struct sn_place {
	const struct sn_value *value;
	uint32_t number;
};

/* -ENOMEM. `rules` must outlive it. */
int sn_tester__init(struct sn_tester *tester, const struct sn_rules *rules);
void sn_tester__clear(struct sn_tester *tester);
/* Begins with an event, which must stay as it is until the next begin. */
void sn_tester__begin(struct sn_tester *tester, const struct sn_event *event);
/* Tests the atom; sn_tester__atom remembers. */
enum sn_truth sn_tester__test(struct sn_tester *tester, uint32_t number);

static inline struct sn_place sn_tester__first(const struct sn_tester *tester, uint32_t field)
{
	return (struct sn_place){&tester->event->value[field], field};
}

/* False: there is no further one. */
static inline bool sn_tester__next(const struct sn_tester *tester, struct sn_place *place)
{
	uint32_t next = place->value->next;

	if (!next)
		return false;
	*place = (struct sn_place){&tester->event->more[next - 1], tester->event->fields + next - 1};
	return true;
}

/* The folded text of a value that is SN_PRESENT or SN_TRUNCATED, until the next begin; NULL: no room. */
const struct sn_text *sn_tester__fold(struct sn_tester *tester, const struct sn_place *place);

static inline bool sn_is_long(const struct sn_value *value)
{
	return value->len >= SN_INDEXED_MIN;
}

static inline const struct sn_text *sn_tester__folded(struct sn_tester *tester, const struct sn_place *place)
{
	const struct sn_folded *folded = &tester->folded[place->number];

	return folded->stamp == tester->stamp ? &folded->text : sn_tester__fold(tester, place);
}

static inline enum sn_truth sn_tester__atom(struct sn_tester *tester, uint32_t number)
{
	uint32_t known = tester->known[number];

	if ((known ^ tester->stamp) < 1 << SN_TRUTH_BITS)
		return (enum sn_truth)(known & ((1 << SN_TRUTH_BITS) - 1));
	return sn_tester__test(tester, number);
}
#endif
