/* SPDX-License-Identifier: Apache-2.0 */
#include "text_quads.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

uint32_t sn_quads__pass_plain(const struct sn_quads *q, const uint8_t *text, uint32_t len, uint32_t *from,
			      struct sn_quad_place place[SN_QUADS_PLACES])
{
	uint32_t count = 0, at = *from;

	for (; at < len && count < SN_QUADS_PLACES; at++) {
		uint32_t groups = UINT8_MAX;

		for (uint32_t i = 0; i < SN_QUADS_BYTES; i++)
			groups &= q->low[i][text[at + i] & 15] & q->high[i][text[at + i] >> 4];
		if (groups)
			place[count++] = (struct sn_quad_place){at, groups};
	}
	*from = at;
	return count;
}

#ifdef __x86_64__
enum { TOGETHER = 32 };

static inline __attribute__((target("avx2"))) __m256i twice(const uint8_t half[16])
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)half));
}

/* At each place the groups that have the byte. */
static inline __attribute__((target("avx2"))) __m256i groups_of(__m256i low, __m256i high, const uint8_t *text)
{
	const __m256i bytes = _mm256_loadu_si256((const void *)text), half = _mm256_set1_epi8(15);

	return _mm256_and_si256(_mm256_shuffle_epi8(low, _mm256_and_si256(bytes, half)),
				_mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half)));
}

static __attribute__((target("avx2"))) uint32_t pass_together(const struct sn_quads *q, const uint8_t *text,
							      uint32_t len, uint32_t *from,
							      struct sn_quad_place place[SN_QUADS_PLACES])
{
	__m256i low[SN_QUADS_BYTES], high[SN_QUADS_BYTES];
	uint32_t count = 0, at = *from;

	for (uint32_t i = 0; i < SN_QUADS_BYTES; i++) {
		low[i] = twice(q->low[i]);
		high[i] = twice(q->high[i]);
	}
	for (; at < len && count <= SN_QUADS_PLACES - TOGETHER; at += TOGETHER) {
		__m256i first = groups_of(low[0], high[0], text + at),
			second = groups_of(low[1], high[1], text + at + 1);
		__m256i third = groups_of(low[2], high[2], text + at + 2);
		__m256i last = groups_of(low[3], high[3], text + at + 3);
		__m256i met = _mm256_and_si256(_mm256_and_si256(first, second), _mm256_and_si256(third, last));
		uint32_t left = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(met, _mm256_setzero_si256()));
		uint8_t groups[TOGETHER];

		if (len - at < TOGETHER)
			left &= (1u << (len - at)) - 1;
		if (!left)
			continue;
		_mm256_storeu_si256((void *)groups, met);
		for (; left; left &= left - 1) {
			const uint32_t i = (uint32_t)__builtin_ctz(left);

			place[count++] = (struct sn_quad_place){at + i, groups[i]};
		}
	}
	*from = at < len ? at : len;
	return count;
}
#endif

uint32_t sn_quads__pass(const struct sn_quads *q, const uint8_t *text, uint32_t len, uint32_t *from,
			struct sn_quad_place place[SN_QUADS_PLACES])
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return pass_together(q, text, len, from, place);
#endif
	return sn_quads__pass_plain(q, text, len, from, place);
}
