/* SPDX-License-Identifier: Apache-2.0
 *
 * The operators of atoms on whole and on truncated text, three-valued.
 */
#ifndef SN_COMPARE_H
#define SN_COMPARE_H
#include "rule_table.h"

enum sn_truth { SN_FALSE = 0, SN_TRUE = 1, SN_UNKNOWN = 2 };

/* A text of which `head` bytes from the front and `len - head` from the end are known; whole when head == len and not
 * `cut`. */
struct sn_text {
	const uint8_t *text;
	uint32_t len;
	uint32_t head;
	uint32_t cut;
};

/* Operators EQUALS, CONTAINS, STARTSWITH, ENDSWITH, GLOB against `value`. */
enum sn_truth sn_compare__text(uint32_t op, const struct sn_text *text, const uint8_t *value, uint32_t len);
/* LT, LTE, GT, GTE: false when the text is no number. */
enum sn_truth sn_compare__number(uint32_t op, const struct sn_text *text, const uint8_t value[8]);
/* CIDR: false when the text is no address of that family. */
enum sn_truth sn_compare__cidr(const struct sn_text *text, const uint8_t value[18]);
#endif
