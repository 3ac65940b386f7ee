/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers and addresses as text, without libc's locale or a system's network headers.
 */
#ifndef SN_TEXT_H
#define SN_TEXT_H
#include <stdint.h>

enum {
	SN_TEXT_NUMBER = 20,  /* the longest decimal of 64 bits, sign included */
	SN_TEXT_ADDRESS = 39, /* the longest address: eight groups of four digits */
};

/* Each writes to `out` without a NUL and returns the length. */
uint32_t sn_text__u64(char *out, uint64_t value);
uint32_t sn_text__i64(char *out, int64_t value);
/* All zeros in as many bytes as the family has: an address that is not known. */
int sn_text__no_address(uint16_t family, const uint8_t address[16]);
/* `family` 2: dotted; 10: as RFC 5952 has it. 0 for any other. `address` is in network order. */
uint32_t sn_text__address(char *out, uint16_t family, const uint8_t address[16]);
/* The way back, also of what others write (RFC 4291): the family, 0 when it is no address. */
uint16_t sn_text__parse_address(const char *text, uint32_t len, uint8_t out[16]);
/* tcp, udp, ... where the number has a name, else the number. */
uint32_t sn_text__protocol(char *out, uint16_t protocol);
/* The way back: 1 or 0. */
int sn_text__parse_protocol(const char *text, uint32_t len, uint16_t *out);
#endif
