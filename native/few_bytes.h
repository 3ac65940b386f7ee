/* SPDX-License-Identifier: Apache-2.0
 *
 * A short run of bytes as a number.
 */
#ifndef SN_FEW_BYTES_H
#define SN_FEW_BYTES_H
#include <stdint.h>
#include <string.h>

/* Up to 8 bytes as a number; no byte beyond them is read. */
static inline uint64_t sn_bytes__few(const uint8_t *text, uint32_t len)
{
	uint32_t low, high;

	if (len >= 4) {
		memcpy(&low, text, 4);
		memcpy(&high, text + len - 4, 4);
		return low | (uint64_t)high << 8 * (len - 4);
	}
	if (!len)
		return 0;
	return text[0] | (uint64_t)text[len / 2] << 8 * (len / 2) | (uint64_t)text[len - 1] << 8 * (len - 1);
}

#endif
