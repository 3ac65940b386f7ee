/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef SN_UTF8_H
#define SN_UTF8_H
#include <stdint.h>

/* Length (1 to 4) of the character at `p`, 0 when the bytes up to `end` are not one. p < end. */
static inline uint32_t sn_utf8__length(const uint8_t *p, const uint8_t *end)
{
	uint32_t first = p[0], left = (uint32_t)(end - p < 4 ? end - p : 4);
	uint32_t low = 0x80, high = 0xbf, need;

	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	need = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (need > left)
		return 0;
	/* only the second byte's range depends on the first */
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (uint32_t i = 2; i < need; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return need;
}
#endif
