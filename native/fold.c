// SPDX-License-Identifier: Apache-2.0
#include "fold.h"

#include "utf8.h"

static const struct {
	uint32_t first, last, step;
	int32_t delta;
} runs[] = {
#define FOLD(first, last, step, delta) {first, last, step, delta},
#include "casefold.def"
#undef FOLD
};

static uint32_t fold_wide(uint32_t c)
{
	uint32_t low = 0, high = sizeof(runs) / sizeof(runs[0]);

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (runs[middle].last < c)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == sizeof(runs) / sizeof(runs[0]) || c < runs[low].first || (c - runs[low].first) % runs[low].step)
		return c;
	return (uint32_t)((int32_t)c + runs[low].delta);
}

static uint32_t decode(const uint8_t *p, uint32_t n)
{
	uint32_t c = p[0] & (0xffu >> (n + 1));

	for (uint32_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

static uint32_t encode(uint32_t c, uint8_t out[4])
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	uint32_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (uint32_t i = n; --i; c >>= 6)
		out[i] = (uint8_t)(0x80 | (c & 0x3f));
	out[0] = (uint8_t)(0xf00 >> n | c);
	return n;
}

size_t sn_fold(const uint8_t *text, size_t len, uint8_t *out, size_t cap)
{
	const uint8_t *end = text + len;
	size_t at = 0;

	if (cap < len + len / 2 + 1)
		return SIZE_MAX;
	while (text < end) {
		uint32_t n;
		if (*text < 0x80) {
			out[at++] = (uint8_t)(*text + ((uint8_t)(*text - 'A') < 26 ? 32 : 0));
			text++;
			continue;
		}
		n = sn_utf8__length(text, end);
		if (!n) {
			out[at++] = *text++;
			continue;
		}
		at += encode(fold_wide(decode(text, n)), out + at);
		text += n;
	}
	return at;
}
