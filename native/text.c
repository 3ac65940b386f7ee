/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <string.h>

enum { IPV4 = 2, IPV6 = 10 };

uint32_t sn_text__u64(char *out, uint64_t value)
{
	char digits[SN_TEXT_NUMBER];
	uint32_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	for (uint32_t i = 0; i < n; i++)
		out[i] = digits[n - 1 - i];
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

uint32_t sn_text__address(char *out, uint16_t family, const uint8_t address[16])
{
	if (family == IPV4)
		return ipv4_text(out, address);
	return family == IPV6 ? ipv6_text(out, address) : 0;
}

uint32_t sn_text__protocol(char *out, uint16_t protocol)
{
	static const struct {
		uint16_t number;
		char name[8];
	} names[] = {{1, "icmp"},   {6, "tcp"},	      {17, "udp"},   {58, "icmpv6"},
		     {132, "sctp"}, {136, "udplite"}, {262, "mptcp"}};

	for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (names[i].number == protocol) {
			uint32_t n = (uint32_t)strnlen(names[i].name, sizeof(names[i].name));

			memcpy(out, names[i].name, n);
			return n;
		}
	}
	return sn_text__u64(out, protocol);
}
