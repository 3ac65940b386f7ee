// SPDX-License-Identifier: Apache-2.0
#include "regex.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { SET_BYTES = 16 };

/* The parts of a blob, as its head gives them. */
struct layout {
	const struct sn_regex_head *head;
	const uint8_t *ascii, *leave, *go_on;
	const uint32_t *ranges; /* pairs: first character, class */
	const uint16_t *next;	/* DFA */
	const uint8_t *traits;	/* NFA */
	const uint8_t (*member)[32];
	const uint32_t *first;
	const struct sn_regex_edge *edges;
	size_t end;
};

static struct layout layout_of(const uint8_t *blob)
{
	struct layout l = {.head = (const struct sn_regex_head *)blob};
	size_t at = sizeof(*l.head);
	l.ascii = blob + at;
	at += 128;
	l.leave = blob + at;
	at += SET_BYTES;
	l.go_on = blob + at;
	at += SET_BYTES;
	l.ranges = (const uint32_t *)(blob + at);
	at += (size_t)l.head->ranges * 8;
	if (l.head->kind == SN_REGEX_DFA) {
		l.next = (const uint16_t *)(blob + at);
		l.end = at + (size_t)l.head->states * (l.head->classes + 1u) * 2;
		return l;
	}
	l.traits = blob + at;
	at += 256;
	l.member = (const uint8_t(*)[32])(blob + at);
	at += (size_t)l.head->states * 32;
	l.first = (const uint32_t *)(blob + at);
	at += ((size_t)l.head->states + 1) * 4;
	l.edges = (const struct sn_regex_edge *)(blob + at);
	l.end = at + (size_t)l.head->edges * sizeof(*l.edges);
	return l;
}

static bool head_sound(const struct sn_regex_head *h, size_t size)
{
	if (h->size != size || size % 8 || !h->classes || h->classes > SN_REGEX_CLASSES_MAX || h->ranges > size / 8)
		return false;
	if (h->kind == SN_REGEX_DFA)
		return h->states > 2 && h->states <= SN_REGEX_STATES_MAX && h->start < h->states && h->start > 1;
	return h->kind == SN_REGEX_NFA && h->states && h->states <= SN_REGEX_POSITIONS_MAX && h->edges <= size / 4;
}

int sn_regex__check(const uint8_t *blob, size_t size)
{
	const struct sn_regex_head *h = (const struct sn_regex_head *)blob;
	if (size < sizeof(*h) + 128 + 2 * SET_BYTES || !head_sound(h, size) ||
	    (h->final != UINT32_MAX && h->final >= h->classes))
		return -EINVAL;
	struct layout l = layout_of(blob);
	if (l.end > size || !h->ranges || l.ranges[0] != 128)
		return -EINVAL;
	for (uint32_t i = 0; i < 128; i++)
		if (l.ascii[i] >= h->classes)
			return -EINVAL;
	for (uint32_t i = 0; i < h->ranges; i++)
		if (l.ranges[2 * i + 1] >= h->classes || (i && l.ranges[2 * i] <= l.ranges[2 * i - 2]))
			return -EINVAL;
	if (h->kind == SN_REGEX_DFA) {
		for (size_t i = 0; i < (size_t)h->states * (h->classes + 1u); i++)
			if (l.next[i] >= h->states)
				return -EINVAL;
		return 0;
	}
	if (l.first[0] != 0 || l.first[h->states] != h->edges)
		return -EINVAL;
	for (uint32_t i = 0; i < h->states; i++)
		if (l.first[i] > l.first[i + 1])
			return -EINVAL;
	for (uint32_t i = 0; i < h->edges; i++)
		if (l.edges[i].target >= h->states)
			return -EINVAL;
	return 0;
}

/* Decodes the character at text[*at], which is not ASCII, and moves on; a byte that begins no shortest-form UTF-8
 * sequence is itself, as U+DC00 + byte. */
