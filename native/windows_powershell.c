/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_powershell.h"

#include <string.h>

#include "reading.h"
#include "utf8.h"

/* What more than a command line is made of. */
static const bool is_code[256] = {
	[0] = true,    ['$'] = true, [';'] = true, ['|'] = true, ['('] = true, [')'] = true,
	['{'] = true,  ['}'] = true, ['@'] = true, ['`'] = true, ['&'] = true, ['\n'] = true,
	['\r'] = true, ['<'] = true, ['>'] = true, ['#'] = true,
};

static bool is_plain(struct sn_bytes text)
{
	for (uint32_t i = 0; i < text.len; i++)
		if (is_code[text.at[i]])
			return false;
	return true;
}

static struct sn_bytes without_blanks(struct sn_bytes text)
{
	while (text.len && sn_is_blank(*text.at))
		text = sn_bytes__behind(text, 1);
	while (text.len && sn_is_blank(text.at[text.len - 1]))
		text.len--;
	return text;
}

/* Without what calls a command: & COMMAND, . COMMAND, & {COMMAND}. */
static struct sn_bytes without_call(struct sn_bytes text)
{
	for (;;) {
		text = without_blanks(text);
		if (text.len && (*text.at == '&' || (*text.at == '.' && text.len > 1 && sn_is_blank(text.at[1]))))
			text = sn_bytes__behind(text, 1);
		else if (text.len > 1 && *text.at == '{' && text.at[text.len - 1] == '}')
			text = (struct sn_bytes){text.at + 1, text.len - 2};
		else
			return text;
	}
}

/* Bytes of what stands between two texts of a list, 'a','b', at the first one's closing quote. 0: it is none. */
static uint32_t between_texts(struct sn_bytes text)
{
	uint32_t len = 1;
	bool comma = false;

	while (len < text.len && (sn_is_blank(text.at[len]) || (!comma && text.at[len] == ',')))
		comma = text.at[len++] == ',' || comma;
	return comma && len < text.len && (text.at[len] == '\'' || text.at[len] == '"') ? len + 1 : 0;
}

struct sn_bytes sn_powershell__line(struct sn_bytes text, struct sn_unwinder *unwinder)
{
	uint32_t len = 0;
	uint8_t *room;

	text = without_call(text);
	room = text.len && is_plain(text) ? sn_unwinder__room(unwinder, text.len) : NULL;
	if (!room || (memchr(text.at, '\'', text.len) && memchr(text.at, '"', text.len)))
		return (struct sn_bytes){0};
	for (uint32_t i = 0; i < text.len; len++) {
		bool quote = text.at[i] == '\'' || text.at[i] == '"';
		uint32_t between = quote ? between_texts(sn_bytes__behind(text, i)) : 0;

		room[len] = between ? ' ' : quote ? '"' : text.at[i];
		i += between ? between : 1;
	}
	return (struct sn_bytes){room, len};
}

enum { DIGIT = 0x80 };

/* The value of a digit of base64, and DIGIT; 0: it is none. */
static const uint8_t sextets[256] = {
	['A'] = 0x80, ['B'] = 0x81, ['C'] = 0x82, ['D'] = 0x83, ['E'] = 0x84, ['F'] = 0x85, ['G'] = 0x86, ['H'] = 0x87,
	['I'] = 0x88, ['J'] = 0x89, ['K'] = 0x8a, ['L'] = 0x8b, ['M'] = 0x8c, ['N'] = 0x8d, ['O'] = 0x8e, ['P'] = 0x8f,
	['Q'] = 0x90, ['R'] = 0x91, ['S'] = 0x92, ['T'] = 0x93, ['U'] = 0x94, ['V'] = 0x95, ['W'] = 0x96, ['X'] = 0x97,
	['Y'] = 0x98, ['Z'] = 0x99, ['a'] = 0x9a, ['b'] = 0x9b, ['c'] = 0x9c, ['d'] = 0x9d, ['e'] = 0x9e, ['f'] = 0x9f,
	['g'] = 0xa0, ['h'] = 0xa1, ['i'] = 0xa2, ['j'] = 0xa3, ['k'] = 0xa4, ['l'] = 0xa5, ['m'] = 0xa6, ['n'] = 0xa7,
	['o'] = 0xa8, ['p'] = 0xa9, ['q'] = 0xaa, ['r'] = 0xab, ['s'] = 0xac, ['t'] = 0xad, ['u'] = 0xae, ['v'] = 0xaf,
	['w'] = 0xb0, ['x'] = 0xb1, ['y'] = 0xb2, ['z'] = 0xb3, ['0'] = 0xb4, ['1'] = 0xb5, ['2'] = 0xb6, ['3'] = 0xb7,
	['4'] = 0xb8, ['5'] = 0xb9, ['6'] = 0xba, ['7'] = 0xbb, ['8'] = 0xbc, ['9'] = 0xbd, ['+'] = 0xbe, ['/'] = 0xbf,
};

