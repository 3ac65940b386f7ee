/* SPDX-License-Identifier: Apache-2.0
 *
 * A short run of bytes as a number, and compared without a call.
 */
#ifndef SN_FEW_BYTES_H
#define SN_FEW_BYTES_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Up to 8 bytes as a number; no byte beyond them is read. */
static inline uint64_t sn_bytes__few(const uint8_t *text, uint32_t len)
{
	uint32_t low, high;

	if (len >= 4) {
		memcpy(&low, text, 4);
		memcpy(&high, text + len - 4, 4);
		return low | (uint64_t)high << 8 * (len - 4);
	}
	if (!len)
		return 0;
	return text[0] | (uint64_t)text[len / 2] << 8 * (len / 2) | (uint64_t)text[len - 1] << 8 * (len - 1);
}

/* Copies `len` bytes, mostly fewer than a hundred. In place of memcpy where the compiler knows that it is not many: gcc
 * makes an instruction of that which takes longer to begin (rep movs). */
static inline void sn_bytes__copy(uint8_t *to, const uint8_t *from, uint32_t len)
{
	uint64_t word, last;

	if (len >= 16) {
		for (uint32_t at = 0; at + 16 < len; at += 16)
			memcpy(to + at, from + at, 16);
		memcpy(to + len - 16, from + len - 16, 16);
	} else if (len >= 8) {
		memcpy(&word, from, 8);
		memcpy(&last, from + len - 8, 8);
		memcpy(to, &word, 8);
		memcpy(to + len - 8, &last, 8);
	} else {
		for (uint32_t at = 0; at < len; at++)
			to[at] = from[at];
	}
}

/* Whether `len` bytes are the same. What differs mostly does so at one of the ends. */
static inline bool sn_bytes__same(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	uint64_t first[2], last[2];

	if (len < 8)
		return sn_bytes__few(a, len) == sn_bytes__few(b, len);
	memcpy(&first[0], a, 8);
	memcpy(&first[1], b, 8);
	memcpy(&last[0], a + len - 8, 8);
	memcpy(&last[1], b + len - 8, 8);
	return first[0] == first[1] && last[0] == last[1] && (len <= 16 || memcmp(a, b, len) == 0);
}
#endif
