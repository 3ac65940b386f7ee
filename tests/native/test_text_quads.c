// sources: text_quads.c
/* Every short literal that a text has is met at its place, whatever its length and bytes; 32 places at a time meet what
 * they meet one by one, however many there are, and read no byte beyond what they may.
 */
#include <string.h>

#include "check.h"
#include "text_quads.h"

enum { ROUNDS = 20000, LEN_MAX = 200, LITERALS_MAX = 20, LITERAL_MAX = 5 };

struct literal {
	uint8_t bytes[LITERAL_MAX];
	uint32_t len, group;
};

static void add(struct sn_quads *quads, const struct literal *literal)
{
	for (uint32_t i = 0; i < SN_QUADS_BYTES; i++) {
		for (uint32_t half = 0; half < 16; half++) {
			const uint8_t bit = (uint8_t)(1u << literal->group);

			if (i >= literal->len || half == (literal->bytes[i] & 15u))
				quads->low[i][half] |= bit;
			if (i >= literal->len || half == literal->bytes[i] >> 4)
				quads->high[i][half] |= bit;
		}
	}
}

/* The groups met, by place. */
static void pass(uint32_t (*by)(const struct sn_quads *, const uint8_t *, uint32_t, uint32_t *, struct sn_quad_place *),
		 const struct sn_quads *quads, const uint8_t *text, uint32_t len, uint8_t met[LEN_MAX])
{
	/* of exactly this size, so that one too many is seen */
	struct sn_quad_place *place = malloc(SN_QUADS_PLACES * sizeof(*place));
	uint32_t last = 0;

	memset(met, 0, LEN_MAX);
	for (uint32_t from = 0; from < len;) {
		const uint32_t begin = from, count = by(quads, text, len, &from, place);

		CHECK(from > begin && from <= len && count <= SN_QUADS_PLACES);
		for (uint32_t i = 0; i < count; i++) {
			CHECK(place[i].at >= last && place[i].at < from && place[i].groups);
			met[place[i].at] = (uint8_t)place[i].groups;
			last = place[i].at + 1;
		}
	}
	free(place);
}

int main(void)
{
	uint64_t random = 1;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		/* few different bytes, so that literals are met; all of them, so that every half is */
		const uint32_t bytes = random_below(&random, 2) ? 4 : 256, len = random_below(&random, LEN_MAX);
		const uint32_t count = 1 + random_below(&random, LITERALS_MAX);
		/* of exactly this size, so that a byte read too far is seen */
		uint8_t *text = malloc(len + SN_QUADS_PAD), together[LEN_MAX], one_by_one[LEN_MAX];
		struct literal literal[LITERALS_MAX];
		struct sn_quads quads = {0};

		for (uint32_t i = 0; i < len + SN_QUADS_PAD; i++)
			text[i] = (uint8_t)(random_below(&random, bytes) * 43);
		for (uint32_t i = 0; i < count; i++) {
			literal[i].len = 1 + random_below(&random, LITERAL_MAX);
			literal[i].group = random_below(&random, SN_QUADS_GROUPS);
			for (uint32_t k = 0; k < literal[i].len; k++)
				literal[i].bytes[k] = (uint8_t)(random_below(&random, bytes) * 43);
			add(&quads, &literal[i]);
		}
		pass(sn_quads__pass, &quads, text, len, together);
		pass(sn_quads__pass_plain, &quads, text, len, one_by_one);
		CHECK(memcmp(together, one_by_one, LEN_MAX) == 0);
		for (uint32_t i = 0; i < count; i++)
			for (uint32_t at = 0; at + literal[i].len <= len; at++)
				if (memcmp(text + at, literal[i].bytes, literal[i].len) == 0)
					CHECK(together[at] >> literal[i].group & 1);
		free(text);
	}
	return 0;
}
