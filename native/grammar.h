/* SPDX-License-Identifier: Apache-2.0
 *
 * Grammars: how each program that runs others is told, by its arguments, what to run. Written as YAML
 * (rules/grammars), made into these bytes by sensor/compiler/grammar.py, verified once (sn_grammars__open), then read
 * in place without checks. All numbers are little endian, all sections 4-aligned and in this order:
 *
 *   +------+-------+----------+---------+----------+--------+------+---------+------+
 *   | head | slots | programs | options | settings | places | subs | markers | text |
 *   +------+-------+----------+---------+----------+--------+------+---------+------+
 *
 * slots: open addressing over the names of programs; a subcommand's grammar is a program without a slot.
 */
#ifndef SN_GRAMMAR_H
#define SN_GRAMMAR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shell_words.h"

#define SN_GRAMMAR_MAGIC "LNSGGRAM"
enum {
	SN_GRAMMAR_VERSION = 4,
	SN_GRAMMAR_NAME_MAX = 64, /* no program's name is longer */
	SN_GRAMMAR_SHAPES = 4096,
};

enum sn_grammar_section {
	SN_GR_SLOTS = 0, /* struct sn_grammar_slot, a power of two, some free */
	SN_GR_PROGRAMS,	 /* struct sn_grammar */
	SN_GR_OPTIONS,	 /* struct sn_grammar_entry: `name` as typed, dashes included; a program's are sorted */
	SN_GR_SETTINGS,	 /* struct sn_grammar_entry: `name` is what the text begins with, one * for any run, ^: it is
			    kept */
	SN_GR_PLACES,	 /* uint32_t, enum sn_give: of a positional argument; the last counts for all that follow */
	SN_GR_SUBS,	 /* struct sn_grammar_entry: `name` of a subcommand, `give` its program's number */
	SN_GR_MARKERS, /* struct sn_grammar_text: program text without any of them (^x: at its begin) starts nothing */
	SN_GR_TEXT,    /* bytes */
	SN_GR_SECTIONS,
};

