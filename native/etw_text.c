/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_text.h"

#include "text.h"
#include "utf8.h"

enum { AF_IP4 = 2, AF_IP6 = 10 }; /* as text.h has them */

static uint32_t unit(struct sn_bytes text, uint32_t at)
{
	return text.at[at] | (uint32_t)text.at[at + 1] << 8;
}

static void write_hex(struct sn_writer *w, uint64_t value, uint32_t digits)
{
	char text[16];

	for (uint32_t i = digits; i > 0; i--, value >>= 4)
		text[i - 1] = "0123456789abcdef"[value & 15];
	sn_write__bytes(w, text, digits);
}

/* Writes what is plain ASCII from `at` on, which most of all texts is: where it ends. */
static uint32_t write_plain(struct sn_writer *w, struct sn_bytes text, uint32_t at)
{
	char *to = w->at;

	for (; text.len - at >= 2 && w->end - to >= 2; at += 2) {
		char c = (char)text.at[at];

		if (text.at[at + 1] || c < ' ' || c > '~' || c == '"')
			break;
		*to++ = c;
		if (c == '\\')
			*to++ = c;
	}
	w->at = to;
	return at;
}

void sn_etw__write_wide_inner(struct sn_writer *w, struct sn_bytes text)
{
	uint8_t run[64];
	uint32_t used = 0;

	for (uint32_t at = 0; text.len - at >= 2; at += 2) {
		uint32_t code, low;

		if (!used)
			at = write_plain(w, text, at);
		if (text.len - at < 2)
			break;
		code = unit(text, at);
		low = text.len - at >= 4 ? unit(text, at + 2) : 0;

		if (code >= 0xd800 && code < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
			at += 2;
		}
		if (used > sizeof(run) - 4 || (code >= 0xd800 && code < 0xe000)) {
			sn_write__inner(w, run, used);
			used = 0;
		}
		if (code >= 0xd800 && code < 0xe000) {
			sn_write__literal(w, "\\u");
			write_hex(w, code, 4);
		} else {
			used += sn_utf8__encode(run + used, code);
		}
	}
	sn_write__inner(w, run, used);
}

void sn_etw__write_wide(struct sn_writer *w, struct sn_bytes text)
{
	sn_write__literal(w, "\"");
	sn_etw__write_wide_inner(w, text);
	sn_write__literal(w, "\"");
}

/* Revision, count, an authority of 6 bytes (the highest first), as many sub-authorities of 4 (the lowest first). */
static void write_sid(struct sn_writer *w, struct sn_bytes sid)
{
	uint64_t authority = 0;

	for (uint32_t i = 2; i < 8; i++)
		authority = authority << 8 | sid.at[i];
	sn_write__literal(w, "S-");
	sn_write__number(w, sid.at[0]);
	sn_write__literal(w, "-");
	sn_write__number(w, authority);
	for (uint32_t at = 8; at + 4 <= sid.len; at += 4) {
		sn_write__literal(w, "-");
		sn_write__number(w, unit(sid, at) | (uint64_t)unit(sid, at + 2) << 16);
	}
}

uint32_t sn_etw__sid_text(char *out, struct sn_bytes sid)
{
	struct sn_writer w = {.at = out, .end = out + SN_ETW_SID_MAX - 1};

	write_sid(&w, sid);
	*w.at = 0;
	return (uint32_t)(w.at - out);
}

static void write_address(struct sn_writer *w, uint16_t family, struct sn_bytes address)
{
	uint8_t whole[16] = {0};
	char text[SN_TEXT_ADDRESS];

	memcpy(whole, address.at, address.len);
	sn_write__literal(w, "\"");
	sn_write__bytes(w, text, sn_text__address(text, family, whole));
	sn_write__literal(w, "\"");
}

static void write_pointer(struct sn_writer *w, uint64_t value)
{
	uint32_t digits = 1;

	while (digits < 16 && value >> 4 * digits)
		digits++;
	sn_write__literal(w, "\"0x");
	write_hex(w, value, digits);
	sn_write__literal(w, "\"");
}

