/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts against patterns, three-valued. Of a cut text (SN_TRUNCATED) only the front and the back are known: YES holds
 * whatever stands between them, as if only `*` could match it; NO means that nothing between them could make it hold;
 * MAYBE is the rest. Patterns and texts are bytes: the caller folds both or neither.
 */
#ifndef SN_PATTERN_H
#define SN_PATTERN_H
#include <stdbool.h>
#include <stdint.h>

struct sn_text_index;

enum sn_truth { SN_NO = 0, SN_YES = 1, SN_MAYBE = 2 };

/* In a glob, bytes that UTF-8 never has: any run of characters; one character, or one byte that is no UTF-8. */
enum sn_glob { SN_GLOB_RUN = 0xff, SN_GLOB_ONE = 0xfe };

/* The ways to compare; the first of enum sn_op in rule_table.h. */
enum sn_form {
	SN_FORM_EQUALS = 1,
	SN_FORM_CONTAINS = 2,
	SN_FORM_STARTSWITH = 3,
	SN_FORM_ENDSWITH = 4,
	SN_FORM_GLOB = 5,
};

/* A whole text is both its front and its back. */
struct sn_text {
	const uint8_t *front, *back;
	uint32_t front_len, back_len;
	bool cut;
	bool ascii;			   /* of a folded text: false where it may not be all ASCII */
	const struct sn_text_index *index; /* of the front, and of a back that follows it; NULL: there is none */
};

static inline struct sn_text sn_text__whole(const uint8_t *text, uint32_t len)
{
	return (struct sn_text){.front = text, .back = text, .front_len = len, .back_len = len};
}

/* `head` bytes from the front, the rest from the end. A character that the cut tore apart is left out. */
struct sn_text sn_text__cut(const uint8_t *text, uint32_t len, uint32_t head);

/* First place of `needle`, NULL when there is none. An empty one is everywhere. */
const uint8_t *sn_pattern__find(const uint8_t *text, uint32_t len, const uint8_t *needle, uint32_t size);

enum sn_truth sn_pattern__compare(enum sn_form form, const struct sn_text *text, const uint8_t *pattern, uint32_t size);
#endif
