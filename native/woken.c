/* SPDX-License-Identifier: Apache-2.0 */
#include "woken.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
	/* From the wake-up of a thread that need not wait for a CPU to its asking the clock: 30 us measured. */
	LEAST_NS = 200000,
};

/* The second number of the file; 0 when there is none. */
static uint64_t waited_ns(const struct sn_woken *woken)
{
	unsigned long long ran, waited;
	char text[128];
	ssize_t n = woken->fd < 0 ? -1 : pread(woken->fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = 0;
	return sscanf(text, "%llu %llu", &ran, &waited) == 2 ? waited : 0;
}

void sn_woken__begin(struct sn_woken *woken)
{
	woken->fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	woken->waited = waited_ns(woken);
}

void sn_woken__end(struct sn_woken *woken)
{
	if (woken->fd >= 0)
		close(woken->fd);
}

uint64_t sn_woken__at(struct sn_woken *woken, uint64_t now)
{
	uint64_t before = woken->waited, after = waited_ns(woken), ago = after - before + LEAST_NS;

	woken->waited = after;
	return after && ago < now ? now - ago : 0;
}