/* What an option's value, a positional argument or the rest of a setting is. */
enum sn_give {
	SN_GIVE_FLAG = 0,	/* no value */
	SN_GIVE_VALUE = 1,	/* a value of no interest */
	SN_GIVE_ATTACHED = 2,	/* likewise, but only where it is attached (-i0, --in=x) */
	SN_GIVE_COMMAND = 3,	/* the program to run; the arguments behind it are its own */
	SN_GIVE_EXEC = 4,	/* likewise, up to an argument `;` or `+` */
	SN_GIVE_SHELL = 5,	/* text for a shell */
	SN_GIVE_SHELL_REST = 6, /* likewise, joined with all arguments behind it */
	SN_GIVE_WORDS = 7,	/* text that is split into words; the arguments behind it follow */
	SN_GIVE_CODE = 8,	/* program text of another language */
	SN_GIVE_SCRIPT = 9,	/* a file with such text */
	SN_GIVE_PROGRAM = 10,	/* an executable that is run with arguments of the proxy's own */
	SN_GIVE_LIBRARY = 11,	/* a file that is loaded into the proxy */
	SN_GIVE_URL = 12,	/* what is run comes from there */
	SN_GIVE_SETTING = 13,	/* by what it begins with: see settings */
	SN_GIVE_ASSIGN = 14,	/* as SETTING where it has a =, else the place behind this one counts */
	SN_GIVE_SUB = 15,  /* a subcommand: its grammar has the rest; none of them: the place behind this one counts */
	SN_GIVE_PAIR = 16, /* an option's: two values of no interest */
	SN_GIVE_OPERAND = 17, /* an option's: no value, but the first positional argument is text for a shell (sh -c) */
	SN_GIVE_STDIN = 18,   /* an option's: no value, and no positional argument names a program (sh -s) */
	SN_GIVE_COMMA = 19,   /* text for a shell, up to its first comma */
	SN_GIVE_SED = 20,     /* program text of sed's */
	SN_GIVE_EXEC_REST = 21, /* as EXEC, but without the end it is all that is there */
	SN_GIVE_USER = 22,     /* an option's: a value of no interest, and the first positional argument is a command */
	SN_GIVE_STOP = 23,     /* an option's: no value, and the program runs nothing (--help) */
	SN_GIVE_FALLBACK = 24, /* an option's: executable that is run where nothing else is named */
	SN_GIVE_ATTACHED_SHELL = 25, /* an option's: text for a shell, but only where it is attached */
	SN_GIVE_SPLICE =
		26, /* an option's: text that is split into words, which stand in its place among the arguments */
	SN_GIVE_CODES = 27,	      /* an option's: as CODE, joined with the program's others */
	SN_GIVE_SEDS = 28,	      /* likewise as SED */
	SN_GIVE_MODULE = 29,	      /* name of a script that is searched for */
	SN_GIVE_COMMA_WORDS = 30,     /* an option's: a command whose arguments are parted by commas */
	SN_GIVE_FALLBACK_SCRIPT = 31, /* an option's: a script that is run where nothing else is named */
	/* Windows only */
	SN_GIVE_OPEN = 32,   /* a file or an address, as the shell opens it: a document or a folder starts nothing */
	SN_GIVE_EXPORT = 33, /* DLL,FUNCTION and what is for the function */
	SN_GIVE_COM = 34,    /* {CLSID} */
	SN_GIVE_CMD = 35,    /* a place's: switches and text of cmd.exe */
	SN_GIVE_POWERSHELL = 36,       /* text for PowerShell, joined with all arguments behind it */
	SN_GIVE_ENCODED = 37,	       /* the same, as base64 of UTF-16 */
	SN_GIVE_BRACED = 38,	       /* a setting between braces, blanks and all */
	SN_GIVE_TITLE = 39,	       /* a place's: of no interest where it is quoted, else the next place counts */
	SN_GIVE_BEHIND_COMMA = 40,     /* a library behind a comma, up to a semicolon */
	SN_GIVE_ARGUMENTS = 41,	       /* an option's: those of the program that FALLBACK names */
	SN_GIVE_FALLBACK_LIBRARY = 42, /* a library that is loaded where nothing else is named */
	SN_GIVE_HANDED = 43,	       /* an option's: given to that library, if it is attached: scrobj.dll runs it */
	/* Linux again */
	SN_GIVE_DIRECT = 44,	/* an option's: no value, and the first positional argument is a command */
	SN_GIVE_ENTRY = 45,	/* an option's: a program; what would be the command are its arguments */
	SN_GIVE_LIBRARIES = 46, /* several that are loaded, parted by blanks, colons or semicolons */
	SN_GIVE_FILE = 47,	/* as SCRIPT, if it names a folder: ENV=./x, not ENV=production */
	SN_GIVES = 48,
};

enum sn_grammar_flag {
	SN_GR_PERMUTE = 1,    /* options may follow positional arguments */
	SN_GR_WORDS = 2,      /* -abc is one option, not three */
	SN_GR_BUNDLE = 4,     /* the first argument is options even without its dash (tar xf) */
	SN_GR_STDIN = 8,      /* runs what comes on standard input when no argument names anything else */
	SN_GR_CHILDREN = 16,  /* starts programs on its user's word: what its children run is a payload */
	SN_GR_APPLET = 32,    /* its own name counts, not the file's (busybox) */
	SN_GR_BUILTIN = 64,   /* a shell's own word: no program, so no link of the chain */
	SN_GR_PROMPT = 256,   /* as CHILDREN, but only where its arguments name nothing */
	SN_GR_DASH = 512,     /* Windows: a slash begins no option */
	SN_GR_GLUED = 1024,   /* Windows: a value may stand right behind an option of one letter */
	SN_GR_PREFIX = 2048,  /* Windows: options may be shortened */
	SN_GR_CASE = 4096,    /* Windows: capitals make another option */
	SN_GR_HEX = 16384,    /* Windows: 0x22 in a command line that it is given stands for that character */
	SN_GR_ODD = 8192,     /* has options of one dash and more than one letter beside those of one */
	SN_GR_COMPLETE = 128, /* lists each option that takes the next argument for its value: all others are flags */
};

struct sn_grammar_text {
	uint32_t off, len; /* in TEXT */
};