uint64_t sn_etw__filetime_ns(uint64_t filetime)
{
	static const uint64_t epoch = 116444736000000000u; /* 1970-01-01 */

	return filetime < epoch || filetime - epoch > UINT64_MAX / 100 ? 0 : (filetime - epoch) * 100;
}

/* 0: it is none that can be written. */
static int write_filetime(struct sn_writer *w, uint64_t filetime)
{
	uint64_t ns = sn_etw__filetime_ns(filetime);

	if (ns)
		sn_write__time(w, ns);
	return ns != 0;
}

static int write_value(struct sn_writer *w, const struct sn_etw_column *column)
{
	char text[SN_TEXT_NUMBER];

	switch (column->type) {
	case SN_ETW_I32:
		sn_write__bytes(w, text, sn_text__i64(text, (int64_t)column->number));
		return 1;
	case SN_ETW_PTR:
		write_pointer(w, column->number);
		return 1;
	case SN_ETW_TIME:
		return write_filetime(w, column->number);
	case SN_ETW_SID:
	case SN_ETW_USER:
		if (!column->bytes.len)
			return 0;
		sn_write__literal(w, "\"");
		write_sid(w, column->bytes);
		sn_write__literal(w, "\"");
		return 1;
	case SN_ETW_WTEXT:
	case SN_ETW_WPATH:
		sn_etw__write_wide(w, column->bytes);
		return 1;
	case SN_ETW_ATEXT:
		sn_write__text(w, column->bytes.at, column->bytes.len);
		return 1;
	case SN_ETW_IP4:
		write_address(w, AF_IP4, column->bytes);
		return 1;
	case SN_ETW_IP6:
		write_address(w, AF_IP6, column->bytes);
		return 1;
	case SN_ETW_BLOB:
		return 0;
	default:
		sn_write__number(w, column->number);
		return 1;
	}
}

void sn_etw__write_column(struct sn_writer *w, const struct sn_etw_decoded *decoded, uint32_t column)
{
	const char *name = sn_etw__column_name(decoded->layout, column);
	char *before = w->at;

	if (!decoded->column[column].there)
		return;
	sn_write__key(w, name, strlen(name));
	sn_write__end(w, before, write_value(w, &decoded->column[column]));
}

/* ---- registry ---- */

enum { REG_SZ = 1, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_QWORD = 11 }; /* winnt.h */

static uint64_t data_number(struct sn_bytes data)
{
	uint64_t number = 0;

	for (uint32_t i = data.len; i > 0; i--)
		number = number << 8 | data.at[i - 1];
	return number;
}

void sn_etw__write_details(struct sn_writer *w, uint64_t type, uint64_t size, struct sn_bytes data)
{
	static const char key[] = "Details";
	uint64_t number;

	if (type == REG_BINARY) {
		sn_write__literal(w, "\"Details\":\"Binary Data\",");
		return;
	}
	if (size != data.len)
		return;
	if (type == REG_DWORD && size == 4) {
		sn_write__literal(w, "\"Details\":\"DWORD (0x");
		write_hex(w, data_number(data), 8);
		sn_write__literal(w, ")\",");
	} else if (type == REG_QWORD && size == 8) {
		number = data_number(data);
		sn_write__literal(w, "\"Details\":\"QWORD (0x");
		write_hex(w, number >> 32, 8);
		sn_write__literal(w, "-0x");
		write_hex(w, number & UINT32_MAX, 8);
		sn_write__literal(w, ")\",");
	} else if (type == REG_SZ || type == REG_EXPAND_SZ) {
		while (data.len >= 2 && !unit(data, data.len - 2))
			data.len -= 2;
		sn_write__key(w, key, sizeof(key) - 1);
		if (data.len >= 2)
			sn_etw__write_wide(w, data);
		else
			sn_write__literal(w, "\"(Empty)\"");
		sn_write__literal(w, ",");
	}
}
