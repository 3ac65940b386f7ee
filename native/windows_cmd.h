/* SPDX-License-Identifier: Apache-2.0
 *
 * Text for cmd.exe, parted into its commands as far as that can be told without running it: quotes, carets, variables
 * whose values are the same everywhere, redirections, & && || and |.
 */
#ifndef SN_WINDOWS_CMD_H
#define SN_WINDOWS_CMD_H
#include "windows_words.h"

struct sn_cmd_text {
	struct sn_bytes text;	 /* all of it, without the quotes around it */
	struct sn_bytes command; /* the one command that starts a program, or the end of a pipe, in the unwinder's room;
				    empty: none, several, or it cannot be told */
	bool only;		 /* the others start no program */
	struct sn_bytes piped;	 /* what is written before the pipe whose end `command` is */
};

/* What stands behind cmd's own switches in `rest`; empty: nothing that it runs. */
struct sn_bytes sn_cmd__text(struct sn_bytes rest);
/* Reads what sn_cmd__text gave, or a text of that kind. */
void sn_cmd__split(struct sn_bytes text, struct sn_unwinder *unwinder, struct sn_cmd_text *out);
#endif