struct sn_grammar_entry {
	struct sn_grammar_text name;
	uint32_t give; /* enum sn_give */
	uint32_t key;  /* sn_grammar__key of the name; of a setting, see SN_GRAMMAR_KEY_FOLD */
};

/* The first four bytes, so that keys are in the order of the names. Mirrored by sensor/compiler/grammar.py. */
static inline uint32_t sn_grammar__key(const uint8_t *name, uint32_t len)
{
	uint32_t key = 0;

	if (len >= 4)
		return (uint32_t)name[0] << 24 | (uint32_t)name[1] << 16 | (uint32_t)name[2] << 8 | name[3];
	for (uint32_t i = 0; i < 4; i++)
		key = key << 8 | (i < len ? name[i] : 0u);
	return key;
}

/* The key of a setting: of what it begins with, its ^ left aside and up to its *, every byte with this bit. */
#define SN_GRAMMAR_KEY_FOLD 0x20202020u

/* The bits of a setting's key that count: every byte of it that is there has the fold's bit. */
static inline uint32_t sn_grammar__key_mask(uint32_t key)
{
	return (key & SN_GRAMMAR_KEY_FOLD) / 0x20 * 0xff;
}

/* What a name of more bytes than these `len` may have more in its key. */
#define SN_GRAMMAR_KEY_REST(len) ((len) < 4 ? UINT32_MAX >> 8 * (len) : 0u)

struct sn_grammar_slot {
	struct sn_grammar_text name; /* len 0: free */
	uint32_t program;
};

struct sn_grammar_range {
	uint32_t first, count;
};

struct sn_grammar {
	uint32_t flags;		      /* enum sn_grammar_flag */
	struct sn_grammar_text class; /* wrapper, shell, interpreter, ...: the field ProxyFunction */
	struct sn_grammar_range options, settings, places, subs, markers;
	struct sn_grammar_text name; /* the first of its names */
	uint32_t letters[2];	     /* of its options of a dash and one letter: sn_grammar__has_letter */
};

/* Whether it may have an option of a dash and that letter. */
static inline bool sn_grammar__has_letter(const struct sn_grammar *grammar, uint8_t letter)
{
	return grammar->letters[letter >> 5 & 1] >> (letter & 31) & 1;
}

struct sn_grammar_head {
	char magic[8];
	uint32_t version;
	uint32_t size;			     /* whole */
	uint32_t offset[SN_GR_SECTIONS + 1]; /* of each section, and of the end */
};

struct sn_grammars {
	const uint8_t *bytes; /* the rule table's */
	const struct sn_grammar_slot *slots;
	const struct sn_grammar *programs;
	const struct sn_grammar_entry *options, *settings, *subs;
	const uint32_t *places;
	const struct sn_grammar_text *markers;
	const uint8_t *text;
	uint32_t slot_mask;
	uint32_t count[SN_GR_SECTIONS];
	uint64_t shapes[SN_GRAMMAR_SHAPES / 64]; /* a bit for sn_grammar__shape of each name */
};

/* Most names of programs are told from all that have a grammar by this, from 0 to SN_GRAMMAR_SHAPES. In small letters
 * or not. */
static inline uint32_t sn_grammar__shape(uint32_t len, uint8_t first, uint8_t middle, uint8_t last)
{
	return ((len * 37) ^ (uint32_t)(first | 32) * 113 ^ (uint32_t)(middle | 32) * 29 ^ (uint32_t)(last | 32) * 7) &
	       (SN_GRAMMAR_SHAPES - 1);
}

/* Verifies `size` bytes at a 4-aligned address, which stay the caller's. 0 or -EINVAL. */
int sn_grammars__open(const void *bytes, size_t size, struct sn_grammars *out);
/* The grammar of a program by the last part of its path, a version at its end (python3.11, gcc-12) left aside where the
 * whole name has none; NULL: it is no proxy. */
const struct sn_grammar *sn_grammars__find(const struct sn_grammars *grammars, const uint8_t *name, uint32_t len);
/* The same by exactly that name. */
const struct sn_grammar *sn_grammars__named(const struct sn_grammars *grammars, const uint8_t *name, uint32_t len);
#endif
