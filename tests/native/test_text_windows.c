// sources: text_windows.c
/* Windows eight at once beside windows one by one: the same pass, at every stride, width, length and place in memory.
 */
#include <stdlib.h>

#include "check.h"
#include "text_windows.h"

enum { ROUNDS = 20000, BITS_MAX = 10, STRIDE_MAX = 7 };

int main(void)
{
	static uint32_t filter[1 << BITS_MAX];
	uint64_t random = 1;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct sn_windows w = {filter, 1 + random_below(&random, BITS_MAX), 0,
				       1 + random_below(&random, STRIDE_MAX)};
		uint32_t width = 1 + random_below(&random, 4), count = 1 + random_below(&random, SN_WINDOWS_MAX);
		uint32_t size = (count - 1) * w.stride + width + SN_WINDOWS_PAD;
		/* of exactly this size, so that a byte read too far is seen */
		uint8_t *text = malloc(size);

		w.mask = UINT32_MAX >> (32 - 8 * width);
		for (uint32_t i = 0; i < 1u << w.bits; i++)
			filter[i] = (uint32_t)random_next(&random) | (uint32_t)random_next(&random);
		for (uint32_t i = 0; i < size; i++)
			text[i] = (uint8_t)random_next(&random);
		CHECK(sn_windows__pass(&w, text, count) == sn_windows__pass_plain(&w, text, count));
		free(text);
	}
	return 0;
}
