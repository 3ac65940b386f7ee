/* SPDX-License-Identifier: Apache-2.0 */
#include "json_write.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "json.h"
#include "text.h"
#include "utf8.h"

static const char HEX[] = "0123456789abcdef";

void sn_write__key(struct sn_writer *w, const char *name, size_t n)
{
	sn_write__literal(w, "\"");
	sn_write__bytes(w, name, n);
	sn_write__literal(w, "\":");
}

void sn_write__number(struct sn_writer *w, uint64_t value)
{
	char text[SN_TEXT_NUMBER];

	sn_write__bytes(w, text, sn_text__u64(text, value));
}

static int is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Copies up to the next byte that is not written as it is, or the end; returns where that is. */
static const uint8_t *copy_plain(struct sn_writer *w, const uint8_t *p, const uint8_t *end)
{
	char *to = w->at;

#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20),
		      del = _mm_set1_epi8(0x7f);

	for (; end - p >= 16 && w->end - to >= 16; p += 16, to += 16) {
		__m128i block = _mm_loadu_si128((const __m128i *)p);
		/* signed: bytes from 0x80 on are below space too */
		__m128i stop =
			_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
				     _mm_or_si128(_mm_cmplt_epi8(block, space), _mm_cmpeq_epi8(block, del)));
		uint32_t mask = (uint32_t)_mm_movemask_epi8(stop);

		_mm_storeu_si128((__m128i *)to, block);
		if (mask) {
			w->at = to + __builtin_ctz(mask);
			return p + __builtin_ctz(mask);
		}
	}
#endif
	while (p < end && is_plain(*p) && to < w->end)
		*to++ = (char)*p++;
	w->at = to;
	if (p == end || !is_plain(*p))
		return p;
	w->full = 1;
	return end;
}

static void put_code(struct sn_writer *w, uint32_t code)
{
	char text[6] = {'\\', 'u', HEX[code >> 12 & 15], HEX[code >> 8 & 15], HEX[code >> 4 & 15], HEX[code & 15]};

	sn_write__bytes(w, text, sizeof(text));
}

/* A lone surrogate, which no UTF-8 can hold; or legal, but a terminal obeys C1 controls and bidi overrides,
 * str.splitlines and the like break at U+0085, U+2028 and U+2029, and what has no width hides between letters. */
static int is_escaped(uint32_t code)
{
	return (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x061c || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
	       (code >= 0xd800 && code < 0xe000);
}

static void put_ascii(struct sn_writer *w, uint32_t c)
{
	/* the letter behind the backslash of RFC 8259's short forms */
	static const char letter[128] = {
		['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
	char text[] = {(char)(is_plain((uint8_t)c) ? c : '\\'), letter[c]};

	if (is_plain((uint8_t)c) || letter[c])
		sn_write__bytes(w, text, letter[c] ? 2 : 1);
	else
		put_code(w, c);
}

static void put_character(struct sn_writer *w, uint32_t code)
{
	uint8_t text[4];

	if (code < 0x80)
		put_ascii(w, code);
	else if (is_escaped(code))
		put_code(w, code);
	else
		sn_write__bytes(w, text, sn_utf8__encode(text, code));
}

void sn_write__inner(struct sn_writer *w, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;

	while ((p = copy_plain(w, p, end)) < end) {
		uint32_t length = sn_utf8__length(p, end);

		put_character(w, length ? sn_utf8__decode(p, length) : 0xdc00u | *p);
		p += length ? length : 1;
	}
}

void sn_write__text(struct sn_writer *w, const uint8_t *p, size_t n)
{
	sn_write__literal(w, "\"");
	sn_write__inner(w, p, n);
	sn_write__literal(w, "\"");
}

void sn_write__again(struct sn_writer *w, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;
	uint32_t length, code;

	while ((p = copy_plain(w, p, end)) < end) {
		if (*p != '\\') {
			length = sn_utf8__length(p, end);
			put_character(w, sn_utf8__decode(p, length));
			p += length;
		} else if (p[1] == 'u') {
			p = sn_json__code(p, end, &code);
			put_character(w, code);
		} else {
			/* a solidus alone needs no backslash */
			sn_write__bytes(w, p + (p[1] == '/'), 2 - (p[1] == '/'));
			p += 2;
		}
	}
}

/* Days since the epoch to year, month, day: Howard Hinnant's civil_from_days. */
static void civil_date(uint64_t days, uint64_t *year, uint32_t *month, uint32_t *day)
{
	uint64_t z = days + 719468, era = z / 146097;
	uint32_t doe = (uint32_t)(z - era * 146097);
	uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2);
}

static void put_padded(struct sn_writer *w, uint64_t value, uint32_t width, char behind)
{
	char digits[SN_TEXT_NUMBER];

	digits[width] = behind;
	for (uint32_t i = width; i-- > 0; value /= 10)
		digits[i] = (char)('0' + value % 10);
	sn_write__bytes(w, digits, width + 1);
}

void sn_write__time(struct sn_writer *w, uint64_t ns)
{
	uint64_t second = ns / 1000000000, of_day = second % 86400, year;
	uint32_t month, day;

	civil_date(second / 86400, &year, &month, &day);
	sn_write__literal(w, "\"");
	put_padded(w, year, 4, '-');
	put_padded(w, month, 2, '-');
	put_padded(w, day, 2, 'T');
	put_padded(w, of_day / 3600, 2, ':');
	put_padded(w, of_day / 60 % 60, 2, ':');
	put_padded(w, of_day % 60, 2, '.');
	put_padded(w, ns % 1000000000, 9, 'Z');
	sn_write__literal(w, "\"");
}
