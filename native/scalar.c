/* SPDX-License-Identifier: Apache-2.0 */
#include "scalar.h"

#include <string.h>

#include "text.h"

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* ---- decimals ---- */
static bool parse_exponent(const uint8_t *at, const uint8_t *end, int64_t *out)
{
	bool negative = at < end && *at == '-';

	if (at < end && (*at == '-' || *at == '+'))
		at++;
	if (at == end || end - at > 9)
		return false;
	for (*out = 0; at < end; at++) {
		if (!is_digit(*at))
			return false;
		*out = *out * 10 + (*at - '0');
	}
	if (negative)
		*out = -*out;
	return true;
}

bool sn_decimal__parse(const uint8_t *text, uint32_t len, struct sn_decimal *out)
{
	const uint8_t *at = text, *end = text + len, *point = NULL;
	uint32_t digits = 0, whole = 0; /* of them in front of the point */

	*out = (struct sn_decimal){.negative = len && *text == '-'};
	if (at < end && (*at == '-' || *at == '+'))
		at++;
	for (; at < end && (is_digit(*at) || (*at == '.' && !point)); at++) {
		if (*at == '.') {
			point = at;
			whole = digits;
			continue;
		}
		digits++;
		if (!out->digits && *at != '0')
			out->digits = at;
	}
	if (!digits || (point && (!whole || whole == digits)))
		return false;
	out->end = at;
	if (at < end && ((*at | 0x20) != 'e' || !parse_exponent(at + 1, end, &out->exponent)))
		return false;
	if (!point)
		point = out->end;
	if (out->digits) /* in front of the point, or behind it with zeros between */
		out->exponent += out->digits < point ? point - out->digits : point + 1 - out->digits;
	return true;
}

static uint8_t next_digit(const uint8_t **at, const uint8_t *end)
{
	if (*at < end && **at == '.')
		++*at;
	return *at < end ? *(*at)++ : '0';
}

int sn_decimal__compare(const struct sn_decimal *a, const struct sn_decimal *b)
{
	const uint8_t *x = a->digits, *y = b->digits;
	int sign = a->negative ? -1 : 1;

	if (!x || !y) {
		if (!x && !y)
			return 0;
		return x ? sign : b->negative ? 1 : -1;
	}
	if (a->negative != b->negative)
		return sign;
	if (a->exponent != b->exponent)
		return a->exponent > b->exponent ? sign : -sign;
	while (x < a->end || y < b->end) {
		uint8_t p = next_digit(&x, a->end), q = next_digit(&y, b->end);

		if (p != q)
			return p > q ? sign : -sign;
	}
	return 0;
}

/* ---- addresses ---- */
static bool in_network(const struct sn_network *network, const uint8_t *address)
{
	uint32_t bytes = network->bits / 8, rest = network->bits % 8;

	if (memcmp(network->address, address, bytes) != 0)
		return false;
	return !rest || (network->address[bytes] ^ address[bytes]) >> (8 - rest) == 0;
}

/* Of the address that an IPv6 zone follows (fe80::1%eth0, fe80::1%12); `len` where none does. */
static uint32_t before_zone(const uint8_t *text, uint32_t len)
{
	const uint8_t *mark = len ? memchr(text, '%', len) : NULL, *zone;
	size_t zone_len;

	if (!mark || mark + 1 == text + len)
		return len;
	zone = mark + 1;
	zone_len = (size_t)(text + len - zone);
	return memchr(zone, '%', zone_len) || memchr(zone, '/', zone_len) ? len : (uint32_t)(mark - text);
}

bool sn_network__holds(const struct sn_network *network, const uint8_t *text, uint32_t len)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint32_t own = before_zone(text, len);
	uint8_t address[16];
	uint16_t family = sn_text__parse_address((const char *)text, own, address);

	if (own < len && family != SN_IPV6)
		return false;
	if (family == network->family)
		return in_network(network, address);
	return family == SN_IPV6 && memcmp(address, mapped, sizeof(mapped)) == 0 &&
	       in_network(network, address + sizeof(mapped));
}

/* ---- time ---- */

/* `digits` digits as a number, -1 when they are none. */
static int32_t number_at(const uint8_t *text, uint32_t digits)
{
	int32_t value = 0;

	for (uint32_t i = 0; i < digits; i++) {
		if (!is_digit(text[i]))
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

static bool is_leap(int32_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* 1 = Monday; year > 0. Days before the year, then in it. */
static int32_t weekday(int32_t year, int32_t day_of_year)
{
	int32_t past = year - 1;

	return (past * 365 + past / 4 - past / 100 + past / 400 + day_of_year - 1) % 7 + 1;
}

/* A year has 53 weeks when it begins on a Thursday, or, being a leap year, on a Wednesday. */
static int32_t weeks_in(int32_t year)
{
	int32_t first = weekday(year, 1);

	return first == 4 || (first == 3 && is_leap(year)) ? 53 : 52;
}

static int32_t iso_week(int32_t year, int32_t day_of_year)
{
	int32_t week = (day_of_year - weekday(year, day_of_year) + 10) / 7;

	if (week < 1)
		return year > 1 ? weeks_in(year - 1) : 52;
	return week > weeks_in(year) ? 1 : week;
}

int32_t sn_time__part(const uint8_t *text, uint32_t len, enum sn_time_part part)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int32_t year, month, day, hour, minute, before = 0;

	if (len < 10 || text[4] != '-' || text[7] != '-')
		return -1;
	year = number_at(text, 4);
	month = number_at(text + 5, 2);
	day = number_at(text + 8, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1)
		return -1;
	if (day > days[month - 1] + (month == 2 && is_leap(year)))
		return -1;
	for (int32_t i = 1; i < month; i++)
		before += days[i - 1] + (i == 2 && is_leap(year));
	hour = minute = -1;
	if (len > 10) {
		if (len < 16 || (text[10] != 'T' && text[10] != 't' && text[10] != ' ') || text[13] != ':')
			return -1;
		hour = number_at(text + 11, 2);
		minute = number_at(text + 14, 2);
		if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
			return -1;
	}
	switch (part) {
	case SN_MINUTE:
		return minute;
	case SN_HOUR:
		return hour;
	case SN_DAY:
		return day;
	case SN_WEEK:
		return iso_week(year, before + day);
	case SN_MONTH:
		return month;
	default:
		return year;
	}
}
