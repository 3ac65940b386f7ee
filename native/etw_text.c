/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <stdio.h>

#include "text.h"
#include "utf8.h"

enum { AF_IP4 = 2, AF_IP6 = 10 }; /* as text.h has them */

static uint32_t unit(struct sn_bytes text, uint32_t at)
{
	return text.at[at] | (uint32_t)text.at[at + 1] << 8;
}

/* The next character, which `at` is then behind: a surrogate that stands alone is itself. text.len - *at >= 2. */
static inline uint32_t next_code(struct sn_bytes text, uint32_t *at)
{
	uint32_t code = unit(text, *at), pair = text.len - *at >= 4 ? sn_utf16__pair(code, unit(text, *at + 2)) : 0;

	*at += pair ? 4 : 2;
	return pair ? pair : code;
}

static void write_hex(struct sn_writer *w, uint64_t value, uint32_t digits)
{
	char text[16];

	for (uint32_t i = digits; i > 0; i--, value >>= 4)
		text[i - 1] = "0123456789abcdef"[value & 15];
	sn_write__bytes(w, text, digits);
}

/* Writes what is printed ASCII from `at` on, which most of all texts is: where it ends. */
static uint32_t write_plain(struct sn_writer *w, struct sn_bytes text, uint32_t at)
{
	char *to = w->at;

#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' '),
		      del = _mm_set1_epi8(0x7f);

	while (text.len - at >= 32 && w->end - to >= 18) {
		const __m128i *units = (const __m128i *)(text.at + at);
		__m128i low = _mm_loadu_si128(units), high = _mm_loadu_si128(units + 1);
		/* what is no byte becomes 0xff or 0, which stop as all below space do */
		__m128i block = _mm_packus_epi16(low, high);
		__m128i stop =
			_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
				     _mm_or_si128(_mm_cmplt_epi8(block, space), _mm_cmpeq_epi8(block, del)));
		uint32_t mask = (uint32_t)_mm_movemask_epi8(stop) | 1u << 16, run = (uint32_t)__builtin_ctz(mask);

		_mm_storeu_si128((__m128i *)to, block);
		to += run;
		at += 2 * run;
		if (run == 16)
			continue;
		if ((text.at[at] != '\\' && text.at[at] != '"') || text.at[at + 1])
			break;
		*to++ = '\\';
		*to++ = (char)text.at[at];
		at += 2;
	}
#endif
	for (; text.len - at >= 2 && w->end - to >= 2; at += 2) {
		char c = (char)text.at[at];

		if (text.at[at + 1] || c < ' ' || c > '~')
			break;
		if (c == '\\' || c == '"')
			*to++ = '\\';
		*to++ = c;
	}
	w->at = to;
	return at;
}

void sn_etw__write_wide_inner(struct sn_writer *w, struct sn_bytes text)
{
	for (uint32_t at = 0; at = write_plain(w, text, at), text.len - at >= 2;) {
		uint32_t code = next_code(text, &at);
		uint8_t character[4];

		if (code >= 0xd800 && code < 0xe000) {
			sn_write__literal(w, "\\u");
			write_hex(w, code, 4);
		} else {
			sn_write__inner(w, character, sn_utf8__encode(character, code));
		}
	}
}

#ifdef __SSE2__
/* Sixteen units as sixteen bytes; 0: not all of them are ASCII. */
static inline int copy_sixteen(uint8_t *to, const uint8_t *from)
{
	__m128i low = _mm_loadu_si128((const __m128i *)from), high = _mm_loadu_si128((const __m128i *)from + 1);
	__m128i above = _mm_and_si128(_mm_or_si128(low, high), _mm_set1_epi16((short)0xff80));

	if (_mm_movemask_epi8(_mm_cmpeq_epi16(above, _mm_setzero_si128())) != 0xffff)
		return 0;
	_mm_storeu_si128((__m128i *)to, _mm_packus_epi16(low, high));
	return 1;
}

/* Eight units as eight bytes; 0: not all of them are ASCII. */
static inline int copy_eight(uint8_t *to, const uint8_t *from)
{
	__m128i units = _mm_loadu_si128((const __m128i *)from);
	__m128i above = _mm_and_si128(units, _mm_set1_epi16((short)0xff80));

	if (_mm_movemask_epi8(_mm_cmpeq_epi16(above, _mm_setzero_si128())) != 0xffff)
		return 0;
	_mm_storel_epi64((__m128i *)to, _mm_packus_epi16(units, units));
	return 1;
}
#endif

/* Copies what is ASCII from `at` on, where it ends in the text. */
static uint32_t copy_ascii(uint8_t **out, struct sn_bytes text, uint32_t at)
{
	uint8_t *to = *out;
#ifdef __SSE2__
	uint32_t begin = at, left;

	for (; text.len - at >= 32 && copy_sixteen(to, text.at + at); at += 32)
		to += 16;
	for (; text.len - at >= 16 && copy_eight(to, text.at + at); at += 16)
		to += 8;
	/* the last ones together with some before them, which become what they are */
	left = (text.len - at) & ~1u;
	if (left && left < 16 && at - begin >= 16 && copy_eight(to + left / 2 - 8, text.at + at + left - 16)) {
		at += left;
		to += left / 2;
	}
#endif
	for (; text.len - at >= 2 && !text.at[at + 1] && text.at[at] < 0x80; at += 2)
		*to++ = text.at[at];
	*out = to;
	return at;
}

