/* SPDX-License-Identifier: Apache-2.0 */
#include "fold.h"

#include <string.h>

#include "sensor.h"
#include "utf8.h"

static const struct sn_fold_range ranges[] = {
#define SN_FOLD(first, last, step, delta) {first, last, step, delta},
#include "fold.def"
};

enum { RANGES = sizeof(ranges) / sizeof(*ranges) };

const struct sn_fold_range *sn_fold__range(uint32_t number)
{
	return number < RANGES ? &ranges[number] : NULL;
}

uint32_t sn_fold__char(uint32_t c)
{
	uint32_t low = 0, high = RANGES;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (ranges[middle].last < c)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == RANGES || c < ranges[low].first || (c - ranges[low].first) % ranges[low].step)
		return c;
	return c + (uint32_t)ranges[low].delta;
}

static uint32_t decode(const uint8_t *p, uint32_t n)
{
	uint32_t c = p[0] & (0xffu >> (n + 1));

	for (uint32_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

static uint8_t *encode(uint8_t *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (uint8_t)c;
	} else if (c < 0x800) {
		*out++ = (uint8_t)(0xc0 | c >> 6);
		*out++ = (uint8_t)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (uint8_t)(0xe0 | c >> 12);
		*out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		*out++ = (uint8_t)(0x80 | (c & 0x3f));
	} else {
		*out++ = (uint8_t)(0xf0 | c >> 18);
		*out++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		*out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		*out++ = (uint8_t)(0x80 | (c & 0x3f));
	}
	return out;
}

/* Eight ASCII bytes at once: adds 0x20 to those from A to Z. */
static uint64_t fold_word(uint64_t word)
{
	const uint64_t each = 0x0101010101010101u;
	uint64_t from_a = word + (0x80 - 'A') * each, past_z = word + (0x80 - 'Z' - 1) * each;

	return word + ((from_a & ~past_z & 0x80 * each) >> 2);
}

uint32_t sn_fold__text(uint8_t *out, const uint8_t *text, uint32_t len, bool *ascii)
{
	const uint8_t *end = text + len;
	uint8_t *start = out;

	while (text < end) {
		uint32_t n;
		uint64_t word;

		for (; end - text >= 8; text += 8, out += 8) {
			memcpy(&word, text, 8);
			if (word & 0x8080808080808080u)
				break;
			word = fold_word(word);
			memcpy(out, &word, 8);
		}
		while (text < end && *text < 0x80) {
			uint8_t c = *text++;

			*out++ = c >= 'A' && c <= 'Z' ? c + 0x20 : c;
		}
		if (text == end)
			break;
		*ascii = false;
		n = sn_utf8__length(text, end);
		if (n)
			out = encode(out, sn_fold__char(decode(text, n)));
		else
			*out++ = *text;
		text += n ? n : 1;
	}
	return (uint32_t)(out - start);
}
