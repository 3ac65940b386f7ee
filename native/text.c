/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <string.h>

enum { IPV4 = 2, IPV6 = 10 };

uint32_t sn_text__u64(char *out, uint64_t value)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
				    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
				    "8081828384858687888990919293949596979899";
	char digits[SN_TEXT_NUMBER], *at = digits + sizeof(digits);
	uint32_t n;

	for (; value >= 100; value /= 100)
		memcpy(at -= 2, pairs + 2 * (value % 100), 2);
	if (value >= 10)
		memcpy(at -= 2, pairs + 2 * value, 2);
	else
		*--at = (char)('0' + value);
	n = (uint32_t)(digits + sizeof(digits) - at);
	memcpy(out, at, n);
	return n;
}

uint32_t sn_text__i64(char *out, int64_t value)
{
	if (value >= 0)
		return sn_text__u64(out, (uint64_t)value);
	*out = '-';
	return 1 + sn_text__u64(out + 1, 0 - (uint64_t)value);
}

static uint32_t ipv4_text(char *out, const uint8_t *address)
{
	uint32_t n = 0;

	for (int i = 0; i < 4; i++) {
		if (i)
			out[n++] = '.';
		n += sn_text__u64(out + n, address[i]);
	}
	return n;
}

static uint32_t group_text(char *out, uint32_t group)
{
	uint32_t n = 0;

	for (int shift = 12; shift >= 0; shift -= 4)
		if (n || group >> shift || !shift)
			out[n++] = "0123456789abcdef"[group >> shift & 15];
	return n;
}

/* RFC 5952: the first longest run of two or more zero groups becomes "::". */
static uint32_t ipv6_text(char *out, const uint8_t *address)
{
	uint32_t group[8], best = 8, best_length = 1, n = 0;

	for (int i = 0; i < 8; i++)
		group[i] = (uint32_t)address[2 * i] << 8 | address[2 * i + 1];
	for (uint32_t i = 0, length = 0; i < 8; i++) {
		length = group[i] ? 0 : length + 1;
		if (length > best_length) {
			best_length = length;
			best = i + 1 - length;
		}
	}
	for (uint32_t i = 0; i < 8; i++) {
		if (i == best) {
			memcpy(out + n, "::", 2);
			n += 2;
			i += best_length - 1;
			continue;
		}
		if (i && out[n - 1] != ':')
			out[n++] = ':';
		n += group_text(out + n, group[i]);
	}
	return n;
}

int sn_text__no_address(uint16_t family, const uint8_t address[16])
{
	static const uint8_t zeros[16];

	return memcmp(address, zeros, family == IPV4 ? 4 : 16) == 0;
}

uint32_t sn_text__address(char *out, uint16_t family, const uint8_t address[16])
{
	if (family == IPV4)
		return ipv4_text(out, address);
	return family == IPV6 ? ipv6_text(out, address) : 0;
}

/* Up to `max` in decimal, no leading zeros; what follows it, or NULL. */
static const char *parse_decimal(const char *p, const char *end, uint32_t max, uint32_t *out)
{
	const char *from = p;

	*out = 0;
	while (p < end && *p >= '0' && *p <= '9' && *out <= max)
		*out = *out * 10 + (uint32_t)(*p++ - '0');
	return p == from || *out > max || (*from == '0' && p > from + 1) ? NULL : p;
}

static int parse_ipv4(const char *p, const char *end, uint8_t *out)
{
	uint32_t part;

	for (int i = 0; i < 4; i++) {
		if (i && (p == end || *p++ != '.'))
			return 0;
		p = parse_decimal(p, end, 255, &part);
		if (!p)
			return 0;
		out[i] = (uint8_t)part;
	}
	return p == end;
}

/* One group of up to four digits; what follows it, or NULL. */
static const char *parse_group(const char *p, const char *end, uint8_t *out)
{
	uint32_t value = 0, n = 0;

	for (; p < end && n < 4; p++, n++) {
		uint32_t c = (uint8_t)*p, low = c | 0x20;

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if (low >= 'a' && low <= 'f')
			value = value << 4 | (low - 'a' + 10);
		else
			break;
	}
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
	return n ? p : NULL;
}

/* Groups fill out[0, at); behind "::" (at `gap`) they are moved to the end. */
static int parse_ipv6(const char *p, const char *end, uint8_t *out)
{
	uint8_t group[16] = {0};
	uint32_t at = 0, gap = UINT32_MAX;

	if (end - p >= 2 && p[0] == ':' && p[1] == ':') {
		gap = 0;
		p += 2;
	}
	while (p < end && at < 16) {
		if (at <= 12 && parse_ipv4(p, end, group + at)) {
			at += 4;
			p = end;
			break;
		}
		p = parse_group(p, end, group + at);
		if (!p)
			return 0;
		at += 2;
		if (p == end)
			break;
		if (*p++ != ':' || p == end)
			return 0;
		if (*p == ':') {
			if (gap != UINT32_MAX)
				return 0;
			gap = at;
			p++;
		}
	}
	if (p != end || (gap == UINT32_MAX ? at != 16 : at > 14))
		return 0;
	memset(out, 0, 16);
	if (gap == UINT32_MAX)
		gap = at;
	memcpy(out, group, gap);
	memcpy(out + 16 - (at - gap), group + gap, at - gap);
	return 1;
}

uint16_t sn_text__parse_address(const char *text, uint32_t len, uint8_t out[16])
{
	memset(out, 0, 16);
	if (parse_ipv4(text, text + len, out))
		return IPV4;
	return parse_ipv6(text, text + len, out) ? IPV6 : 0;
}

static const struct {
	uint16_t number;
	char name[8];
} protocols[] = {{1, "icmp"}, {6, "tcp"}, {17, "udp"}, {58, "icmpv6"}, {132, "sctp"}, {136, "udplite"}, {262, "mptcp"}};

enum { PROTOCOLS = sizeof(protocols) / sizeof(*protocols) };

uint32_t sn_text__protocol(char *out, uint16_t protocol)
{
	for (uint32_t i = 0; i < PROTOCOLS; i++) {
		if (protocols[i].number == protocol) {
			uint32_t n = (uint32_t)strnlen(protocols[i].name, sizeof(protocols[i].name));

			memcpy(out, protocols[i].name, n);
			return n;
		}
	}
	return sn_text__u64(out, protocol);
}

int sn_text__parse_protocol(const char *text, uint32_t len, uint16_t *out)
{
	uint32_t number;

	for (uint32_t i = 0; i < PROTOCOLS; i++) {
		if (strnlen(protocols[i].name, sizeof(protocols[i].name)) == len &&
		    memcmp(protocols[i].name, text, len) == 0) {
			*out = protocols[i].number;
			return 1;
		}
	}
	if (parse_decimal(text, text + len, UINT16_MAX, &number) != text + len)
		return 0;
	*out = (uint16_t)number;
	return 1;
}
