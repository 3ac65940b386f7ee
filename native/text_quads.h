/* SPDX-License-Identifier: Apache-2.0
 *
 * Where in a text a few short literals may begin, by the first four bytes of each: 32 places of the text at once where
 * the processor has AVX2. The literals are in eight groups; a byte is one of a group's when the group has its low half
 * and its high half, be it in two literals.
 */
#ifndef SN_TEXT_QUADS_H
#define SN_TEXT_QUADS_H
#include <stdint.h>

enum {
	SN_QUADS_GROUPS = 8,
	SN_QUADS_BYTES = 4,
	SN_QUADS_PLACES = 64, /* of one call */
	SN_QUADS_PAD = 35,    /* bytes behind a text that are read, too */
};

/* Of each of the four bytes, by its half: a bit for each group with a literal that has it there. A shorter literal has
 * every byte behind its last. Made by sensor/compiler/index.py. */
struct sn_quads {
	uint8_t low[SN_QUADS_BYTES][16], high[SN_QUADS_BYTES][16];
};

struct sn_quad_place {
	uint32_t at;
	uint32_t groups; /* bits of those of which a literal may begin there */
};

/* The places from *from on, which becomes where to go on: `len` at the end. How many there are. */
uint32_t sn_quads__pass(const struct sn_quads *quads, const uint8_t *text, uint32_t len, uint32_t *from,
			struct sn_quad_place place[SN_QUADS_PLACES]);
/* The same one by one, on every processor. */
uint32_t sn_quads__pass_plain(const struct sn_quads *quads, const uint8_t *text, uint32_t len, uint32_t *from,
			      struct sn_quad_place place[SN_QUADS_PLACES]);
#endif
