/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_powershell.h"

#include <string.h>

#include "reading.h"

static bool is_plain(struct sn_bytes text)
{
	for (uint32_t i = 0; i < text.len; i++)
		if (!text.at[i] || strchr("$;|(){}@`\n\r<>#", text.at[i]))
			return false;
	return true;
}

struct sn_bytes sn_powershell__line(struct sn_bytes text, struct sn_unwinder *unwinder)
{
	uint8_t *room;

	while (text.len && (sn_is_blank(*text.at) || *text.at == '&' || *text.at == '.')) {
		bool calls = *text.at == '&' || (*text.at == '.' && text.len > 1 && sn_is_blank(text.at[1]));

		if (!calls && !sn_is_blank(*text.at))
			break;
		text = sn_bytes__behind(text, 1);
	}
	while (text.len && sn_is_blank(text.at[text.len - 1]))
		text.len--;
	room = text.len && is_plain(text) && !memchr(text.at, '&', text.len) ? sn_unwinder__room(unwinder, text.len)
									     : NULL;
	if (!room || (memchr(text.at, '\'', text.len) && memchr(text.at, '"', text.len)))
		return (struct sn_bytes){0};
	for (uint32_t i = 0; i < text.len; i++)
		room[i] = text.at[i] == '\'' ? '"' : text.at[i];
	return (struct sn_bytes){room, text.len};
}

static uint32_t sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26u;
	if (c >= '0' && c <= '9')
		return c - '0' + 52u;
	return c == '+' ? 62 : c == '/' ? 63 : UINT32_MAX;
}

static uint8_t *put_utf8(uint8_t *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (uint8_t)code;
		return out;
	}
	if (code < 0x800) {
		*out++ = (uint8_t)(0xc0 | code >> 6);
	} else if (code < 0x10000) {
		*out++ = (uint8_t)(0xe0 | code >> 12);
		*out++ = (uint8_t)(0x80 | (code >> 6 & 63));
	} else {
		*out++ = (uint8_t)(0xf0 | code >> 18);
		*out++ = (uint8_t)(0x80 | (code >> 12 & 63));
		*out++ = (uint8_t)(0x80 | (code >> 6 & 63));
	}
	*out++ = (uint8_t)(0x80 | (code & 63));
	return out;
}

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
		u->out = put_utf8(u->out, 0x10000 + ((u->high & 0x3ff) << 10) + (unit & 0x3ff));
	u->high = unit >= 0xd800 && unit < 0xdc00 ? unit : 0;
	if (!u->high && !low)
		u->out = put_utf8(u->out, unit);
}

struct sn_bytes sn_powershell__decode(struct sn_bytes base64, struct sn_unwinder *unwinder)
{
	uint8_t *room;
	uint32_t bits = 0, held = 0, bytes = 0, unit = 0;
	struct units u = {0};

	while (base64.len && base64.at[base64.len - 1] == '=')
		base64.len--;
	room = base64.len ? sn_unwinder__room(unwinder, base64.len * 2) : NULL;
	if (!room || base64.len % 4 == 1)
		return (struct sn_bytes){0};
	u.out = room;
	for (uint32_t i = 0; i < base64.len && !u.bad; i++) {
		uint32_t value = sextet(base64.at[i]);

		if (value == UINT32_MAX)
			return (struct sn_bytes){0};
		held = held << 6 | value;
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
