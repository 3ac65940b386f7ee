/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_cmd_variables: variables in text for cmd.exe: those whose value is the same everywhere, and those that the
 * text itself sets.
 */
#ifndef SN_WINDOWS_VARIABLES_H
#define SN_WINDOWS_VARIABLES_H
#include "windows_words.h"

enum {
	SN_VARIABLE_MAX = 24,	  /* bytes of a name */
	SN_VARIABLE_FACTOR = 4,	  /* a value that is the same everywhere is at most so many times as long as its name
				     with the signs */
	SN_VARIABLE_HOW_MAX = 64, /* of what stands behind a name and a colon */
	SN_CMD_VARIABLES = 8,	  /* that one text sets; beyond, they stay as they are written */
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
/* A value to `out`, as %NAME:HOW% asks for it: ~FROM and ~FROM,LENGTH a part of it, WHAT=WITH and *WHAT=WITH with other
 * text in place of some; empty: all of it. Its length, or SN_VARIABLE_NONE: `how` is none of these, or there is no
 * room.
 */
enum { SN_VARIABLE_NONE = UINT32_MAX };
uint32_t sn_cmd_variable__put(struct sn_bytes value, struct sn_bytes how, uint8_t *out, size_t room);
#endif
