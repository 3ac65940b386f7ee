// sources: text_pairs.c
/* Every short literal that a text has is met, whatever its length, place and bytes; texts 32 places at a time meet what
 * they meet one by one, and at most what stands behind them on top.
 */
#include <string.h>

#include "check.h"
#include "text_pairs.h"

enum { ROUNDS = 20000, LEN_MAX = 100, LITERALS_MAX = 20, LITERAL_MAX = 3 };

static void add(struct sn_pairs *pairs, uint32_t group, const uint8_t *literal, uint32_t len)
{
	const uint8_t bit = (uint8_t)(1u << group);

	pairs->first_low[literal[0] & 15] |= bit;
	pairs->first_high[literal[0] >> 4] |= bit;
	for (uint32_t half = 0; half < 16; half++) {
		if (len == 1 || half == (literal[1] & 15u))
			pairs->second_low[half] |= bit;
		if (len == 1 || half == literal[1] >> 4)
			pairs->second_high[half] |= bit;
	}
}

static uint32_t has(const uint8_t *text, uint32_t len, const uint8_t *literal, uint32_t size)
{
	for (uint32_t at = 0; at + size <= len; at++)
		if (memcmp(text + at, literal, size) == 0)
			return 1;
	return 0;
}

int main(void)
{
	uint64_t random = 1;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t count = 1 + random_below(&random, LITERALS_MAX), len = random_below(&random, LEN_MAX),
			 there = 0;
		/* few different ones, so that literals are met; all of them, so that every half is */
		uint32_t bytes = random_below(&random, 2) ? 6 : 256, met;
		/* of exactly this size, so that a byte read too far is seen */
		uint8_t *text = malloc(len + SN_PAIRS_PAD);
		struct sn_pairs pairs = {0};

		for (uint32_t i = 0; i < len + SN_PAIRS_PAD; i++)
			text[i] = (uint8_t)(random_below(&random, bytes) * 43);
		for (uint32_t i = 0; i < count; i++) {
			uint32_t size = 1 + random_below(&random, LITERAL_MAX);
			uint8_t literal[LITERAL_MAX];

			for (uint32_t k = 0; k < size; k++)
				literal[k] = (uint8_t)(random_below(&random, bytes) * 43);
			add(&pairs, i % SN_PAIRS_GROUPS, literal, size);
			there |= has(text, len, literal, size) << i % SN_PAIRS_GROUPS;
		}
		met = sn_pairs__met(&pairs, text, len);
		CHECK(!(there & ~met));
		CHECK(!(sn_pairs__met_plain(&pairs, text, len) & ~met));
		CHECK(!(met &
			~sn_pairs__met_plain(&pairs, text, (len + SN_PAIRS_PAD - 1) / SN_PAIRS_PAD * SN_PAIRS_PAD)));
		free(text);
	}
	return 0;
}
