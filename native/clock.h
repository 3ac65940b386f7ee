/* SPDX-License-Identifier: Apache-2.0
 *
 * Clocks. Linux: clock.c; Windows: clock_windows.c.
 */
#ifndef SN_CLOCK_H
#define SN_CLOCK_H
#include <stdint.h>

/* ns since a moment of no meaning; never goes back. */
uint64_t sn_clock__now(void);
/* ns since 1970 by the system's clock, which may be set. */
uint64_t sn_clock__epoch(void);
#endif
