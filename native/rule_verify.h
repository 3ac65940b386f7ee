/* SPDX-License-Identifier: Apache-2.0
 *
 * The proof that a rule table can be read without checks: every number in it points into its section, every condition
 * ends, and verifying takes time linear in the table. rule_verify.c: what rules are made of; route_verify.c: routes and
 * their indexes.
 */
#ifndef SN_RULE_VERIFY_H
#define SN_RULE_VERIFY_H
#include "rule_table.h"

struct sn_verifier {
	struct sn_rules *rules;
	const void *section[SN_SECTION_KINDS];
	uint32_t at[SN_SECTION_KINDS]; /* where the next list in a section has to begin */
	char *why;
	size_t why_size;
};

/* Fills `rules` from its `bytes`, `size` of them. -EINVAL: `why` says what is wrong and where; -ENOMEM. */
int sn_rules__verify(struct sn_rules *rules, size_t size, char *why, size_t why_size);

/* Says what is wrong: -EINVAL. */
int sn_verifier__refuse(const struct sn_verifier *v, const char *what, uint64_t number);
int sn_verifier__in_text(const struct sn_verifier *v, const struct sn_stretch *stretch);
/* Routes, their lists and scans; after the rules. */
int sn_verifier__routes(struct sn_verifier *v);
#endif
