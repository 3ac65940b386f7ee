/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions of rules, compiled to automata by sensor/compiler/regex.py and run here. The time is linear in
 * the text: a DFA takes one step a byte, a table look-up; an expression whose DFA would be too large is an NFA, which
 * takes one an edge. All searches of an event share one budget of steps: none begins when it is spent, and an NFA ends
 * there (SN_REGEX_BUDGET: undecidable, counted by the caller).
 *
 * The alphabet is Unicode characters, grouped into classes that the expression cannot tell apart. A byte that is no
 * UTF-8 counts as one character U+DC80..U+DCFF, as in Python's surrogateescape.
 *
 *   +----------------+-----------+---------------------------+----------------------------------------+
 *   | sn_regex_head  | ascii[128]| ranges: first char, class | DFA: next[class][state] u16            |
 *   |                | u8        | {u32, u32} sorted         | NFA: traits[256] u8 of the classes,    |
 *   |                | leave[16] |                           | member[position][32] u8 (bit a class), |
 *   |                | go_on[16] |                           | first[position + 1] u32, edges         |
 *   +----------------+-----------+---------------------------+----------------------------------------+
 *
 * DFA states: 0 has matched, 1 can never match; both end the scan. Class `classes` is the end of the text. The state
 * `home` is one that most of a text does not change: only a character of the set `leave` does, and unless one of the
 * set `go_on` follows it, that leads where it alone would have led from `home`. A set of ASCII is a bit for each
 * character: bit c >> 4 of byte c & 15.
 */
#ifndef SN_REGEX_H
#define SN_REGEX_H
#include <stddef.h>
#include <stdint.h>

enum sn_regex_kind { SN_REGEX_DFA = 1, SN_REGEX_NFA = 2 };
enum sn_regex_result { SN_REGEX_NO = 0, SN_REGEX_YES = 1, SN_REGEX_BUDGET = 2 };

enum sn_regex_limits {
	SN_REGEX_STATES_MAX = 4096,    /* DFA states */
	SN_REGEX_POSITIONS_MAX = 4096, /* NFA positions, the start included */
	SN_REGEX_CLASSES_MAX = 250,
	SN_REGEX_STEPS_MAX = 200000, /* of all searches of an event: about 0.4 ms */
};

struct sn_regex_head {
	uint32_t size; /* whole blob, multiple of 8 */
	uint16_t kind;
	uint16_t classes; /* of characters; one more column for the end of the text */
	uint32_t states;  /* DFA states, NFA positions */
	uint32_t start;	  /* DFA */
	uint32_t ranges;
	uint32_t edges;	   /* NFA */
	uint32_t final;	   /* class of a newline that ends the text, UINT32_MAX: as any other newline */
	uint32_t shortest; /* characters of the shortest text that is met */
	uint32_t home;	   /* DFA */
	uint32_t pad;
};

/* NFA: position 0 is the start, which consumes nothing; edges of position p are edge[first[p] .. first[p + 1]).
 * An edge may be followed between two characters when all of its `need` flags hold there. */
struct sn_regex_edge {
	uint16_t target; /* position; 0 = accept */
	uint16_t need;
};

enum sn_regex_trait { SN_TRAIT_NEWLINE = 1, SN_TRAIT_WORD = 2, SN_TRAIT_FINAL = 4 };

enum sn_regex_need {
	SN_AT_START = 1,
	SN_AT_END = 2,
	SN_AT_LINE_START = 4,
	SN_AT_LINE_END = 8,
	SN_AT_WORD = 16,
	SN_AT_NO_WORD = 32,
	SN_AT_BEFORE_FINAL = 64,
};

/* Two sets of positions for the NFA; one per matching thread. */
struct sn_regex_scratch {
	uint32_t steps; /* taken; to be cleared for each event, the rest never */
	uint32_t mark[SN_REGEX_POSITIONS_MAX];
	uint16_t list[2][SN_REGEX_POSITIONS_MAX];
	uint32_t stamp;
};

/* 0, or -EINVAL: `size` bytes at an 8-aligned address are a sound blob; the search then needs no checks. */
int sn_regex__check(const uint8_t *blob, size_t size);
/* Whether the expression occurs anywhere in the text: enum sn_regex_result. */
int sn_regex__search(const uint8_t *blob, const uint8_t *text, size_t len, struct sn_regex_scratch *scratch);
#endif
