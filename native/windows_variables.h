/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_cmd_variables: variables in text for cmd.exe: those whose value is the same everywhere, and those that the
 * text itself sets.
 */
#ifndef SN_WINDOWS_VARIABLES_H
#define SN_WINDOWS_VARIABLES_H
#include "windows_words.h"

enum {
	SN_VARIABLE_MAX = 24,	/* bytes of a name */
	SN_VARIABLE_FACTOR = 4, /* a value that is the same everywhere is at most so many times as long as its name
				   with the signs */
	SN_CMD_VARIABLES = 8,	/* that one text sets; beyond, they stay as they are written */
};

struct sn_cmd_variables {
	struct {
		struct sn_bytes name, value; /* borrowed */
	} own[SN_CMD_VARIABLES];
	uint32_t count;
};

/* Takes in a command `set NAME=VALUE`, which is borrowed. */
void sn_cmd_variables__set(struct sn_cmd_variables *variables, struct sn_bytes command);
/* The value that the text gave it last; at NULL: none. */
struct sn_bytes sn_cmd_variables__own(const struct sn_cmd_variables *variables, struct sn_bytes name);
/* The value that it has everywhere; at NULL: none. */
struct sn_bytes sn_cmd_variable__common(struct sn_bytes name);
#endif
