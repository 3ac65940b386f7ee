// sources: text_pairs.c
/* No text that has a pair, in whatever case, is said not to. */
#include <ctype.h>
#include <string.h>

#include "check.h"
#include "text_pairs.h"

enum { ROUNDS = 20000, LEN_MAX = 100, LITERALS_MAX = 20 };

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
	return 0;
}
