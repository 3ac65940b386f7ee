/* SPDX-License-Identifier: Apache-2.0
 *
 * Command lines of Windows: one text, that each program splits into words itself. Most do as CommandLineToArgvW and the
 * C runtime: blanks part words, quotes hold them together, a backslash stands for itself but before a quote.
 */
#ifndef SN_WINDOWS_WORDS_H
#define SN_WINDOWS_WORDS_H
#include "unwind.h"

/* What is left of a command line. */
struct sn_cmdline {
	const uint8_t *at, *end;
};

struct sn_word {
	struct sn_bytes text;	/* as its program gets it: borrowed from the line, or in the unwinder's room */
	struct sn_bytes before; /* the same as written; empty: it is not a word of the line, but a part of one */
};

static inline struct sn_cmdline sn_cmdline__of(struct sn_bytes text)
{
	return (struct sn_cmdline){text.at, text.len ? text.at + text.len : text.at};
}

static inline struct sn_bytes sn_cmdline__rest(struct sn_cmdline line)
{
	return (struct sn_bytes){line.at, (uint32_t)(line.end - line.at)};
}

static inline bool sn_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* How many letters of ASCII it begins with. */
static inline uint32_t sn_windows__letters(struct sn_bytes text)
{
	uint32_t at = 0;

	while (at < text.len && (text.at[at] | 32) >= 'a' && (text.at[at] | 32) <= 'z')
		at++;
	return at;
}

/* The next word, which the line is then behind; false: there is none, or no room for it. */
bool sn_cmdline__word(struct sn_cmdline *line, struct sn_unwinder *unwinder, struct sn_word *word);
/* The first word, which names the program: quotes hold it together, nothing else means anything. Of a path with blanks
 * in it that is not quoted, as far as .exe. Empty: there is none. */
struct sn_bytes sn_cmdline__program(struct sn_cmdline *line);
/* Whether text with blanks in it is one path, not a command line. */
bool sn_windows__is_one_path(struct sn_bytes text);
/* What stands behind the last slash of either kind. */
struct sn_bytes sn_windows__basename(struct sn_bytes path);
/* `path`'s last part as grammars name programs: small letters, without .exe, a short name's number 1. Its length; 0:
 * that is no name of a grammar. `name` holds SN_GRAMMAR_NAME_MAX bytes. */
uint32_t sn_windows__name(struct sn_bytes path, uint8_t *name);
/* The grammar of what is so called; NULL: it has none. */
const struct sn_grammar *sn_windows__find(const struct sn_grammars *grammars, struct sn_bytes path);
/* Whether `text` ends in `tail`, which has no capitals. */
bool sn_windows__ends(struct sn_bytes text, const char *tail);
bool sn_windows__begins(struct sn_bytes text, const char *head);
#endif
