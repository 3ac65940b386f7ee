/* SPDX-License-Identifier: Apache-2.0
 *
 * One command line of Windows while it is read by its grammar, for windows_unwind.c: windows_reading.c goes through its
 * words, windows_given.c takes what they are.
 */
#ifndef SN_WINDOWS_READING_H
#define SN_WINDOWS_READING_H
#include "windows_words.h"

/* What reading one command line came to. */
enum sn_win_outcome {
	SN_WIN_NOTHING,	   /* it starts nothing */
	SN_WIN_LINE,	   /* found.text is a command line */
	SN_WIN_CMD,	   /* found.text is for cmd.exe */
	SN_WIN_POWERSHELL, /* found.text is for PowerShell */
	SN_WIN_ENDED,	   /* anything else: found.kind and what belongs to it */
	SN_WIN_DOUBTFUL,   /* something, but what depends on whether found.text, an option, takes the word behind it */
};

struct sn_win_found {
	enum sn_win_outcome outcome;
	uint32_t kind; /* enum sn_payload_kind */
	struct sn_bytes text, path, url;
	const struct sn_grammar *link; /* of the function that rundll32 was told to call; NULL: it has none */
	struct sn_bytes behind;	       /* what is left of the line, for the link or the script */
};

struct sn_win_reading {
	struct sn_unwinder *unwinder;
	const struct sn_grammars *grammars;
	const struct sn_grammar *grammar;
	struct sn_cmdline line;
	bool options;	  /* words with a dash or a slash are options */
	bool stopped;	  /* it runs nothing, whatever else stands there */
	bool from_stdin;  /* positional words name no program */
	uint32_t place;	  /* of the next positional word */
	uint32_t instead; /* enum sn_give of what is run where nothing else is named; 0: none */
	bool aside;	  /* that belongs to another one, which may still be named: TRANSFORMS=b.mst /i a.msi */
	struct sn_word fallback;
	struct sn_bytes arguments; /* of it */
	struct sn_bytes handed;	   /* to it */
	/* As in struct sn_reading: the word just read is an option that no grammar lists; one before it was. */
	struct sn_bytes unlisted, doubt;
	struct sn_win_found found;
};

/* Takes `word`, the one before r->line, as enum sn_give says. True: it is what the program runs, r->found. */
bool sn_win__give(struct sn_win_reading *r, uint32_t what, const struct sn_word *word);
/* As a setting of the grammar's; `*fits`: it is one. */
bool sn_win__setting(struct sn_win_reading *r, struct sn_bytes text, bool *fits);
/* Makes of what was only noted while reading the payload, if it is. */
void sn_win__conclude(struct sn_win_reading *r);
/* The reading ends with that kind and a member of its found; false: the value is empty. */
bool sn_win__ends(struct sn_win_reading *r, uint32_t kind, struct sn_bytes *member, struct sn_bytes value);
/* From the word on, as it is written; the word alone where it is a part of another. */
struct sn_bytes sn_win__from(const struct sn_win_reading *r, const struct sn_word *word);

/* ---- windows_file.c: false: it starts nothing ---- */
/* A file or an address; `base`: what it is where its name does not tell, NONE: then it starts nothing. */
bool sn_win__give_file(struct sn_win_reading *r, uint32_t base, const struct sn_word *word);
/* What rundll32 is told to call. */
bool sn_win__give_export(struct sn_win_reading *r, const struct sn_word *word);
/* A class id. */
bool sn_win__give_class(struct sn_win_reading *r, const struct sn_word *word);
/* The kind of a command by the name of what it starts: a program, a script, a library, an address. */
uint32_t sn_win__kind_of_command(struct sn_bytes path);
/* The grammar of a subcommand; NULL: none is called so. `name` in small letters. */
const struct sn_grammar *sn_win__sub(const struct sn_grammars *grammars, const struct sn_grammar *grammar,
				     struct sn_bytes name);
/* Reads what stands behind the program's name into r->found. The caller has set unwinder and grammars. */
void sn_win__read(struct sn_win_reading *r, const struct sn_grammar *grammar, struct sn_cmdline line);
#endif
