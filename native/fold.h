/* SPDX-License-Identifier: Apache-2.0
 *
 * Simple case folding of UTF-8: one character to one. Bytes that are no UTF-8 stay as they are.
 */
#ifndef SN_FOLD_H
#define SN_FOLD_H
#include <stddef.h>
#include <stdint.h>

/* Folds into `out`, which has room for `cap` bytes; returns the length, SIZE_MAX when it does not fit. A folded text
 * is at most half as long again as the text. */
size_t sn_fold(const uint8_t *text, size_t len, uint8_t *out, size_t cap);
#endif
