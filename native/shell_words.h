/* SPDX-License-Identifier: Apache-2.0
 *
 * Text for a shell, split into words as far as words alone can be trusted: quotes, backslashes, redirections, pipes and
 * what the text is given as $0, $1 and "$@". Whatever else a shell would have to evaluate (expansions, lists, groups,
 * globs, here-documents) makes the text opaque.
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
	struct sn_bytes input; /* the file that it reads standard input from, empty: none; in the text */
	struct sn_bytes here;  /* likewise the text of its here-string */
};

/* Bytes that the words may need. `operands`: what the shell has behind the text, $0 first, each ended by NUL; at NULL:
 * not known. */
uint32_t sn_shell__room(struct sn_bytes text, struct sn_bytes operands);
/* enum sn_shell_text. The words stand in `room` until it is used again. */
int sn_shell__split(struct sn_bytes text, struct sn_bytes operands, uint8_t *room, struct sn_shell_words *out);
#endif
