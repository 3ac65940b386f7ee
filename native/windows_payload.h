/* SPDX-License-Identifier: Apache-2.0
 *
 * What a command line of Windows was found to run, for windows_unwind.c: where it lies and what it therefore is.
 */
#ifndef SN_WINDOWS_PAYLOAD_H
#define SN_WINDOWS_PAYLOAD_H
#include "unwind.h"

/* Kind, path and address as fields have them, of what reading the line came to. The path may then be in `unwinder`. */
void sn_win_payload__finish(struct sn_unwound *out, struct sn_unwinder *unwinder);
#endif
