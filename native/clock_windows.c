/* SPDX-License-Identifier: Apache-2.0
 *
 * See clock.h. Windows.
 */
#define WIN32_LEAN_AND_MEAN
#include "clock.h"

#include <windows.h>

uint64_t sn_clock__now(void)
{
	LARGE_INTEGER count, hertz;

	QueryPerformanceCounter(&count);
	QueryPerformanceFrequency(&hertz);
	/* in two parts: the count times 10^9 has no room after half an hour at 10 MHz */
	return (uint64_t)(count.QuadPart / hertz.QuadPart) * 1000000000 +
	       (uint64_t)(count.QuadPart % hertz.QuadPart) * 1000000000 / (uint64_t)hertz.QuadPart;
}

uint64_t sn_clock__epoch(void)
{
	static const uint64_t epoch = 116444736000000000u; /* 1970 in 100 ns since 1601 */
	FILETIME time;

	GetSystemTimeAsFileTime(&time);
	return (((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime) - epoch) * 100;
}
