/* SPDX-License-Identifier: Apache-2.0
 *
 * What the system says of a process that no event told of. Windows: etw_system_windows.c; elsewhere nobody can be asked
 * (etw_system.c).
 */
#ifndef SN_ETW_SYSTEM_H
#define SN_ETW_SYSTEM_H
#include <stdint.h>

/* The command line of a process that lives, UTF-8 into SN_ACTOR_ROOM bytes: its length, with where it is from
 * ("process": the kernel, "peb": its own memory, which it can change); 0: it cannot be had. `start`: when it began, ns
 * since 1970; another that has its id now is not asked. */
uint32_t sn_etw_system__command_line(uint32_t pid, uint64_t start, uint8_t *out, const char **from);
#endif
