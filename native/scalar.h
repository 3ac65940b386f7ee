/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts that stand for something: decimal numbers, addresses, points in time. Each is read exactly or not at all.
 */
#ifndef SN_SCALAR_H
#define SN_SCALAR_H
#include <stdbool.h>
#include <stdint.h>

/* A decimal ([+-]digits[.digits][e[+-]digits]), not rounded: 0.digits * 10^exponent, the digits still in the text. */
struct sn_decimal {
	const uint8_t *digits; /* from the first that is not 0, one `.` possibly among them; NULL: zero */
	const uint8_t *end;
	int64_t exponent;
	bool negative;
};

/* False: not such a number, or its exponent has more than nine digits. */
bool sn_decimal__parse(const uint8_t *text, uint32_t len, struct sn_decimal *out);
/* <0, 0, >0 */
int sn_decimal__compare(const struct sn_decimal *a, const struct sn_decimal *b);

enum { SN_IPV4 = 2, SN_IPV6 = 10 }; /* as sn_text__parse_address */

/* A network, as in the rule table: the address's first `bits` bits count. IPv4 uses the first four bytes. */
struct sn_network {
	uint8_t family;
	uint8_t bits;
	uint8_t address[16];
};

/* Whether the text is an address in that network. A v4-mapped IPv6 address is in IPv4 networks too. */
bool sn_network__holds(const struct sn_network *network, const uint8_t *text, uint32_t len);

enum { SN_TIME_DIGITS = 4 }; /* of any part */
enum sn_time_part { SN_MINUTE, SN_HOUR, SN_DAY, SN_WEEK, SN_MONTH, SN_YEAR, SN_TIME_PARTS };

/* The part of YYYY-MM-DD, followed by nothing or by `T` or a space and HH:MM[...], as written; weeks are those of
 * ISO 8601. -1: no such date, or no time in it. */
int32_t sn_time__part(const uint8_t *text, uint32_t len, enum sn_time_part part);
#endif
