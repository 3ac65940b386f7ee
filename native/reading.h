/* SPDX-License-Identifier: Apache-2.0
 *
 * One command line while it is read by its grammar, for unwind.c: reading.c goes through its arguments, given.c takes
 * what they are.
 */
#ifndef SN_READING_H
#define SN_READING_H
#include "unwind.h"

/* What reading one command line came to. */
enum outcome {
	NOTHING,  /* it starts nothing */
	ARGV,	  /* the payload is a command line: found.argv */
	SHELL,	  /* text for a shell: found.text */
	ENDED,	  /* anything else: found.kind and what belongs to it */
	DOUBTFUL, /* something, but what depends on whether found.text, an option, takes the argument behind it */
};

struct sn_found {
	enum outcome outcome;
	uint32_t kind;
	struct sn_bytes argv, text, path, url;
	struct sn_bytes operands; /* what a shell has behind its text, $0 first; at NULL: not known */
};

/* One command line while it is read. */
struct sn_reading {
	struct sn_unwinder *unwinder;
	const struct sn_grammars *grammars;
	const struct sn_grammar *grammar;
	const uint8_t *at, *end;  /* the arguments that are left */
	bool options;		  /* arguments with a dash are options */
	bool from_stdin;	  /* positional arguments name no program */
	bool stopped;		  /* it runs nothing, whatever else stands there */
	uint32_t operand;	  /* enum sn_give of the first positional argument, where an option has said so */
	struct sn_bytes fallback; /* what is run where nothing else is named */
	uint32_t fallback_is;	  /* enum sn_give */
	struct sn_bytes code;	  /* program text that options have given so far */
	bool code_runs;		  /* it starts something */
	const uint8_t *behind;	  /* the arguments behind --, NULL: there are none */
	uint32_t place;		  /* of the next positional argument */
	bool cut;		  /* the arguments go on beyond `end` */
	/* Options that the grammar does not list: the argument just read is one and may take the next for its value;
	 * one that may have, so positional arguments may stand elsewhere; and one such before a subcommand. Empty:
	 * none. */
	struct sn_bytes unlisted, doubt, sub_doubt;
	struct sn_bytes carrier; /* the arguments behind a variable that names the payload: who will carry it out */
	struct sn_found found;
};

/* The next argument, which it steps over; false: there is none. */
bool sn_reading__next(struct sn_reading *r, struct sn_bytes *argument);
/* Takes `value`, the argument before r->at, as enum sn_give says. True: it is what the program runs, r->found. */
bool sn_reading__give(struct sn_reading *r, uint32_t what, struct sn_bytes value);
/* Makes of what was only noted while reading the payload, if it is. */
void sn_reading__conclude(struct sn_reading *r);
/* As a setting of the grammar's. */
bool sn_reading__setting(struct sn_reading *r, struct sn_bytes text);
/* Reads the arguments `argv` of a program, its name first, into r->found. The caller has set unwinder, grammars, cut.
 */
void sn_reading__run(struct sn_reading *r, const struct sn_grammar *grammar, struct sn_bytes argv);
/* Room for `size` bytes until the next unwinding; NULL: it is used up. */
uint8_t *sn_unwinder__room(struct sn_unwinder *unwinder, uint32_t size);
#endif
