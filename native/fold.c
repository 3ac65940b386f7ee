/* SPDX-License-Identifier: Apache-2.0 */
#include "fold.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "few_bytes.h"
#include "sensor.h"
#include "utf8.h"

static const struct sn_fold_range ranges[] = {
#define SN_FOLD(first, last, step, delta) {first, last, step, delta},
#include "fold.def"
};

#define NOT_ASCII 0x8080808080808080u

enum { RANGES = sizeof(ranges) / sizeof(*ranges) };

const struct sn_fold_range *sn_fold__range(uint32_t number)
{
	return number < RANGES ? &ranges[number] : NULL;
}

uint32_t sn_fold__char(uint32_t c)
{
	uint32_t low = 0, high = RANGES;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (ranges[middle].last < c)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == RANGES || c < ranges[low].first || (c - ranges[low].first) % ranges[low].step)
		return c;
	return c + (uint32_t)ranges[low].delta;
}

static uint32_t decode(const uint8_t *p, uint32_t n)
{
	uint32_t c = p[0] & (0xffu >> (n + 1));

	for (uint32_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

static uint8_t *encode(uint8_t *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (uint8_t)c;
	} else if (c < 0x800) {
		*out++ = (uint8_t)(0xc0 | c >> 6);
		*out++ = (uint8_t)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (uint8_t)(0xe0 | c >> 12);
		*out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		*out++ = (uint8_t)(0x80 | (c & 0x3f));
	} else {
		*out++ = (uint8_t)(0xf0 | c >> 18);
		*out++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		*out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		*out++ = (uint8_t)(0x80 | (c & 0x3f));
	}
	return out;
}

/* Eight bytes of ASCII: where bit 7 comes out set, a byte is 'A' or more, and not more than 'Z'. */
static inline uint64_t fold_word(uint64_t word)
{
	const uint64_t each = 0x0101010101010101u;
	const uint64_t upper = (word + (0x80 - 'A') * each) & ~(word + (0x80 - 'Z' - 1) * each) & NOT_ASCII;

	return word + (upper >> 2);
}

/* Folds the ASCII bytes that the text begins with, several at once and no byte beyond its end: how many. */
static uint32_t fold_ascii(uint8_t *out, const uint8_t *text, uint32_t len)
{
	uint32_t at = 0;
	uint64_t word;

#ifdef __SSE2__
	const __m128i before_a = _mm_set1_epi8('A' - 1), past_z = _mm_set1_epi8('Z' + 1), bit = _mm_set1_epi8(0x20);

	for (; len - at >= 16; at += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
		__m128i upper = _mm_and_si128(_mm_cmpgt_epi8(bytes, before_a), _mm_cmplt_epi8(bytes, past_z));

		if (_mm_movemask_epi8(bytes))
			break;
		bytes = _mm_add_epi8(bytes, _mm_and_si128(upper, bit));
		_mm_storeu_si128((__m128i *)(void *)(out + at), bytes);
	}
#endif
	for (; len - at >= 8; at += 8) {
		memcpy(&word, text + at, 8);
		if (word & NOT_ASCII)
			break;
		word = fold_word(word);
		memcpy(out + at, &word, 8);
	}
	if (len - at < 8) {
		word = sn_bytes__few(text + at, len - at);
		if (!(word & NOT_ASCII)) {
			word = fold_word(word);
			memcpy(out + at, &word, 8);
			return len;
		}
	}
	for (; at < len && text[at] < 0x80; at++)
		out[at] = (uint8_t)(text[at] + ((uint8_t)(text[at] - 'A') < 26) * 0x20);
	return at;
}

bool sn_fold__is_ascii(const uint8_t *text, uint32_t len)
{
	uint64_t all = 0, word;

#ifdef __SSE2__
	if (len >= 16) {
		__m128i many = _mm_loadu_si128((const __m128i *)(const void *)(text + len - 16));

		for (uint32_t at = 0; at + 16 < len; at += 16)
			many = _mm_or_si128(many, _mm_loadu_si128((const __m128i *)(const void *)(text + at)));
		return !_mm_movemask_epi8(many);
	}
#endif
	for (; len >= 8; len -= 8, text += 8) {
		memcpy(&word, text, 8);
		all |= word;
	}
	return !((all | sn_bytes__few(text, len)) & NOT_ASCII);
}

uint32_t sn_fold__text(uint8_t *out, const uint8_t *text, uint32_t len, bool *ascii)
{
	const uint8_t *end = text + len;
	uint8_t *start = out;

	while (text < end) {
		uint32_t n = fold_ascii(out, text, (uint32_t)(end - text));

		text += n;
		out += n;
		if (text == end)
			break;
		*ascii = false;
		n = sn_utf8__length(text, end);
		if (n)
			out = encode(out, sn_fold__char(decode(text, n)));
		else
			*out++ = *text;
		text += n ? n : 1;
	}
	return (uint32_t)(out - start);
}
