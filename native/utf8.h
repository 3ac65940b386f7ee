/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef SN_UTF8_H
#define SN_UTF8_H
#include <stdint.h>

/* Length (1 to 4) of the character at `p`, 0 when the bytes up to `end` are not one. p < end. */
static inline uint32_t sn_utf8__length(const uint8_t *p, const uint8_t *end)
{
	uint32_t first = p[0], left = (uint32_t)(end - p < 4 ? end - p : 4);
	uint32_t low = 0x80, high = 0xbf, need;

	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	need = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (need > left)
		return 0;
	/* only the second byte's range depends on the first */
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (uint32_t i = 2; i < need; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return need;
}

/* The code of the character of `n` bytes at p, n from sn_utf8__length. */
static inline uint32_t sn_utf8__decode(const uint8_t *p, uint32_t n)
{
	static const uint8_t bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07}; /* of the first byte, by length */
	uint32_t code = p[0] & bits[n];

	for (uint32_t i = 1; i < n; i++)
		code = code << 6 | (p[i] & 0x3f);
	return code;
}

/* Writes `code` (up to U+10FFFF) in one to four bytes; returns how many. A surrogate becomes three. */
static inline uint32_t sn_utf8__encode(uint8_t *out, uint32_t code)
{
	uint32_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (uint32_t i = n - 1; i > 0; i--, code >>= 6)
		out[i] = (uint8_t)(0x80 | (code & 0x3f));
	out[0] = (uint8_t)(first[n] | code);
	return n;
}

/* The code of two surrogates of UTF-16; 0: they are no pair. */
static inline uint32_t sn_utf16__pair(uint32_t high, uint32_t low)
{
	if (high < 0xd800 || high > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return 0;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}
#endif