uint32_t sn_etw__utf8(uint8_t *out, struct sn_bytes text)
{
	uint8_t *to = out;
	uint32_t at = 0;

	while (at = copy_ascii(&to, text, at), text.len - at >= 2) {
		uint32_t code = next_code(text, &at);

		if (code >= 0xdc80 && code <= 0xdcff)
			*to++ = (uint8_t)code;
		else
			to += sn_utf8__encode(to, code);
	}
	return (uint32_t)(to - out);
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

uint64_t sn_etw__filetime_ns(uint64_t filetime)
{
	static const uint64_t epoch = 116444736000000000u; /* 1970-01-01 */

	return filetime < epoch || filetime - epoch > UINT64_MAX / 100 ? 0 : (filetime - epoch) * 100;
}

/* ---- values that are no texts ---- */

static uint32_t address(char *out, uint16_t family, struct sn_bytes bytes)
{
	uint8_t whole[16] = {0};

	memcpy(whole, bytes.at, bytes.len);
	return sn_text__address(out, family, whole);
}

static void write_pointer(struct sn_writer *w, uint64_t value)
{
	uint32_t digits = 1;

	while (digits < 16 && value >> 4 * digits)
		digits++;
	sn_write__literal(w, "0x");
	write_hex(w, value, digits);
}

/* As JSON has it, but for the quotes. */
static uint32_t time_text(char *out, uint64_t ns)
{
	char quoted[SN_ETW_PLAIN_MAX];
	struct sn_writer w = {.at = quoted, .end = quoted + sizeof(quoted)};
	uint32_t len;

	sn_write__time(&w, ns);
	len = (uint32_t)(w.at - quoted) - 2;
	memcpy(out, quoted + 1, len);
	return len;
}

uint32_t sn_etw__plain(char *out, const struct sn_etw_column *value)
{
	struct sn_writer w = {.at = out, .end = out + SN_ETW_PLAIN_MAX};

	_Static_assert((int)SN_TEXT_ADDRESS <= (int)SN_ETW_PLAIN_MAX && (int)SN_ETW_SID_MAX <= (int)SN_ETW_PLAIN_MAX,
		       "room for the longest");
	switch (value->type) {
	case SN_ETW_I32:
		return sn_text__i64(out, (int64_t)value->number);
	case SN_ETW_BOOL:
		sn_write__bytes(&w, value->number ? "true" : "false", value->number ? 4 : 5);
		return (uint32_t)(w.at - out);
	case SN_ETW_PTR:
		write_pointer(&w, value->number);
		return (uint32_t)(w.at - out);
	case SN_ETW_TIME:
		return time_text(out, sn_etw__filetime_ns(value->number));
	case SN_ETW_NS:
		return time_text(out, value->number);
	case SN_ETW_SID:
	case SN_ETW_USER:
		write_sid(&w, value->bytes);
		return (uint32_t)(w.at - out);
	case SN_ETW_IP4:
		return address(out, AF_IP4, value->bytes);
	case SN_ETW_IP6:
		return address(out, AF_IP6, value->bytes);
	default:
		return sn_text__u64(out, value->number);
	}
}

/* ---- registry ---- */

enum { REG_SZ = 1, REG_EXPAND_SZ, REG_DWORD = 4, REG_QWORD = 11 }; /* winnt.h */

static uint64_t data_number(struct sn_bytes data)
{
	uint64_t number = 0;

	for (uint32_t i = data.len; i > 0; i--)
		number = number << 8 | data.at[i - 1];
	return number;
}

int sn_etw__details(struct sn_etw_column *out, char room[SN_SYSMON_DETAILS_MAX], uint64_t type, uint64_t size,
		    struct sn_bytes data)
{
	const char *word = SN_SYSMON_BINARY;

	out->type = SN_ETW_ATEXT;
	if (type == REG_DWORD || type == REG_QWORD) {
		uint32_t bytes = type == REG_QWORD ? 8 : 4;

		if (size == bytes && data.len == bytes) {
			out->bytes =
				(struct sn_bytes){(const uint8_t *)room,
						  (uint32_t)sn_sysmon__number(room, data_number(data), bytes == 8)};
			return 1;
		}
		if (size == bytes)
			return 0;
	} else if (type == REG_SZ || type == REG_EXPAND_SZ) {
		if (size != data.len)
			return 0;
		while (data.len >= 2 && !unit(data, data.len - 2))
			data.len -= 2;
		word = SN_SYSMON_EMPTY;
		if (data.len >= 2) {
			out->type = SN_ETW_WTEXT;
			out->bytes = data;
			return 1;
		}
	}
	out->bytes = (struct sn_bytes){(const uint8_t *)word, (uint32_t)strlen(word)};
	return 1;
}
