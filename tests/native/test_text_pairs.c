// sources: text_pairs.c
/* Every short literal that a text has is met, whatever its length, place and bytes; texts 32 places at a time meet what
 * they meet one by one, and at most what stands behind them on top. No text that has a pair, in whatever case, is said
 * not to.
 */
#include <ctype.h>
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

/* Texts that are not folded, with nothing behind them. */
static void check_within(uint64_t *random)
{
	static const char some[] = "kz:.A0@[`{\\";
	uint32_t len = SN_PAIRS_WITHIN_MIN + random_below(random, LEN_MAX), count = random_below(random, LITERALS_MAX);
	const uint32_t letters = 4 + random_below(random, sizeof(some) - 4);
	uint8_t *text = malloc(len);
	struct sn_pairs pairs = {0};
	bool there = false;

	for (uint32_t i = 0; i < len; i++) {
		text[i] = (uint8_t)some[random_below(random, letters)];
		if (random_below(random, 200) == 0)
			text[i] |= 0x80;
		there |= text[i] >= 0x80;
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t two[2] = {(uint8_t)tolower(some[random_below(random, sizeof(some) - 1)]),
					(uint8_t)tolower(some[random_below(random, sizeof(some) - 1)])};

		sn_pairs__add(&pairs, i % SN_PAIRS_GROUPS, two);
		for (uint32_t at = 0; at + 1 < len; at++)
			there |= tolower(text[at]) == two[0] && tolower(text[at + 1]) == two[1];
	}
	CHECK(!there || sn_pairs__may_have(&pairs, text, len));
	free(text);
}

int main(void)
{
	uint64_t random = 1;

	for (uint32_t round = 0; round < ROUNDS; round++)
		check_within(&random);

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