/* UTF-16, unit by unit, to UTF-8. */
struct units {
	uint8_t *out;
	uint32_t high; /* of a surrogate pair, 0: none is open */
	bool bad;
};

static void put_unit(struct units *u, uint32_t unit)
{
	bool low = unit >= 0xdc00 && unit < 0xe000;

	u->bad = u->bad || low != (u->high != 0) || !unit;
	if (low && u->high)
		u->out += sn_utf8__encode(u->out, sn_utf16__pair(u->high, unit));
	u->high = unit >= 0xd800 && unit < 0xdc00 ? unit : 0;
	if (!u->high && !low)
		u->out += sn_utf8__encode(u->out, unit);
}

/* The bits of four digits at p; `all`: what all of them have. */
static uint32_t four_digits(const uint8_t *p, uint32_t *all)
{
	const uint32_t a = sextets[p[0]], b = sextets[p[1]], c = sextets[p[2]], d = sextets[p[3]];

	*all &= a & b & c & d;
	return (a << 18) + (b << 12) + (c << 6) + d - DIGIT * 0x41041u;
}

/* Eight digits at p, as UTF-16: three units. If all are ASCII, as of most commands, their bytes to `out`: 1, or 0. */
static int put_ascii(uint8_t *out, const uint8_t *p)
{
	uint32_t all = DIGIT;
	const uint64_t high = four_digits(p, &all), bits = high << 24 | four_digits(p + 4, &all);

	out[0] = (uint8_t)(bits >> 40);
	out[1] = (uint8_t)(bits >> 24);
	out[2] = (uint8_t)(bits >> 8);
	/* the high bytes are 0, and so is bit 7 of the low ones, none of which is 0 */
	return all && !(bits & 0x80ff80ff80ff) && out[0] && out[1] && out[2];
}

struct sn_bytes sn_powershell__decode(struct sn_bytes base64, struct sn_unwinder *unwinder)
{
	uint8_t *room;
	uint32_t bits = 0, held = 0, bytes = 0, unit = 0, i = 0;
	struct units u = {0};

	while (base64.len && base64.at[base64.len - 1] == '=')
		base64.len--;
	room = base64.len ? sn_unwinder__room(unwinder, base64.len * 2) : NULL;
	if (!room || base64.len % 4 == 1)
		return (struct sn_bytes){0};
	u.out = room;
	while (i < base64.len && !u.bad) {
		uint32_t value;

		if (!bits && !(bytes % 2) && !u.high && base64.len - i >= 8 && put_ascii(u.out, base64.at + i)) {
			u.out += 3;
			bytes += 6;
			i += 8;
			continue;
		}
		value = sextets[base64.at[i++]];
		if (!value)
			return (struct sn_bytes){0};
		held = held << 6 | (value - DIGIT);
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		unit |= (held >> bits & 0xff) << (bytes++ % 2 * 8);
		if (bytes % 2)
			continue;
		put_unit(&u, unit);
		unit = 0;
	}
	if (u.bad || u.high || bytes % 2 || !bytes)
		return (struct sn_bytes){0};
	return (struct sn_bytes){room, (uint32_t)(u.out - room)};
}
