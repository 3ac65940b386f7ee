/* SPDX-License-Identifier: Apache-2.0
 *
 * See wait.h. Windows 8 and later; links with synchronization.lib.
 */
#define _WIN32_WINNT 0x0602
#define WIN32_LEAN_AND_MEAN
#include "wait.h"

#include <windows.h>

void sn_wait__sleep(_Atomic uint32_t *word, uint32_t value, int timeout_ms)
{
	WaitOnAddress((volatile void *)word, &value, sizeof(value), timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms);
}

void sn_wait__wake(_Atomic uint32_t *word)
{
	WakeByAddressSingle((void *)word);
}

void sn_wait__wake_all(_Atomic uint32_t *word)
{
	WakeByAddressAll((void *)word);
}
