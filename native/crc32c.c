/* SPDX-License-Identifier: Apache-2.0 */
#include "crc32c.h"

#include <string.h>

void sn_crc32c__init(struct sn_crc32c *crc)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t value = byte;

		for (int bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0);
		crc->table[0][byte] = value;
	}
	for (int i = 1; i < 8; i++)
		for (uint32_t byte = 0; byte < 256; byte++) {
			uint32_t value = crc->table[i - 1][byte];

			crc->table[i][byte] = value >> 8 ^ crc->table[0][value & 255];
		}
}

uint32_t sn_crc32c__update(const struct sn_crc32c *crc, uint32_t value, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	value = ~value;
	for (; size >= 8; size -= 8, p += 8) {
		uint32_t low, high;

		memcpy(&low, p, 4);
		memcpy(&high, p + 4, 4);
		low ^= value;
		value = crc->table[7][low & 255] ^ crc->table[6][low >> 8 & 255] ^ crc->table[5][low >> 16 & 255] ^
			crc->table[4][low >> 24] ^ crc->table[3][high & 255] ^ crc->table[2][high >> 8 & 255] ^
			crc->table[1][high >> 16 & 255] ^ crc->table[0][high >> 24];
	}
	for (; size; size--, p++)
		value = value >> 8 ^ crc->table[0][(value ^ *p) & 255];
	return ~value;
}
