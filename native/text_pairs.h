/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of a few literals a text may have, by two bytes of each: 32 places of the text at once where the
 * processor has AVX2. The literals are in eight groups; a byte is one of a group's when the group has
 * its low half and its high half, be it in two literals.
 */
#ifndef SN_TEXT_PAIRS_H
#define SN_TEXT_PAIRS_H
#include <stdbool.h>
#include <stdint.h>

enum {
	SN_PAIRS_GROUPS = 8,
	SN_PAIRS_WITHIN_MIN = 9, /* bytes of a text behind which none is read */
};

/* By the half of a byte: a bit for each group with a literal that has it there. */
struct sn_pairs {
	uint8_t first_low[16], first_high[16], second_low[16], second_high[16];
};

/* Adds two bytes of a literal, which is folded, to a group, for texts that are not: be it that it begins with them, or
 * that they stand wherever in it. */
void sn_pairs__add(struct sn_pairs *pairs, uint32_t group, const uint8_t *two);
/* False: none of the pairs is in the text, of at least SN_PAIRS_WITHIN_MIN bytes, and it is all ASCII. No byte beyond
 * its end is read. Always true where there is no AVX2: it would cost more than it spares. */
bool sn_pairs__may_have(const struct sn_pairs *pairs, const uint8_t *text, uint32_t len);
#endif
