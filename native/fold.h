/* SPDX-License-Identifier: Apache-2.0
 *
 * Unicode simple case folding of UTF-8 (fold.def): what "case-insensitive" means in a rule. sn_fold__range gives the
 * same table to Python (sensor.h).
 */
#ifndef SN_FOLD_H
#define SN_FOLD_H
#include <stdbool.h>
#include <stdint.h>

/* Room that folded text may need: two bytes can become three. */
#define SN_FOLD_ROOM(len) ((len) + (len) / 2)
enum { SN_FOLD_PAD = 8 }; /* bytes behind it that may be written, too */

uint32_t sn_fold__char(uint32_t c);
bool sn_fold__is_ascii(const uint8_t *text, uint32_t len);
/* Folds `len` bytes into `out`, which has SN_FOLD_ROOM(len) + SN_FOLD_PAD bytes and does not overlap; bytes that are no
 * UTF-8 stay as they are. Returns the length; clears `*ascii` when the text was not all ASCII. */
uint32_t sn_fold__text(uint8_t *out, const uint8_t *text, uint32_t len, bool *ascii);
#endif
