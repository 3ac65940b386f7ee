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

/* The value of a digit of base64, + 1; 0: it is none. */
static const uint8_t sextets[256] = {
	['A'] = 1,  ['B'] = 2,	['C'] = 3,  ['D'] = 4,	['E'] = 5,  ['F'] = 6,	['G'] = 7,  ['H'] = 8,
	['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
	['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
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

/* Eight digits at p, as UTF-16: three units. If all are ASCII, as of most commands, their bytes to `out`: 1, or 0. */
static int put_ascii(uint8_t *out, const uint8_t *p)
{
	uint64_t bits = 0;
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < 8; i++) {
		uint32_t value = sextets[p[i]];

		least = value < least ? value : least;
		bits = bits << 6 | ((value - 1) & 63);
	}
	out[0] = (uint8_t)(bits >> 40);
	out[1] = (uint8_t)(bits >> 24);
	out[2] = (uint8_t)(bits >> 8);
	/* the high bytes are 0, and so is bit 7 of the low ones, none of which is 0 */
	return least && !(bits & 0x80ff80ff80ff) && out[0] && out[1] && out[2];
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
		held = held << 6 | (value - 1);
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
