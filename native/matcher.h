/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_matcher: which rules of a table an event meets. Three-valued: match, no match, and undecidable where a
 * field that settles the rule is cut or lost (view.h). No allocation, no failure, no clock unless rules are timed: what
 * it needs is made with it. sensor/reference.py is the readable definition of what is computed here.
 */
#ifndef SN_MATCHER_H
#define SN_MATCHER_H
#include "rule_cost.h"
#include "rule_table.h"
#include "view.h"

struct sn_hit {
	uint32_t rule;
	uint32_t verdict;     /* enum sn_verdict */
	uint32_t cause_field; /* SN_UNDECIDABLE: the first field that was not known (late), else UINT32_MAX */
	uint32_t late;	      /* 1: undecidable for want of a fact that may still be told (sn_is_late) */
};

/* Of the last judgement. */
struct sn_effort {
	uint32_t candidates;   /* rules judged one by one */
	uint32_t regex_bounds; /* searches given up */
};

struct sn_matcher;

/* For `rules`, which must outlive it. Used by one thread at a time. -ENOMEM. */
int sn_matcher__new(const struct sn_rules *rules, struct sn_matcher **out);
void sn_matcher__free(struct sn_matcher *matcher);
/* Judges the event under its route; each rule at most once, so sn_rules__count(rules) hits are always enough room.
 * Returns the hits written, at most `cap`. */
uint32_t sn_matcher__judge(struct sn_matcher *matcher, const struct sn_rules *rules, const struct sn_event *event,
			   struct sn_hit *hits, uint32_t cap);
struct sn_effort sn_matcher__effort(const struct sn_matcher *matcher);
/* What rules cost; the matcher's own, to set `every` and to read. */
struct sn_costs *sn_matcher__costs(struct sn_matcher *matcher);
/* Whether, and why, the event meets out->rule; as it is when the event is not of the rule's logsource. */
void sn_matcher__explain(struct sn_matcher *matcher, const struct sn_event *event, struct sn_explanation *out);
#endif
