/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rules an event meets. Three-valued: match, no match, undecidable (a field that the rule needs was truncated or
 * lost and the rest of the condition does not settle it). The meaning is sensor/reference.py's.
 *
 * Judging allocates nothing, reads no clock and cannot fail; its scratch is sized to the table when it is made.
 */
#ifndef SN_MATCHER_H
#define SN_MATCHER_H
#include "rule_table.h"
#include "view.h"

struct sn_matcher;

struct sn_hit {
	uint32_t rule;
	uint32_t verdict;     /* enum sn_verdict */
	uint32_t cause_field; /* SN_UNDECIDABLE: the first field that was missing, else UINT32_MAX */
};

int sn_matcher__new(const struct sn_rules *rules, struct sn_matcher **out);
void sn_matcher__free(struct sn_matcher *matcher);
/* Writes at most `cap` hits, in the order of the table; returns how many. */
uint32_t sn_matcher__judge(struct sn_matcher *matcher, const struct sn_rules *rules, const struct sn_event *event,
			   struct sn_hit *hits, uint32_t cap);
#endif
