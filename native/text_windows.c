/* SPDX-License-Identifier: Apache-2.0 */
#include "text_windows.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

uint64_t sn_windows__pass_plain(const struct sn_windows *w, const uint8_t *text, uint32_t count)
{
	uint64_t passed = 0;

	for (uint32_t i = 0; i < count; i++, text += w->stride) {
		uint32_t hash = sn_windows__hash(sn_windows__at(text) & w->mask);

		passed |= (uint64_t)(sn_windows__met(w->filter, w->bits, hash) & 1) << i;
	}
	return passed;
}

#ifdef __x86_64__
/* Which bytes of 16 are the first four windows, by stride. */
static const uint8_t places[SN_WINDOWS_TOGETHER][16] = {
	{0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6},
	{0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9},
	{0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12},
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
};

/* The words are loaded one by one: a gather takes a fifth longer here, and much longer on processors that had to be
 * mended. */
static inline __attribute__((target("avx2"))) __m256i words(const uint32_t *filter, __m256i number)
{
	uint64_t n[4] = {(uint64_t)_mm256_extract_epi64(number, 0), (uint64_t)_mm256_extract_epi64(number, 1),
			 (uint64_t)_mm256_extract_epi64(number, 2), (uint64_t)_mm256_extract_epi64(number, 3)};

	return _mm256_setr_epi32((int)filter[(uint32_t)n[0]], (int)filter[n[0] >> 32], (int)filter[(uint32_t)n[1]],
				 (int)filter[n[1] >> 32], (int)filter[(uint32_t)n[2]], (int)filter[n[2] >> 32],
				 (int)filter[(uint32_t)n[3]], (int)filter[n[3] >> 32]);
}

static __attribute__((target("avx2"))) uint64_t pass_together(const struct sn_windows *w, const uint8_t *text,
							      uint32_t count)
{
	const __m128i shift = _mm_cvtsi32_si128((int)(32 - w->bits));
	const __m128i *const row = (const void *)places[w->stride - 1];
	const __m256i place = _mm256_broadcastsi128_si256(_mm_loadu_si128(row));
	const __m256i mask = _mm256_set1_epi32((int)w->mask), lower = _mm256_set1_epi32((int)SN_LOWER);
	const __m256i factor = _mm256_set1_epi32((int)0x9e3779b1u), five_bits = _mm256_set1_epi32(31);
	uint64_t passed = 0;

	for (uint32_t i = 0; i < count; i += 8) {
		const uint8_t *at = text + i * w->stride;
		__m128i front = _mm_loadu_si128((const void *)at);
		__m128i back = _mm_loadu_si128((const void *)(at + 4 * w->stride));
		__m256i window = _mm256_shuffle_epi8(_mm256_set_m128i(back, front), place);
		__m256i hash = _mm256_mullo_epi32(_mm256_or_si256(_mm256_and_si256(window, mask), lower), factor);
		__m256i word = words(w->filter, _mm256_srl_epi32(hash, shift));
		__m256i one = _mm256_srlv_epi32(word, _mm256_and_si256(_mm256_srli_epi32(hash, 12), five_bits));
		__m256i other = _mm256_srlv_epi32(word, _mm256_and_si256(_mm256_srli_epi32(hash, 7), five_bits));
		__m256i met = _mm256_slli_epi32(_mm256_and_si256(one, other), 31);

		passed |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(met)) << i;
	}
	return count < SN_WINDOWS_MAX ? passed & ((1ull << count) - 1) : passed;
}
#endif

uint64_t sn_windows__pass(const struct sn_windows *w, const uint8_t *text, uint32_t count)
{
#ifdef __x86_64__
	if (w->stride <= SN_WINDOWS_TOGETHER && __builtin_cpu_supports("avx2"))
		return pass_together(w, text, count);
#endif
	return sn_windows__pass_plain(w, text, count);
}
