/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern.h"

#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "few_bytes.h"
#include "text_index.h"
#include "utf8.h"

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

struct sn_text sn_text__cut(const uint8_t *text, uint32_t len, uint32_t head)
{
	struct sn_text out = {
		.front = text, .back = text + head, .front_len = head, .back_len = len - head, .cut = true};

	for (uint32_t i = 1; i <= 3 && i <= head; i++) {
		uint8_t byte = text[head - i];

		if (is_continuation(byte))
			continue;
		if (byte >= 0xc0 && i < (byte >= 0xf0 ? 4u : byte >= 0xe0 ? 3u : 2u))
			out.front_len = head - i;
		break;
	}
	for (uint32_t i = 0; i < 3 && out.back_len && is_continuation(*out.back); i++) {
		out.back++;
		out.back_len--;
	}
	return out;
}

/* memchr for each place of the first byte costs more than it saves: texts this short, or without SSE2. */
static const uint8_t *find_scalar(const uint8_t *text, const uint8_t *last, const uint8_t *needle, uint32_t size)
{
	for (; text <= last; text++)
		if (*text == *needle && memcmp(text, needle, size) == 0)
			return text;
	return NULL;
}

#ifdef __SSE2__
/* The first of the places whose bits are set. */
static inline const uint8_t *first_of(const uint8_t *text, uint32_t places, const uint8_t *needle, uint32_t size)
{
	for (; places; places &= places - 1) {
		const uint8_t *at = text + __builtin_ctz(places);

		if (sn_bytes__same(at, needle, size))
			return at;
	}
	return NULL;
}

/* The first of 16 places, by the needle's first and last byte. */
static inline const uint8_t *find_16(const uint8_t *text, __m128i first, __m128i last, const uint8_t *needle,
				     uint32_t size)
{
	__m128i a = _mm_loadu_si128((const __m128i *)(const void *)text);
	__m128i b = _mm_loadu_si128((const __m128i *)(const void *)(text + size - 1));
	uint32_t both = (uint32_t)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last)));

	return first_of(text, both, needle, size);
}

static const uint8_t *find_wide(const uint8_t *text, const uint8_t *last_place, const uint8_t *needle, uint32_t size)
{
	const __m128i first = _mm_set1_epi8((char)needle[0]), last = _mm_set1_epi8((char)needle[size - 1]);
	const uint8_t *at;

	for (; last_place - text > 15; text += 16)
		if ((at = find_16(text, first, last, needle, size)))
			return at;
	/* what is left, with places that have been looked at before it */
	return find_16(last_place - 15, first, last, needle, size);
}
#endif

#ifdef __x86_64__
/* The same of 32 places. */
static inline __attribute__((target("avx2"))) const uint8_t *find_32(const uint8_t *text, __m256i first, __m256i last,
								     const uint8_t *needle, uint32_t size)
{
	__m256i a = _mm256_loadu_si256((const void *)text), b = _mm256_loadu_si256((const void *)(text + size - 1));
	uint32_t both = (uint32_t)_mm256_movemask_epi8(
		_mm256_and_si256(_mm256_cmpeq_epi8(a, first), _mm256_cmpeq_epi8(b, last)));

	return first_of(text, both, needle, size);
}

static __attribute__((target("avx2"))) const uint8_t *find_wider(const uint8_t *text, const uint8_t *last_place,
								 const uint8_t *needle, uint32_t size)
{
	const __m256i first = _mm256_set1_epi8((char)needle[0]), last = _mm256_set1_epi8((char)needle[size - 1]);
	const uint8_t *at;

	for (; last_place - text > 31; text += 32)
		if ((at = find_32(text, first, last, needle, size)))
			return at;
	return find_32(last_place - 31, first, last, needle, size);
}
#endif

const uint8_t *sn_pattern__find(const uint8_t *text, uint32_t len, const uint8_t *needle, uint32_t size)
{
	const uint8_t *last;

	if (!size)
		return text;
	if (size > len)
		return NULL;
	last = text + len - size;
#ifdef __x86_64__
	if (last - text >= 31 && __builtin_cpu_supports("avx2"))
		return find_wider(text, last, needle, size);
#endif
#ifdef __SSE2__
	if (last - text >= 15)
		return find_wide(text, last, needle, size);
#endif
	return find_scalar(text, last, needle, size);
}

static enum sn_truth equals(const struct sn_text *text, const uint8_t *pattern, uint32_t size)
{
	if (!text->cut)
		return text->front_len == size && sn_bytes__same(text->front, pattern, size) ? SN_YES : SN_NO;
	if (size < text->front_len || size - text->front_len < text->back_len ||
	    memcmp(pattern, text->front, text->front_len) != 0 ||
	    memcmp(pattern + size - text->back_len, text->back, text->back_len) != 0)
		return SN_NO;
	return SN_MAYBE;
}

/* sn_pattern__find among `len` bytes of the text. */
static const uint8_t *find_in(const struct sn_text *text, const uint8_t *from, uint32_t len, const uint8_t *needle,
			      uint32_t size)
{
	const uint8_t *place;

	if (text->index && sn_text_index__find(text->index, from, len, needle, size, &place))
		return place;
	return sn_pattern__find(from, len, needle, size);
}

static enum sn_truth contains(const struct sn_text *text, const uint8_t *pattern, uint32_t size)
{
	if (find_in(text, text->front, text->front_len, pattern, size))
		return SN_YES;
	if (!text->cut)
		return SN_NO;
	return find_in(text, text->back, text->back_len, pattern, size) ? SN_YES : SN_MAYBE;
}

