/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes for keys that are compared afterwards: they only have to spread, not to be safe.
 */
#ifndef SN_KEY_HASH_H
#define SN_KEY_HASH_H
#include <stdint.h>
#include <string.h>

/* Of a short name, as rules have them: the first and the last eight bytes and the length. */
static inline uint32_t sn_key_hash(const uint8_t *key, uint32_t len)
{
	uint64_t first = 0, last = 0;

	if (len >= 8) {
		memcpy(&first, key, 8);
		memcpy(&last, key + len - 8, 8);
	} else if (len >= 4) {
		uint32_t low, high;

		memcpy(&low, key, 4);
		memcpy(&high, key + len - 4, 4);
		first = low;
		last = high;
	} else if (len) {
		first = (uint64_t)key[0] << 16 | (uint64_t)key[len / 2] << 8 | key[len - 1];
	}
	first = (first ^ (uint64_t)len << 56) * 0x9e3779b97f4a7c15u ^ last * 0xc2b2ae3d27d4eb4fu;
	return (uint32_t)(first >> 32 ^ first >> 7);
}

/* `bits` bits of what identifies a process or a file: start and pid, inode and device. */
static inline uint32_t sn_pair_hash(uint64_t a, uint32_t b, uint32_t bits)
{
	return (uint32_t)(((a ^ (uint64_t)b << 32) * 0x9e3779b97f4a7c15u) >> (64 - bits));
}
#endif
