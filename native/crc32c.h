/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SN_CRC32C_H
#define SN_CRC32C_H
#include <stddef.h>
#include <stdint.h>

/* Tables for eight bytes a step (Intel's slicing-by-8), 8 KiB, owned by who uses them. */
struct sn_crc32c {
	uint32_t table[8][256];
};

void sn_crc32c__init(struct sn_crc32c *crc);
/* CRC-32C (Castagnoli) of `size` bytes, going on from `value`; 0 to begin. */
uint32_t sn_crc32c__update(const struct sn_crc32c *crc, uint32_t value, const void *bytes, size_t size);
#endif
