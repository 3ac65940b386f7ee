/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "bytes.h"
#include "utf8.h"

/* Simply part of a string: ASCII that is no quote, backslash or control character, nor DEL. */
static int is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

#ifdef __SSE2__
/* A bit for each byte that is not plain. */
static inline uint32_t stops(__m128i block)
{
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
	/* signed: one more than DEL is the least of all, than what is not ASCII at most 0 */
	__m128i next = _mm_add_epi8(block, _mm_set1_epi8(1)), control = _mm_cmplt_epi8(next, _mm_set1_epi8(0x21));

	return (uint32_t)_mm_movemask_epi8(
		_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)), control));
}
#endif

/* The next byte that is not plain, or the end. */
static inline const uint8_t *plain_end(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
	for (; end - p >= 16; p += 16) {
		uint32_t mask = stops(_mm_loadu_si128((const __m128i *)p));

		if (mask)
			return p + __builtin_ctz(mask);
	}
#endif
	while (p < end && is_plain(*p))
		p++;
	return p;
}

/* Four digits at p: their value, or UINT32_MAX. */
static uint32_t hex4(const uint8_t *p)
{
	uint32_t a = sn_bytes__hex_digit(p[0]), b = sn_bytes__hex_digit(p[1]), c = sn_bytes__hex_digit(p[2]),
		 d = sn_bytes__hex_digit(p[3]);

	return (a | b | c | d) > 15 ? UINT32_MAX : a << 12 | b << 8 | c << 4 | d;
}

/* What a letter behind a backslash means; 0: nothing, or u. */
static const uint8_t meaning[256] = {
	['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};

/* Length of the escape at p (a backslash), 0 when it is none. */
static uint32_t escape_length(const uint8_t *p, const uint8_t *end)
{
	if (end - p < 2)
		return 0;
	if (meaning[p[1]])
		return 2;
	return p[1] == 'u' && end - p >= 6 && hex4(p + 2) != UINT32_MAX ? 6 : 0;
}

/* Steps over the escape or the character that is not ASCII at p. NULL: it is none. */
static const uint8_t *step(const uint8_t *p, const uint8_t *end, uint32_t *odd)
{
	uint32_t n;

	if (*p == '\\') {
		n = escape_length(p, end);
		*odd |= n != 2 || p[1] == '/';
	} else {
		n = *p < 0x20 ? 0 : sn_utf8__length(p, end);
		*odd = 1;
	}
	return n ? p + n : NULL;
}

int sn_json__string(struct sn_json *json, struct sn_json_string *out)
{
	const uint8_t *p, *end = json->end;
	uint32_t escaped = 0, odd = 0;

	if (!sn_json__take(json, '"'))
		return 0;
	out->text = p = json->at;
	while ((p = plain_end(p, end)) < end && *p != '"') {
		escaped |= *p == '\\';
		p = step(p, end, &odd);
		if (!p)
			return 0;
	}
	if (p == end)
		return 0;
	out->len = (uint32_t)(p - out->text);
	out->escaped = escaped;
	out->odd = odd;
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

/* null, true or false: its end, or NULL. */
static const uint8_t *word_end(const uint8_t *p, const uint8_t *end)
{
	static const struct {
		char text[6];
		uint32_t len;
	} words[] = {{"null", 4}, {"true", 4}, {"false", 5}};

	for (uint32_t i = 0; i < 3; i++)
		if ((uint32_t)(end - p) >= words[i].len && memcmp(p, words[i].text, words[i].len) == 0)
			return p + words[i].len;
	return NULL;
}

int sn_json__scalar(struct sn_json *json, struct sn_json_string *out)
{
	const uint8_t *end;

	sn_json__space(json);
	out->text = json->at;
	out->escaped = out->odd = 0;
	end = json->at < json->end && *json->at >= 'a' ? word_end(json->at, json->end)
						       : number_end(json->at, json->end);
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
	uint32_t pair = 0;

	*code = hex4(p + 2);
	p += 6;
	if (*code >= 0xd800 && end - p >= 6 && p[0] == '\\' && p[1] == 'u')
		pair = sn_utf16__pair(*code, hex4(p + 2));
	if (!pair)
		return p;
	*code = pair;
	return p + 6;
}

static uint8_t *put_code(uint8_t *out, uint32_t code)
{
	if (code >= 0xdc80 && code <= 0xdcff) {
		*out = (uint8_t)code;
		return out + 1;
	}
	return out + sn_utf8__encode(out, code);
}

/* plain_end, and copies what it passes. */
static inline const uint8_t *copy_plain(const uint8_t *p, const uint8_t *end, uint8_t **out)
{
	uint8_t *to = *out;

#ifdef __SSE2__
	for (; end - p >= 16; p += 16, to += 16) {
		__m128i block = _mm_loadu_si128((const __m128i *)p);
		uint32_t mask = stops(block);

		_mm_storeu_si128((__m128i *)to, block);
		if (mask) {
			*out = to + __builtin_ctz(mask);
			return p + __builtin_ctz(mask);
		}
	}
#endif
	while (p < end && is_plain(*p))
		*to++ = *p++;
	*out = to;
	return p;
}

/* Writes what the escape or the character at p, which are sound, mean; returns the end of it. */
static const uint8_t *put_meaning(const uint8_t *p, const uint8_t *end, uint8_t **out)
{
	uint32_t n = 1, code;

	if (*p != '\\') {
		n = sn_utf8__length(p, end);
		memcpy(*out, p, n);
		*out += n;
		return p + n;
	}
	if (p[1] == 'u') {
		p = sn_json__code(p, end, &code);
		*out = put_code(*out, code);
		return p;
	}
	*(*out)++ = meaning[p[1]];
	return p + 2;
}

uint8_t *sn_json__unescape(const struct sn_json_string *string, uint8_t *out)
{
	const uint8_t *p = string->text, *end = p + string->len;

	while ((p = copy_plain(p, end, &out)) < end)
		p = put_meaning(p, end, &out);
	return out;
}

/* What a string means whose first escape is at p: its closing quote, or NULL. */
static const uint8_t *unescape(const uint8_t *p, const uint8_t *end, uint8_t **out)
{
	uint8_t *to = *out;
	uint32_t odd;

	while (p < end && *p != '"') {
		if (*p == '\\' && end - p > 1 && meaning[p[1]]) {
			*to++ = meaning[p[1]];
			p += 2;
		} else {
			if (!step(p, end, &odd))
				return NULL;
			p = put_meaning(p, end, &to);
		}
		p = copy_plain(p, end, &to);
	}
	*out = to;
	return p;
}

int sn_json__meaning(struct sn_json *json, const uint8_t **text, uint32_t *len, uint8_t *room, uint8_t **used)
{
	const uint8_t *begin = json->at + 1, *p = begin, *end = json->end;
	uint32_t odd;

	*used = room;
	while ((p = plain_end(p, end)) < end && *p != '"' && *p != '\\')
		if (!(p = step(p, end, &odd)))
			return 0;
	*len = (uint32_t)(p - begin);
	*text = begin;
	if (p < end && *p == '\\') {
		memcpy(room, begin, *len);
		*used = room + *len;
		p = unescape(p, end, used);
		*text = room;
		*len = (uint32_t)(*used - room);
	}
	if (!p || p == end)
		return 0;
	json->at = p + 1;
	return 1;
}
