/* SPDX-License-Identifier: Apache-2.0
 *
 * Text for a shell, split into words as far as words alone can be trusted: quotes, backslashes, redirections and pipes.
 * Whatever a shell would have to evaluate (expansions, lists, groups, globs, here-documents) makes the text opaque.
 */
#ifndef SN_SHELL_WORDS_H
#define SN_SHELL_WORDS_H
#include "bytes.h"

enum sn_shell_text {
	SN_SHELL_OPAQUE = 0, /* no words */
	SN_SHELL_SPLIT = 1,
};

struct sn_shell_words {
	struct sn_bytes words; /* of the last command of the pipeline, each ended by NUL; in the caller's room */
	struct sn_bytes last;  /* that command as written */
	struct sn_bytes piped; /* what is written before it, empty when there is no pipe */
	struct sn_bytes input; /* the file that it reads standard input from, empty: none; in the caller's room */
};

/* enum sn_shell_text. `room` has to hold `len` + 1 bytes; the words stand there until it is used again. */
int sn_shell__split(const uint8_t *text, uint32_t len, uint8_t *room, struct sn_shell_words *out);
#endif
