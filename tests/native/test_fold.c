// sources: fold.c
/* A text is folded as its characters are one by one, wherever in it they stand and however long it is; no byte beyond
 * its end is read, none beyond the room and its pad is written.
 */
#include <string.h>

#include "check.h"
#include "fold.h"
#include "sensor.h"

enum { ROUNDS = 20000, PIECES_MAX = 60, PIECE_MAX = 4 };

int main(void)
{
	static const char *const pieces[] = {"@",	"A",  "Z", "[",	   "`",	   "a",	   "z",	       "{",
					     "0",	"\\", "",  "\x7f", "\x80", "\xff", "\xc3\x89", "\xe2\x84\xaa",
					     "\xc4\xb0"};
	enum { PIECES = sizeof(pieces) / sizeof(*pieces), ASCII = 12 };
	uint64_t random = 1;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t count = random_below(&random, PIECES_MAX), size = 0, len, wanted = 0;
		/* mostly ASCII, so that it comes in long runs */
		uint32_t kinds = random_below(&random, 2) ? ASCII : PIECES;
		uint8_t raw[PIECES_MAX * PIECE_MAX], want[PIECES_MAX * PIECE_MAX + SN_FOLD_PAD], *text, *out;
		bool ascii = true, all = true;

		for (uint32_t i = 0; i < count; i++) {
			const char *piece = pieces[random_below(&random, random_below(&random, 4) ? ASCII : kinds)];
			const uint32_t piece_len = (uint32_t)strlen(piece);

			memcpy(raw + size, piece, piece_len);
			size += piece_len;
			wanted += sn_fold__text(want + wanted, (const uint8_t *)piece, piece_len, &all);
		}
		text = malloc(size + !size);
		memcpy(text, raw, size);
		out = malloc(SN_FOLD_ROOM(size) + SN_FOLD_PAD);
		len = sn_fold__text(out, text, size, &ascii);
		CHECK(len == wanted && memcmp(out, want, len) == 0);
		CHECK(ascii == all && sn_fold__is_ascii(text, size) == all);
		free(text);
		free(out);
	}
	return 0;
}
