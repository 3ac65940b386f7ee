/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters that one thread adds to and any may read: no read of them is torn, and no addition locks the bus.
 */
#ifndef SN_COUNT_H
#define SN_COUNT_H
#include <stdatomic.h>
#include <stdint.h>

/* In a structure that Python reads, too. */
static inline void sn_count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void sn_count_atomic(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}
#endif
