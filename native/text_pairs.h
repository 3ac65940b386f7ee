/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of a few short literals a text may have, by their first two bytes: 32 places of the text at once where the
 * processor has AVX2. The literals are in eight groups; a byte is one of a group's when the group has its low half and
 * its high half, be it in two literals.
 */
#ifndef SN_TEXT_PAIRS_H
#define SN_TEXT_PAIRS_H
#include <stdint.h>

enum {
	SN_PAIRS_GROUPS = 8,
	SN_PAIRS_PAD = 32, /* bytes behind a text that are read, too */
};

/* By the half of a byte: a bit for each group with a literal that has it there. A literal of one byte has every second
 * byte. Made by sensor/compiler/index.py. */
struct sn_pairs {
	uint8_t first_low[16], first_high[16], second_low[16], second_high[16];
};

/* The bits of the groups that may have a literal in the text. */
uint32_t sn_pairs__met(const struct sn_pairs *pairs, const uint8_t *text, uint32_t len);
/* The same on every processor. More may be met by what stands behind the text. */
uint32_t sn_pairs__met_plain(const struct sn_pairs *pairs, const uint8_t *text, uint32_t len);
#endif
