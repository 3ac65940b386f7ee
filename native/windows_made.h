/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_win_made: what a process of Windows was made to run, as far as its children need it: struct sn_actors keeps
 * it, so that a chain goes back as far as every process in it is known.
 *
 *   forfiles /c "cmd /c rundll32 url.dll,OpenURL x"       chain: forfiles | cmd, rundll32, url.dll
 *   its child: cmd /c rundll32 url.dll,OpenURL x                 forfiles, cmd | rundll32, url.dll
 *   its child: rundll32 url.dll,OpenURL x                        forfiles, cmd, rundll32 | url.dll
 *
 * A child stands in the chain where the parent's command line names it, or is the payload whose children are all on its
 * word; else its own chain begins with it.
 */
#ifndef SN_WINDOWS_MADE_H
#define SN_WINDOWS_MADE_H
#include "windows_unwind.h"
#include "windows_words.h"

enum {
	SN_WIN_CHAIN_MAX = 2 * SN_UNWIND_DEPTH,				 /* names */
	SN_WIN_MADE_TEXT = SN_WIN_CHAIN_MAX * (SN_GRAMMAR_NAME_MAX + 1), /* of them, each ended by NUL */
};

struct sn_win_made {
	uint16_t depth;	 /* names in `text`, up to what the process's own command line names last */
	uint16_t before; /* those of them that led to the process: its own name stands behind them */
	uint16_t used;	 /* bytes of `text` */
	uint8_t kind;	 /* enum sn_payload_kind */
	uint8_t children;
	uint8_t class_len, payload_len, image_len;
	uint8_t class[SN_GRAMMAR_NAME_MAX];   /* of the last name */
	uint8_t payload[SN_GRAMMAR_NAME_MAX]; /* of a command: the name of its program, as sn_windows__name */
	uint8_t image[SN_GRAMMAR_NAME_MAX];   /* of the process */
	uint8_t text[SN_WIN_MADE_TEXT];
};

/* Bytes that are worth keeping. */
static inline size_t sn_win_made__size(const struct sn_win_made *made)
{
	return offsetof(struct sn_win_made, text) + made->used;
}

/* Of a process of that image, by what its command line came to and the `names` that led to it, `before`. false: it
 * makes nothing run, and `made` is as it was. */
bool sn_win_made__of(struct sn_win_made *made, struct sn_bytes image, const struct sn_unwound *own,
		     struct sn_bytes before, uint32_t names);
/* Whether it is a process of that image, or it is not told of which it is. */
bool sn_win_made__is_of(const struct sn_win_made *made, struct sn_bytes image);
/* How many names of the parent's lead to a process of that image; `own`: its grammar, or NULL. */
uint32_t sn_win_made__way(const struct sn_win_made *made, const struct sn_grammars *grammars,
			  const struct sn_grammar *own, struct sn_bytes image);
/* The first `names` of the chain. */
struct sn_bytes sn_win_made__head(const struct sn_win_made *made, uint32_t names);
#endif
