/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "utf8.h"

/* The next byte that a string cannot simply hold: quote, backslash, control character, or not ASCII. */
static const uint8_t *plain_end(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);

	for (; end - p >= 16; p += 16) {
		__m128i block = _mm_loadu_si128((const __m128i *)p);
		/* signed: bytes from 0x80 on are below space too */
		__m128i stop =
			_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
				     _mm_cmplt_epi8(block, space));
		uint32_t mask = (uint32_t)_mm_movemask_epi8(stop);

		if (mask)
			return p + __builtin_ctz(mask);
	}
#endif
	while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* 0..15, or 255 for what is no hexadecimal digit. */
static uint32_t hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 255;
}

/* Four digits at p: their value, or UINT32_MAX. */
static uint32_t hex4(const uint8_t *p)
{
	uint32_t a = hex_value(p[0]), b = hex_value(p[1]), c = hex_value(p[2]), d = hex_value(p[3]);

	return (a | b | c | d) > 15 ? UINT32_MAX : a << 12 | b << 8 | c << 4 | d;
}

/* Length of the escape at p (a backslash), 0 when it is none. */
static uint32_t escape_length(const uint8_t *p, const uint8_t *end)
{
	if (end - p < 2)
		return 0;
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return 2;
	case 'u':
		return end - p >= 6 && hex4(p + 2) != UINT32_MAX ? 6 : 0;
	default:
		return 0;
	}
}

int sn_json__string(struct sn_json *json, struct sn_json_string *out)
{
	const uint8_t *p, *end = json->end;
	uint32_t n;

	if (!sn_json__take(json, '"'))
		return 0;
	out->text = p = json->at;
	out->escaped = 0;
	for (;;) {
		p = plain_end(p, end);
		if (p == end || *p < 0x20)
			return 0;
		if (*p == '"')
			break;
		n = *p == '\\' ? escape_length(p, end) : sn_utf8__length(p, end);
		if (!n)
			return 0;
		out->escaped |= *p == '\\';
		p += n;
	}
	out->len = (uint32_t)(p - out->text);
	json->at = p + 1;
	return 1;
}

static const uint8_t *digits(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? : its end, or NULL. */
static const uint8_t *number_end(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *from;

	if (p < end && *p == '-')
		p++;
	from = p;
	p = digits(p, end);
	if (p == from || (*from == '0' && p > from + 1))
		return NULL;
	if (p < end && *p == '.') {
		from = p + 1;
		p = digits(from, end);
		if (p == from)
			return NULL;
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		from = p;
		p = digits(p, end);
		if (p == from)
			return NULL;
	}
	return p;
}

int sn_json__scalar(struct sn_json *json, struct sn_json_string *out)
{
	static const struct {
		char text[6];
		uint32_t len;
	} words[] = {{"null", 4}, {"true", 4}, {"false", 5}};
	const uint8_t *end;

	sn_json__space(json);
	out->text = json->at;
	out->escaped = 0;
	for (uint32_t i = 0; i < 3; i++) {
		if ((uint32_t)(json->end - json->at) < words[i].len ||
		    memcmp(json->at, words[i].text, words[i].len) != 0)
			continue;
		out->len = words[i].len;
		json->at += out->len;
		return 1;
	}
	end = number_end(json->at, json->end);
	if (!end)
		return 0;
	out->len = (uint32_t)(end - json->at);
	json->at = end;
	return 1;
}

static int skip_members(struct sn_json *json, uint32_t depth, int is_object)
{
	uint8_t close = is_object ? '}' : ']';
	struct sn_json_string key;

	if (depth == SN_JSON_DEPTH)
		return 0;
	json->at++;
	if (sn_json__take(json, close))
		return 1;
	do {
		if (is_object && !(sn_json__string(json, &key) && sn_json__take(json, ':')))
			return 0;
		if (!sn_json__skip(json, depth + 1))
			return 0;
	} while (sn_json__take(json, ','));
	return sn_json__take(json, close);
}

int sn_json__skip(struct sn_json *json, uint32_t depth)
{
	struct sn_json_string ignored;

	sn_json__space(json);
	if (json->at == json->end)
		return 0;
	switch (*json->at) {
	case '"':
		return sn_json__string(json, &ignored);
	case '{':
		return skip_members(json, depth, 1);
	case '[':
		return skip_members(json, depth, 0);
	default:
		return sn_json__scalar(json, &ignored);
	}
}

const uint8_t *sn_json__code(const uint8_t *p, const uint8_t *end, uint32_t *code)
{
	uint32_t c = hex4(p + 2), low;

	p += 6;
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
		low = hex4(p + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			p += 6;
		}
	}
	*code = c;
	return p;
}

static uint8_t *put_code(uint8_t *out, uint32_t code)
{
	if (code >= 0xdc80 && code <= 0xdcff) {
		*out = (uint8_t)code;
		return out + 1;
	}
	return out + sn_utf8__encode(out, code);
}

/* Copies up to the next backslash, or the end; returns where that is. */
static const uint8_t *copy_plain(const uint8_t *p, const uint8_t *end, uint8_t **out)
{
	uint8_t *to = *out;

#ifdef __SSE2__
	const __m128i backslash = _mm_set1_epi8('\\');

	for (; end - p >= 16; p += 16, to += 16) {
		__m128i block = _mm_loadu_si128((const __m128i *)p);
		uint32_t mask = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, backslash));

		_mm_storeu_si128((__m128i *)to, block);
		if (mask) {
			*out = to + __builtin_ctz(mask);
			return p + __builtin_ctz(mask);
		}
	}
#endif
	while (p < end && *p != '\\')
		*to++ = *p++;
	*out = to;
	return p;
}

uint8_t *sn_json__unescape(const struct sn_json_string *string, uint8_t *out)
{
	static const uint8_t meaning[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',	['b'] = '\b',
					     ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
	const uint8_t *p = string->text, *end = p + string->len;

	for (;;) {
		p = copy_plain(p, end, &out);
		if (p == end)
			return out;
		if (p[1] == 'u') {
			uint32_t code;

			p = sn_json__code(p, end, &code);
			out = put_code(out, code);
		} else {
			*out++ = meaning[p[1]];
			p += 2;
		}
	}
}
