/* SPDX-License-Identifier: Apache-2.0
 *
 * The C library's heap, set for a process that is to stay small rather than to allocate fast: what the sensor does an
 * event allocates nothing.
 */
#include <stdlib.h>

#include "sensor.h"

#ifdef __GLIBC__
#include <malloc.h>

/* As soon as a large block is freed, glibc takes no block of its size for large any more, and gives each thread a heap
 * of its own: what was read once, as a package's list of files, stays with the process several times. */
void sn_heap__keep_small(void)
{
	enum { LARGE = 1 << 16 };

	mallopt(M_MMAP_THRESHOLD, LARGE);
	mallopt(M_TRIM_THRESHOLD, LARGE);
	mallopt(M_ARENA_MAX, 1);
}
#else
void sn_heap__keep_small(void)
{
}
#endif
