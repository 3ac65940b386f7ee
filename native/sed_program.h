/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a program of GNU sed starts other programs: by its command e, or by the flag e of its command s.
 */
#ifndef SN_SED_PROGRAM_H
#define SN_SED_PROGRAM_H
#include <stdbool.h>

#include "shell_words.h"

bool sn_sed__runs(struct sn_bytes program);
#endif
