/* SPDX-License-Identifier: Apache-2.0
 *
 * Text for PowerShell, where it is no more than a command line, and base64 of UTF-16.
 */
#ifndef SN_WINDOWS_POWERSHELL_H
#define SN_WINDOWS_POWERSHELL_H
#include "windows_words.h"

/* The text as a command line: its quotes are those of one, nothing in it has to be evaluated. Empty: it is more. In the
 * unwinder's room. */
struct sn_bytes sn_powershell__line(struct sn_bytes text, struct sn_unwinder *unwinder);
/* What -EncodedCommand stands for, as UTF-8 in the unwinder's room. Empty: it is not such a text. */
struct sn_bytes sn_powershell__decode(struct sn_bytes base64, struct sn_unwinder *unwinder);
#endif
