/* SPDX-License-Identifier: Apache-2.0
 *
 * Sleep until a word changes: the one thing that a ring needs of the system. Linux: futex (wait.c); Windows:
 * WaitOnAddress (wait_windows.c).
 */
#ifndef SN_WAIT_H
#define SN_WAIT_H
#include <stdatomic.h>
#include <stdint.h>

/* Returns when *word != value, when woken, after timeout_ms (negative: never), or on a signal: the caller looks again,
 * so an early return harms nobody. */
void sn_wait__sleep(_Atomic uint32_t *word, uint32_t value, int timeout_ms);
/* Wakes one sleeper on `word`. */
void sn_wait__wake(_Atomic uint32_t *word);
/* Wakes all of them. */
void sn_wait__wake_all(_Atomic uint32_t *word);
#endif
