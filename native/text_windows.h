/* SPDX-License-Identifier: Apache-2.0
 *
 * The windows of a text, up to four bytes at every n-th place, before a filter: two bits of a word that the window's
 * hash numbers are set where a literal has such a window. Eight at once where the processor can (AVX2).
 */
#ifndef SN_TEXT_WINDOWS_H
#define SN_TEXT_WINDOWS_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
	SN_WINDOWS_MAX = 64,	 /* of one call */
	SN_WINDOWS_PAD = 32,	 /* bytes behind the last window that are read, too */
	SN_WINDOWS_TOGETHER = 4, /* up to this stride, eight at once */
};

#define SN_LOWER 0x2020202020202020u /* sets the bit that tells lower from upper case in each byte */

struct sn_windows {
	const uint32_t *filter; /* 1 << bits words */
	uint32_t bits;
	uint32_t mask; /* of a window's bytes */
	uint32_t stride;
};

/* Mirrored by sensor/compiler/index.py, as is what it says of the filter. Upper and lower case of ASCII are the same to
 * it. */
static inline uint32_t sn_windows__hash(uint32_t window)
{
	return (window | (uint32_t)SN_LOWER) * 0x9e3779b1u;
}

/* The highest bits number the filter's word, bits 7 to 11 and 12 to 16 the word's two bits. Bit 0: the two are set. */
static inline uint32_t sn_windows__met(const uint32_t *filter, uint32_t bits, uint32_t hash)
{
	uint32_t word = filter[hash >> (32 - bits)];

	return word >> (hash >> 12 & 31) & word >> (hash >> 7 & 31);
}

static inline uint32_t sn_windows__at(const uint8_t *at)
{
	uint32_t window;

	memcpy(&window, at, sizeof(window));
	return window;
}

/* A bit for each of the first `count` windows of the text that pass. */
uint64_t sn_windows__pass(const struct sn_windows *windows, const uint8_t *text, uint32_t count);
/* The same one by one, on every processor. */
uint64_t sn_windows__pass_plain(const struct sn_windows *windows, const uint8_t *text, uint32_t count);
#endif
