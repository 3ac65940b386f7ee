/* SPDX-License-Identifier: Apache-2.0 */
#include "text_pairs.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

uint32_t sn_pairs__met_plain(const struct sn_pairs *p, const uint8_t *text, uint32_t len)
{
	uint32_t met = 0;

	for (uint32_t at = 0; at < len; at++) {
		const uint8_t first = text[at], second = text[at + 1];

		met |= p->first_low[first & 15] & p->first_high[first >> 4] & p->second_low[second & 15] &
		       p->second_high[second >> 4];
	}
	return met;
}

#ifdef __x86_64__
enum { TOGETHER = 32 };

static inline __attribute__((target("avx2"))) __m256i twice(const uint8_t half[16])
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)half));
}

static __attribute__((target("avx2"))) uint32_t met_together(const struct sn_pairs *p, const uint8_t *text,
							     uint32_t len)
{
	const __m256i first_low = twice(p->first_low), first_high = twice(p->first_high);
	const __m256i second_low = twice(p->second_low), second_high = twice(p->second_high);
	const __m256i half = _mm256_set1_epi8(15);
	__m256i met = _mm256_setzero_si256();
	__m128i eight;

	for (uint32_t at = 0; at < len; at += TOGETHER) {
		const __m256i first = _mm256_loadu_si256((const void *)(text + at));
		const __m256i second = _mm256_loadu_si256((const void *)(text + at + 1));
		__m256i a = _mm256_shuffle_epi8(first_low, _mm256_and_si256(first, half));
		__m256i b = _mm256_shuffle_epi8(first_high, _mm256_and_si256(_mm256_srli_epi16(first, 4), half));
		__m256i c = _mm256_shuffle_epi8(second_low, _mm256_and_si256(second, half));
		__m256i d = _mm256_shuffle_epi8(second_high, _mm256_and_si256(_mm256_srli_epi16(second, 4), half));

		met = _mm256_or_si256(met, _mm256_and_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, d)));
	}
	eight = _mm_or_si128(_mm256_castsi256_si128(met), _mm256_extracti128_si256(met, 1));
	eight = _mm_or_si128(eight, _mm_srli_si128(eight, 8));
	eight = _mm_or_si128(eight, _mm_srli_si128(eight, 4));
	eight = _mm_or_si128(eight, _mm_srli_si128(eight, 2));
	return ((uint32_t)_mm_cvtsi128_si32(eight) | (uint32_t)_mm_cvtsi128_si32(eight) >> 8) & 0xff;
}
#endif

uint32_t sn_pairs__met(const struct sn_pairs *pairs, const uint8_t *text, uint32_t len)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return met_together(pairs, text, len);
#endif
	return sn_pairs__met_plain(pairs, text, len);
}
