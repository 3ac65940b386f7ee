/* SPDX-License-Identifier: Apache-2.0
 *
 * A borrowed run of bytes, and what C's library has for it only on some systems.
 */
#ifndef SN_BYTES_H
#define SN_BYTES_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct sn_bytes {
	const uint8_t *at;
	uint32_t len;
};

/* A to Z as a to z. */
static inline uint8_t sn_bytes__lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 32 : c;
}

/* 0 to 15; UINT32_MAX: it is no hexadecimal digit. */
static inline uint32_t sn_bytes__hex_digit(uint8_t c)
{
	static const uint8_t digits[256] = {
		['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,	['6'] = 7,  ['7'] = 8,
		['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
		['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	}; /* the value + 1 */

	return digits[c] - 1u;
}

/* Where `what` (at least one byte) first stands in `in`, NULL: nowhere. */
const uint8_t *sn_bytes__find(struct sn_bytes in, struct sn_bytes what);
/* Whether `bytes` begins with `head`, A to Z being a to z. */
bool sn_bytes__begins(struct sn_bytes bytes, struct sn_bytes head);
bool sn_bytes__equal(struct sn_bytes a, struct sn_bytes b);
static inline bool sn_bytes__is(struct sn_bytes bytes, const char *text)
{
	return bytes.len == strlen(text) && memcmp(bytes.at, text, bytes.len) == 0;
}
/* The same, A to Z being a to z. */
static inline bool sn_bytes__is_word(struct sn_bytes bytes, const char *word)
{
	return bytes.len == strlen(word) &&
	       sn_bytes__begins(bytes, (struct sn_bytes){(const uint8_t *)word, bytes.len});
}
/* `bytes` without its first `skip`. */
static inline struct sn_bytes sn_bytes__behind(struct sn_bytes bytes, uint32_t skip)
{
	return (struct sn_bytes){bytes.at + skip, bytes.len - skip};
}
/* What stands behind the last slash. */
struct sn_bytes sn_bytes__basename(struct sn_bytes path);
/* The first of arguments that each end in NUL, the last perhaps not. */
static inline struct sn_bytes sn_bytes__first(struct sn_bytes argv)
{
	const uint8_t *nul = argv.len ? memchr(argv.at, 0, argv.len) : NULL;

	return (struct sn_bytes){argv.at, nul ? (uint32_t)(nul - argv.at) : argv.len};
}
/* Those behind the first. */
static inline struct sn_bytes sn_bytes__rest(struct sn_bytes argv, struct sn_bytes first)
{
	return sn_bytes__behind(argv, first.len < argv.len ? first.len + 1 : argv.len);
}
/* The first http, https or ftp address in it; empty: none. */
struct sn_bytes sn_bytes__url(struct sn_bytes text);
#endif
