/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of cmd.exe's that hold another command: for, if, brackets.
 */
#ifndef SN_WINDOWS_CONTROL_H
#define SN_WINDOWS_CONTROL_H
#include "windows_words.h"

/* The command that runs in the end, whether or not a condition holds; the command itself where it is none of these.
 * Empty, and `*opaque`: it cannot be told. */
struct sn_bytes sn_cmd__body(struct sn_bytes command, bool *opaque);
#endif
