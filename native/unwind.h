/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program was really made to run: its arguments are read by its grammar (grammar.h), what they name is read by
 * the grammar of that program, and so on down to what is no proxy, or cannot be read any further: the payload.
 *
 *   env A=1 nice timeout 5 bash -c 'curl http://x/ | sh'
 *   chain: env, nice, timeout, bash, sh      payload: PIPE, "curl http://x/ | sh", piped from "curl http://x/"
 *
 * A command line that its grammar does not fit gives no payload, never a wrong one: where an option that the grammar
 * does not list stands before the argument that would name the payload, that argument may be the option's value, and
 * the payload is not known.
 */
#ifndef SN_UNWIND_H
#define SN_UNWIND_H
#include "grammar.h"

enum sn_unwind_limits {
	SN_UNWIND_DEPTH = 16,	    /* proxies in a chain; deeper ones make the rest the payload */
	SN_UNWIND_ROOM = 2 * 65536, /* bytes of texts that are split or joined for one event */
};

enum sn_payload_kind {
	SN_PAYLOAD_NONE = 0,	      /* not known */
	SN_PAYLOAD_COMMAND = 1,	      /* argv */
	SN_PAYLOAD_INLINE_SCRIPT = 2, /* text */
	SN_PAYLOAD_SCRIPT_FILE = 3,   /* path */
	SN_PAYLOAD_LIBRARY = 4,	      /* path */
	SN_PAYLOAD_FROM_URL = 5,      /* url */
	SN_PAYLOAD_PIPE = 6,	      /* text, piped */
	/* Windows only. Of a program, script or library that lies elsewhere the kind says where. */
	SN_PAYLOAD_UNC = 7,	/* path */
	SN_PAYLOAD_WEBDAV = 8,	/* path */
	SN_PAYLOAD_STREAM = 9,	/* path: an alternate data stream */
	SN_PAYLOAD_EXPORT = 10, /* path of the library, text: with the function and what is for it */
	SN_PAYLOAD_COM = 11,	/* text: the class id */
};

/* Whether the payload is what `text` says, not `argv`. */
static inline bool sn_payload__is_text(uint32_t kind)
{
	return kind == SN_PAYLOAD_INLINE_SCRIPT || kind == SN_PAYLOAD_PIPE;
}

struct sn_unwound {
	uint32_t depth;		 /* proxies; 0: none, and nothing below is set but name, is_proxy, children */
	uint32_t kind;		 /* enum sn_payload_kind; NONE: not known */
	struct sn_bytes class;	 /* of the innermost proxy */
	struct sn_bytes argv;	 /* each argument ended by NUL, the last perhaps not */
	struct sn_bytes text;	 /* that was given to an interpreter */
	struct sn_bytes path;	 /* of a program, a script or a library, as it was given */
	struct sn_bytes url;	 /* the first one in the payload */
	struct sn_bytes piped;	 /* the commands whose output is run */
	struct sn_bytes input;	 /* the file that standard input is */
	struct sn_bytes here;	 /* the text that it is */
	struct sn_bytes doubt;	 /* kind NONE: the option that leaves it open what the payload is */
	struct sn_bytes name;	 /* of the program itself, also where depth is 0 */
	uint32_t shell_depth;	 /* so many of the chain lead to the text for a shell that was read last; 0: none */
	bool truncated;		 /* the arguments were cut within the payload */
	bool reads_input;	 /* depth 0: it runs what comes on its standard input */
	bool is_proxy, children; /* it has a grammar; what it starts is linked. Also where depth is 0 */
	struct sn_bytes chain[SN_UNWIND_DEPTH]; /* basenames, outermost first */
};

/* One per matching thread; what an unwinding found stands in it until the next one. */
struct sn_unwinder {
	uint32_t limit; /* proxies in a chain, at most SN_UNWIND_DEPTH; behind them all is payload */
	uint32_t used;
	uint8_t room[SN_UNWIND_ROOM];
};

/* Whether `path` is where programs are installed: a script there of a proxy's name is that proxy (parallel in perl). */
bool sn_unwinder__is_installed(struct sn_bytes path);
/* `program`: path or name of the executable; `argv`: arguments, each ended by NUL, borrowed as long as `out` is used;
 * `cut`: they go on beyond that. Returns out->depth. */
uint32_t sn_unwinder__run(struct sn_unwinder *unwinder, const struct sn_grammars *grammars, struct sn_bytes program,
			  struct sn_bytes argv, bool cut, struct sn_unwound *out);
#endif
