/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of cmd.exe's that hold other commands: for, if, brackets.
 */
#ifndef SN_WINDOWS_CONTROL_H
#define SN_WINDOWS_CONTROL_H
#include "windows_words.h"

/* What a command holds: others, of which any may run. */
struct sn_cmd_parts {
	struct sn_bytes part[2]; /* borrowed from it; empty: there is none */
	bool held;		 /* it holds others, and starts nothing itself */
	bool varies;		 /* what the last one runs cannot be told, unless that is a word of cmd's own */
	bool opaque;		 /* what any of them runs cannot be told */
};

/* Of a command without blanks around it. */
void sn_cmd__parts(struct sn_bytes command, struct sn_cmd_parts *out);
#endif