static uint32_t wide_character(const uint8_t *text, size_t len, size_t *at)
{
	const uint8_t *p = text + *at;
	size_t left = len - *at;
	uint32_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c = p[0] & (0xffu >> (n + 1));
	static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};

	bool sound = p[0] >= 0xc2 && p[0] <= 0xf4 && left >= n;
	for (uint32_t i = 1; sound && i < n; i++) {
		sound = (p[i] & 0xc0) == 0x80;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (!sound || c < lowest[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
		*at += 1;
		return 0xdc00u + p[0];
	}
	*at += n;
	return c;
}

static uint32_t wide_class(const struct layout *l, const uint8_t *text, size_t len, size_t *at)
{
	uint32_t c = wide_character(text, len, at);
	uint32_t low = 0, high = l->head->ranges;
	if (l->ranges[2 * (high - 1)] <= c)
		low = high - 1; /* most that is far from ASCII */
	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;
		if (l->ranges[2 * middle] <= c)
			low = middle;
		else
			high = middle;
	}
	return l->ranges[2 * low + 1];
}

static inline uint32_t class_at(const struct layout *l, const uint8_t *text, size_t len, size_t *at)
{
	if (text[*at] < 0x80)
		return l->ascii[text[(*at)++]];
	return wide_class(l, text, len, at);
}

/* Where the text ends for class_at: before its last character if that is a newline with a class of its own. */
static size_t body_length(const struct layout *l, const uint8_t *text, size_t len)
{
	return len && text[len - 1] == '\n' && l->head->final != UINT32_MAX ? len - 1 : len;
}

/* The columns are by class, so that all but the last step to a look-up needs not wait for the state before it. */
static inline uint32_t next_state(const struct layout *l, uint32_t class, uint32_t state)
{
	return l->next[class * l->head->states + state];
}

static bool is_in(const uint8_t *set, uint8_t c)
{
	return set[c & 15] >> (c >> 4) & 1;
}

/* Whether home is left at text[at] for more than what comes next. */
static bool leaves(const struct layout *l, const uint8_t *text, size_t len, size_t at)
{
	return text[at] >= 0x80 ||
	       (is_in(l->leave, text[at]) && (at + 1 == len || text[at + 1] >= 0x80 || is_in(l->go_on, text[at + 1])));
}

#ifdef __x86_64__
enum { TOGETHER = 16 };

/* Not 0 in each byte that the set has. */
static inline __attribute__((target("avx2"))) __m128i members(__m128i set, __m128i bytes)
{
	/* the bit of the high half; none beyond ASCII */
	const __m128i bit = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
	const __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15));

	return _mm_and_si128(_mm_shuffle_epi8(set, bytes), _mm_shuffle_epi8(bit, high));
}

/* As leaves(), a bit for each of TOGETHER places; TOGETHER + 1 bytes are read. */
static inline __attribute__((target("avx2"))) uint32_t leave_together(__m128i leave, __m128i go_on, const uint8_t *text)
{
	const __m128i here = _mm_loadu_si128((const void *)text), next = _mm_loadu_si128((const void *)(text + 1));
	const __m128i zero = _mm_setzero_si128();
	/* those that are not members */
	uint32_t stays = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(members(leave, here), zero));
	uint32_t ends = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(members(go_on, next), zero));

	ends &= ~(uint32_t)_mm_movemask_epi8(next);
	return ((~stays & ~ends) | (uint32_t)_mm_movemask_epi8(here)) & 0xffff;
}

static __attribute__((target("avx2"))) size_t pass_together(const struct layout *l, const uint8_t *text, size_t len,
							    size_t at)
{
	const __m128i leave = _mm_loadu_si128((const void *)l->leave), go_on = _mm_loadu_si128((const void *)l->go_on);
	uint32_t left;

	for (; at + TOGETHER < len; at += TOGETHER)
		if ((left = leave_together(leave, go_on, text + at)))
			return at + (size_t)__builtin_ctz(left);
	if (at + 1 >= len)
		return at;
	/* what is left, with places that have been passed before it */
	left = leave_together(leave, go_on, text + len - TOGETHER - 1) >> (at + TOGETHER + 1 - len);
	return left ? at + (size_t)__builtin_ctz(left) : len - 1;
}
#endif

/* From home at text[at]: where it is left, or `len`. Characters that are passed over need not wait for one another. */
static size_t pass_over(const struct layout *l, const uint8_t *text, size_t len, size_t at)
{
#ifdef __x86_64__
	if (len > TOGETHER && __builtin_cpu_supports("avx2"))
		at = pass_together(l, text, len, at);
#endif
	while (at < len && !leaves(l, text, len, at))
		at++;
	return at;
}

