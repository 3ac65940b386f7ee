/* SPDX-License-Identifier: Apache-2.0
 *
 * A first look through many short texts for the literals of one scan: no branch on what is in them, so that one text
 * need not wait for the one before.
 */
#ifndef SN_SWEEP_H
#define SN_SWEEP_H
#include "few_bytes.h"
#include "scan.h"
#include "windows.h"

enum { SN_SWEPT_MIN = 8 }; /* bytes of the shortest literal, and of a text that can have one */

#define SN_NOT_ASCII 0x8080808080808080u

struct sn_swept {
	uint64_t bytes; /* the text's, some or-ed with others; with a bit of SN_NOT_ASCII the text is not all ASCII */
	uint32_t met;	/* bit 0: it may have a literal, if it is all ASCII */
};

/* Whether the scan's texts can be swept, if no literal is shorter than SN_SWEPT_MIN. */
static inline bool sn_sweep__can(const struct sn_scan *scan)
{
	return scan->kind == SN_SCAN_GRAMS && !scan->wide && scan->width == SN_WIDTH_MAX && scan->stride <= 8;
}

/* Of a text that is not folded; no byte beyond its end is read. */
static inline struct sn_swept sn_sweep__text(const struct sn_scan *scan, const uint32_t *filter, const uint8_t *text,
					     uint32_t len)
{
	const uint32_t bits = scan->filter_bits, stride = scan->stride;
	struct sn_swept swept = {0, 0};
	uint32_t at = 0;
	uint64_t word;

	if (len < SN_SWEPT_MIN)
		return (struct sn_swept){sn_bytes__few(text, len), 0};
	for (; at <= len - 8; at += stride) {
		memcpy(&word, text + at, 8);
		swept.bytes |= word;
		swept.met |= sn_windows__met(filter, bits, sn_windows__hash((uint32_t)word));
	}
	memcpy(&word, text + len - 8, 8);
	swept.bytes |= word;
	for (; at <= len - SN_WIDTH_MAX; at += stride) {
		uint32_t window = (uint32_t)(word >> 8 * (at + 8 - len));

		swept.met |= sn_windows__met(filter, bits, sn_windows__hash(window));
	}
	return swept;
}
#endif