static enum sn_truth startswith(const struct sn_text *text, const uint8_t *pattern, uint32_t size)
{
	if (size <= text->front_len)
		return sn_bytes__same(text->front, pattern, size) ? SN_YES : SN_NO;
	return text->cut && memcmp(text->front, pattern, text->front_len) == 0 ? SN_MAYBE : SN_NO;
}

static enum sn_truth endswith(const struct sn_text *text, const uint8_t *pattern, uint32_t size)
{
	const uint8_t *end = text->back + text->back_len;

	if (size <= text->back_len)
		return sn_bytes__same(end - size, pattern, size) ? SN_YES : SN_NO;
	pattern += size - text->back_len;
	return text->cut && memcmp(text->back, pattern, text->back_len) == 0 ? SN_MAYBE : SN_NO;
}

/* ---- globs ---- */

/* A stretch of a pattern or a text that is still to be matched. */
struct span {
	const uint8_t *at, *end;
};

static uint32_t character(const uint8_t *at, const uint8_t *end)
{
	uint32_t n = sn_utf8__length(at, end);

	return n ? n : 1;
}

/* Length of the character that ends before `end`. */
static uint32_t character_before(const uint8_t *start, const uint8_t *end)
{
	for (uint32_t n = 2; n <= 4 && n <= (uint32_t)(end - start) && is_continuation(end[1 - (int32_t)n]); n++)
		if (sn_utf8__length(end - n, end) == n)
			return n;
	return 1;
}

/* Consumes both from the front until either is empty. False: they differ. */
static bool from_front(struct span *pattern, struct span *text)
{
	while (pattern->at < pattern->end && text->at < text->end) {
		if (*pattern->at == SN_GLOB_ONE)
			text->at += character(text->at, text->end);
		else if (*pattern->at != *text->at++)
			return false;
		pattern->at++;
	}
	return true;
}

static bool from_back(struct span *pattern, struct span *text)
{
	while (pattern->at < pattern->end && text->at < text->end) {
		if (pattern->end[-1] == SN_GLOB_ONE)
			text->end -= character_before(text->at, text->end);
		else if (pattern->end[-1] != *--text->end)
			return false;
		pattern->end--;
	}
	return true;
}

/* Behind the first place of a part without runs among `rest`, which is of the text; NULL when there is none. */
static const uint8_t *find_part(const struct sn_text *text, struct span part, struct span rest)
{
	const uint8_t *one;

	for (; part.at < part.end && *part.at == SN_GLOB_ONE; part.at++) {
		if (rest.at == rest.end)
			return NULL;
		rest.at += character(rest.at, rest.end);
	}
	one = memchr(part.at, SN_GLOB_ONE, (size_t)(part.end - part.at));
	for (uint32_t size = (uint32_t)((one ? one : part.end) - part.at);; rest.at++) {
		struct span left = part, behind = {NULL, rest.end};

		rest.at = find_in(text, rest.at, (uint32_t)(rest.end - rest.at), part.at, size);
		if (!rest.at)
			return NULL;
		behind.at = rest.at;
		if (from_front(&left, &behind) && left.at == left.end)
			return behind.at;
	}
}

/* Takes the parts between runs off the pattern, each at its first place, as long as they are found. */
static void find_parts(const struct sn_text *text, struct span *pattern, struct span rest)
{
	while (pattern->at < pattern->end) {
		const uint8_t *run = memchr(pattern->at, SN_GLOB_RUN, (size_t)(pattern->end - pattern->at));

		rest.at = find_part(text, (struct span){pattern->at, run ? run : pattern->end}, rest);
		if (!rest.at)
			return;
		pattern->at = run ? run + 1 : pattern->end;
	}
}

static enum sn_truth without_run(const struct sn_text *text, struct span pattern)
{
	struct span front = {text->front, text->front + text->front_len};
	struct span back = {text->back, text->back + text->back_len};

	if (!from_front(&pattern, &front) || front.at < front.end)
		return SN_NO;
	if (!text->cut)
		return pattern.at == pattern.end ? SN_YES : SN_NO;
	return from_back(&pattern, &back) && back.at == back.end ? SN_MAYBE : SN_NO;
}

static enum sn_truth glob(const struct sn_text *text, const uint8_t *pattern, uint32_t size)
{
	const uint8_t *end = pattern + size, *first = memchr(pattern, SN_GLOB_RUN, size), *last = end;
	struct span front = {text->front, text->front + text->front_len};
	struct span back = {text->back, text->back + text->back_len};

	if (!first)
		return without_run(text, (struct span){pattern, end});
	while (*--last != SN_GLOB_RUN)
		;
	struct span head = {pattern, first}, tail = {last + 1, end};
	/* "*" alone: first is last, and nothing stands between them */
	struct span between = {first + 1, last > first ? last : first + 1};

	if (!from_front(&head, &front))
		return SN_NO;
	if (!text->cut)
		back.at = front.at;
	if (!from_back(&tail, &back))
		return SN_NO;
	if (head.at < head.end || tail.at < tail.end)
		return text->cut ? SN_MAYBE : SN_NO;
	if (!text->cut) {
		front.end = back.end;
		find_parts(text, &between, front);
		return between.at == between.end ? SN_YES : SN_NO;
	}
	find_parts(text, &between, front);
	find_parts(text, &between, back);
	return between.at == between.end ? SN_YES : SN_MAYBE;
}

enum sn_truth sn_pattern__compare(enum sn_form form, const struct sn_text *text, const uint8_t *pattern, uint32_t size)
{
	switch (form) {
	case SN_FORM_EQUALS:
		return equals(text, pattern, size);
	case SN_FORM_CONTAINS:
		return contains(text, pattern, size);
	case SN_FORM_STARTSWITH:
		return startswith(text, pattern, size);
	case SN_FORM_ENDSWITH:
		return endswith(text, pattern, size);
	default:
		return glob(text, pattern, size);
	}
}