static int search_dfa(const struct layout *l, const uint8_t *text, size_t len, struct sn_regex_scratch *s)
{
	const size_t body = body_length(l, text, len);
	const uint32_t home = l->head->home;
	uint32_t state = l->head->start;
	size_t at = 0;

	while (at < body && state > 1) {
		state = next_state(l, class_at(l, text, body, &at), state);
		if (state == home)
			at = pass_over(l, text, body, at);
	}
	s->steps += (uint32_t)at;
	if (body < len && state > 1)
		state = next_state(l, l->head->final, state);
	if (state <= 1)
		return state == 0 ? SN_REGEX_YES : SN_REGEX_NO;
	return next_state(l, l->head->classes, state) == 0 ? SN_REGEX_YES : SN_REGEX_NO;
}

/* before, after: traits of the neighbours, -1 at the edge of the text. Mirrors holds() of compiler/regex.py. */
static uint32_t met_between(int before, int after)
{
	uint32_t met = before < 0 ? SN_AT_START | SN_AT_LINE_START : before & SN_TRAIT_NEWLINE ? SN_AT_LINE_START : 0;
	met |= after < 0 ? SN_AT_END | SN_AT_LINE_END : after & SN_TRAIT_NEWLINE ? SN_AT_LINE_END : 0;
	met |= after >= 0 && after & SN_TRAIT_FINAL ? SN_AT_BEFORE_FINAL : 0;
	if (before < 0 && after < 0) /* an empty text: neither \b nor \B, as Python's re */
		return met;
	bool word_before = before >= 0 && before & SN_TRAIT_WORD, word_after = after >= 0 && after & SN_TRAIT_WORD;
	return met | (word_before != word_after ? SN_AT_WORD : SN_AT_NO_WORD);
}

static int search_nfa(const struct layout *l, const uint8_t *text, size_t len, struct sn_regex_scratch *s)
{
	uint16_t *current = s->list[0], *next = s->list[1];
	uint32_t count = 1;
	const size_t body = body_length(l, text, len);
	int before = -1;

	current[0] = 0;
	for (size_t at = 0;;) {
		bool end = at == len;
		uint32_t class = end ? 0 : at < body ? class_at(l, text, body, &at) : (at++, l->head->final);
		int after = end ? -1 : l->traits[class];
		uint32_t met = met_between(before, after), fresh = 0;
		if (++s->stamp == 0) { /* wrapped: old marks could look new */
			memset(s->mark, 0, sizeof(s->mark));
			s->stamp = 1;
		}
		for (uint32_t i = 0; i < count; i++) {
			uint32_t from = l->first[current[i]], to = l->first[current[i] + 1];
			s->steps += to - from + 1;
			for (uint32_t e = from; e < to; e++) {
				uint32_t target = l->edges[e].target;
				if (l->edges[e].need & ~met)
					continue;
				if (target == 0)
					return SN_REGEX_YES;
				if (s->mark[target] == s->stamp || !(l->member[target][class / 8] & 1u << class % 8))
					continue;
				s->mark[target] = s->stamp;
				next[fresh++] = (uint16_t)target;
			}
		}
		if (end)
			return SN_REGEX_NO;
		if (s->steps > SN_REGEX_STEPS_MAX)
			return SN_REGEX_BUDGET;
		next[fresh++] = 0; /* a match may begin at any character; position 0 is never a target */
		uint16_t *swap = current;
		current = next;
		next = swap;
		count = fresh;
		before = after;
	}
}

int sn_regex__search(const uint8_t *blob, const uint8_t *text, size_t len, struct sn_regex_scratch *scratch)
{
	struct layout l = layout_of(blob);
	if (len < l.head->shortest)
		return SN_REGEX_NO;
	if (scratch->steps > SN_REGEX_STEPS_MAX)
		return SN_REGEX_BUDGET;
	return l.head->kind == SN_REGEX_DFA ? search_dfa(&l, text, len, scratch) : search_nfa(&l, text, len, scratch);
}
