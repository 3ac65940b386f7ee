/* SPDX-License-Identifier: Apache-2.0
 *
 * When the thread that runs now was woken, at the earliest: what woke it happened then. How long it has waited for a
 * CPU since, the scheduler counts (/proc/thread-self/schedstat). Linux.
 */
#ifndef SN_WOKEN_H
#define SN_WOKEN_H
#include <stdint.h>

struct sn_woken {
	int fd;		 /* -1: the kernel does not say */
	uint64_t waited; /* ns, ever */
};

/* On the thread that is to be asked about. */
void sn_woken__begin(struct sn_woken *woken);
void sn_woken__end(struct sn_woken *woken);
/* At `now`, after it slept: a lower bound of the time at which it was woken, on the same clock; 0: not known. */
uint64_t sn_woken__at(struct sn_woken *woken, uint64_t now);
#endif
