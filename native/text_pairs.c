/* SPDX-License-Identifier: Apache-2.0 */
#include "text_pairs.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

static void add_byte(uint8_t low[16], uint8_t high[16], uint8_t byte, uint8_t group)
{
	low[byte & 15] |= group;
	high[byte >> 4] |= group;
	if (byte >= 'a' && byte <= 'z')
		high[(byte - 0x20) >> 4] |= group;
}

void sn_pairs__add(struct sn_pairs *pairs, uint32_t group, const uint8_t *two)
{
	add_byte(pairs->first_low, pairs->first_high, two[0], (uint8_t)(1u << group));
	add_byte(pairs->second_low, pairs->second_high, two[1], (uint8_t)(1u << group));
}

#ifdef __x86_64__
enum { TOGETHER = 32, FEWER = 16 };

/* The tables, twice each. */
struct halves {
	__m256i first_low, first_high, second_low, second_high;
};

static inline __attribute__((target("avx2"))) __m256i twice(const uint8_t half[16])
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)half));
}

static inline __attribute__((target("avx2"))) struct halves halves_of(const struct sn_pairs *p)
{
	return (struct halves){twice(p->first_low), twice(p->first_high), twice(p->second_low), twice(p->second_high)};
}

/* At each place the groups that have both bytes. */
static inline __attribute__((target("avx2"))) __m256i groups_at(const struct halves *h, __m256i first, __m256i second)
{
	const __m256i half = _mm256_set1_epi8(15);
	__m256i a = _mm256_shuffle_epi8(h->first_low, _mm256_and_si256(first, half));
	__m256i b = _mm256_shuffle_epi8(h->first_high, _mm256_and_si256(_mm256_srli_epi16(first, 4), half));
	__m256i c = _mm256_shuffle_epi8(h->second_low, _mm256_and_si256(second, half));
	__m256i d = _mm256_shuffle_epi8(h->second_high, _mm256_and_si256(_mm256_srli_epi16(second, 4), half));

	return _mm256_and_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, d));
}

static inline __attribute__((target("avx2"))) __m256i load(const uint8_t *at)
{
	return _mm256_loadu_si256((const void *)at);
}

/* Sixteen bytes from each of two places. */
static inline __attribute__((target("avx2"))) __m256i load_two(const uint8_t *front, const uint8_t *back)
{
	return _mm256_set_m128i(_mm_loadu_si128((const void *)back), _mm_loadu_si128((const void *)front));
}

/* Eight bytes from each of two places, twice. */
static inline __attribute__((target("avx2"))) __m256i load_few(const uint8_t *front, const uint8_t *back)
{
	return _mm256_broadcastsi128_si256(
		_mm_unpacklo_epi64(_mm_loadl_epi64((const void *)front), _mm_loadl_epi64((const void *)back)));
}

/* The places that are looked at last may be looked at twice. */
static __attribute__((target("avx2"))) bool may_have_together(const struct sn_pairs *p, const uint8_t *text,
							      uint32_t len)
{
	const struct halves halves = halves_of(p);
	const uint8_t *const end = text + len;
	__m256i first, second, met, all;

	if (len <= FEWER) {
		first = load_few(text, end - 9);
		second = load_few(text + 1, end - 8);
	} else if (len <= TOGETHER) {
		first = load_two(text, end - FEWER - 1);
		second = load_two(text + 1, end - FEWER);
	} else {
		first = load(end - TOGETHER - 1);
		second = load(end - TOGETHER);
	}
	met = groups_at(&halves, first, second);
	all = _mm256_or_si256(first, second);
	for (; end - text > TOGETHER + 1; text += TOGETHER) {
		first = load(text);
		met = _mm256_or_si256(met, groups_at(&halves, first, load(text + 1)));
		all = _mm256_or_si256(all, first);
	}
	return !_mm256_testz_si256(met, met) || _mm256_movemask_epi8(all);
}
#endif

bool sn_pairs__may_have(const struct sn_pairs *pairs, const uint8_t *text, uint32_t len)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return may_have_together(pairs, text, len);
#endif
	(void)pairs, (void)text, (void)len;
	return true;
}
