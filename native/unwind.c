/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind.h"

#include <string.h>

#include "reading.h"

enum { BUILTIN_MAX = sizeof(uint64_t) };

uint8_t *sn_unwinder__room(struct sn_unwinder *unwinder, uint32_t size)
{
	uint8_t *room = unwinder->room + unwinder->used;

	if (size > SN_UNWIND_ROOM - unwinder->used)
		return NULL;
	unwinder->used += size;
	return room;
}

/* What is typed at it is nobody's script. */
static bool is_terminal(struct sn_bytes path)
{
	static const struct sn_bytes devices[] = {{(const uint8_t *)"/dev/tty", 8}, {(const uint8_t *)"/dev/pts/", 9}};

	return sn_bytes__begins(path, devices[0]) || sn_bytes__begins(path, devices[1]);
}

/* Text of a shell's: words of its last command, or opaque. A command whose input is another's output and that takes
 * its program from there is the other's payload. */
static bool split_text(struct sn_reading *r, struct sn_unwound *out, struct sn_bytes *argv)
{
	uint8_t *room = sn_unwinder__room(r->unwinder, sn_shell__room(out->text, r->found.operands));
	struct sn_shell_words split;

	if (!room || sn_shell__split(out->text, r->found.operands, room, &split) == SN_SHELL_OPAQUE)
		return false;
	*argv = split.words;
	out->piped = split.here.len ? (struct sn_bytes){0} : split.piped;
	if (split.input.len || split.piped.len || split.here.len) {
		out->input = is_terminal(split.input) ? (struct sn_bytes){0} : split.input;
		out->here = split.here;
	}
	return true;
}

static bool is_assignment(struct sn_bytes word)
{
	const uint8_t *equals = word.len ? memchr(word.at, '=', word.len) : NULL;

	return equals && equals != word.at && !memchr(word.at, '/', (size_t)(equals - word.at));
}

/* NAME=VALUE before a command, as a shell reads them and env's grammar knows them; true: one names the payload. */
static bool skip_assignments(struct sn_reading *r, struct sn_bytes *argv)
{
	struct sn_bytes word;

	while (is_assignment(word = sn_bytes__first(*argv))) {
		*argv = sn_bytes__rest(*argv, word);
		r->found = (struct sn_found){.outcome = NOTHING};
		r->grammar = sn_grammars__named(r->grammars, (const uint8_t *)"env", 3);
		if (r->grammar && sn_reading__setting(r, word)) {
			r->carrier = *argv;
			return true;
		}
	}
	return false;
}

static struct sn_bytes class_of(const struct sn_grammars *grammars, const struct sn_grammar *grammar)
{
	return (struct sn_bytes){grammars->text + grammar->class.off, grammar->class.len};
}

static void add_proxy(struct sn_unwound *out, const struct sn_grammars *grammars, const struct sn_grammar *grammar,
		      struct sn_bytes name)
{
	out->chain[out->depth++] = name;
	out->class = class_of(grammars, grammar);
}

/* The program that is started with a variable that names the payload carries it out. */
static void add_carrier(struct sn_unwound *out, const struct sn_reading *r)
{
	struct sn_bytes rest = r->carrier, name;
	const struct sn_grammar *grammar;

	while (is_assignment(name = sn_bytes__first(rest)))
		rest = sn_bytes__rest(rest, name);
	name = sn_bytes__basename(name);
	grammar = sn_grammars__find(r->grammars, name.at, name.len);
	if (grammar && !(grammar->flags & SN_GR_BUILTIN) && out->depth < r->unwinder->limit)
		add_proxy(out, r->grammars, grammar, name);
}

static void finish(struct sn_unwound *out)
{
	if (out->kind == SN_PAYLOAD_COMMAND && !out->path.len)
		out->path = sn_bytes__first(out->argv);
	if (!out->url.len && out->text.len)
		out->url = sn_bytes__url(out->text);
	if (!out->url.len && out->argv.len)
		out->url = sn_bytes__url(out->argv);
	if (!out->url.len && out->path.len && !out->argv.len)
		out->url = sn_bytes__url(out->path);
}

/* A command of the chain: its name, its grammar (NULL: it is no proxy) and its arguments, the name first. */
struct link {
	struct sn_bytes name;
	const struct sn_grammar *grammar;
	struct sn_bytes argv;
};

static struct link link_of(const struct sn_grammars *grammars, struct sn_bytes name, struct sn_bytes argv)
{
	struct link link = {sn_bytes__basename(name), NULL, argv};

	link.grammar = sn_grammars__find(grammars, link.name.at, link.name.len);
	return link;
}

/* What the reading came to is the payload so far. A wrapper's command still reads what comes down the pipe. */
static void take_found(struct sn_unwound *out, const struct sn_found *found)
{
	bool in_pipe = out->piped.len && found->outcome == ARGV;

	if (found->outcome == SHELL)
		out->shell_depth = out->depth;
	out->kind = found->outcome == ENDED ? found->kind : SN_PAYLOAD_COMMAND;
	if (found->outcome == SHELL)
		out->kind = SN_PAYLOAD_INLINE_SCRIPT;
	out->argv = found->argv;
	out->path = found->path;
	out->url = found->url;
	if (!in_pipe) {
		out->text = found->text;
		out->piped = (struct sn_bytes){0};
	}
}

/* A shell's own commands: none of them is a program, so the text stays the payload unless they name one. */
static bool is_builtin(struct sn_bytes name)
{
	static const char builtins[][BUILTIN_MAX] = {
		".",	":",	    "[",       "alias",	 "bg",	  "builtin", "cd",	"command", "declare", "eval",
		"exec", "exit",	    "export",  "false",	 "fg",	  "hash",    "history", "jobs",	   "let",     "local",
		"read", "readonly", "return",  "set",	 "shift", "shopt",   "source",	"test",	   "times",   "trap",
		"true", "type",	    "typeset", "ulimit", "umask", "unalias", "unset",	"wait"};
	static const char first[] = ".:[abcdefghjlrstuw"; /* their first letters: most programs have others */
	uint64_t bytes = 0, builtin;

	if (!name.len || name.len > BUILTIN_MAX || !memchr(first, *name.at, sizeof(first) - 1))
		return false;
	memcpy(&bytes, name.at, name.len);
	for (uint32_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++) {
		memcpy(&builtin, builtins[i], sizeof(builtin));
		if (builtin == bytes)
			return true;
	}
	return false;
}

/* Goes into a shell's text; false: it cannot be read any further, or is settled. */
static bool enter_text(struct sn_reading *r, struct sn_unwound *out, struct sn_bytes *argv)
{
	if (!split_text(r, out, argv))
		return false;
	while (skip_assignments(r, argv)) {
		add_carrier(out, r);
		take_found(out, &r->found);
		if (r->found.outcome != SHELL || !split_text(r, out, argv))
			return false;
	}
	if (!out->piped.len && argv->len && !is_builtin(sn_bytes__first(*argv))) {
		out->kind = SN_PAYLOAD_COMMAND;
		out->argv = *argv;
	}
	return true;
}

bool sn_unwinder__is_installed(struct sn_bytes path)
{
	static const char *const roots[] = {"/usr/", "/bin/", "/sbin/", "/opt/"};

	for (uint32_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		if (path.len > strlen(roots[i]) && memcmp(path.at, roots[i], strlen(roots[i])) == 0)
			return true;
	return false;
}

/* What stands behind the proxy that was just read, in `link`; false: nothing that can be read. */
static bool go_on(struct sn_reading *r, struct sn_unwound *out, struct link *link)
{
	struct sn_bytes argv = r->found.argv;

	if (r->found.outcome == ENDED && !(argv.len && sn_unwinder__is_installed(r->found.path)))
		return false;
	if (r->found.outcome == SHELL && !enter_text(r, out, &argv))
		return false;
	*link = link_of(r->grammars, sn_bytes__first(argv), argv);
	return link->grammar != NULL;
}

static void forget_payload(struct sn_unwound *out)
{
	out->kind = SN_PAYLOAD_NONE;
	out->argv = out->text = out->path = out->url = out->piped = out->input = out->here = (struct sn_bytes){0};
}

/* What was found is a shell's own command that names no program in turn (builtin cd). */
static bool names_builtin(const struct sn_reading *r)
{
	struct sn_bytes name = sn_bytes__first(r->found.argv);

	return is_builtin(name) && !sn_grammars__named(r->grammars, name.at, name.len);
}

/* A command that runs its standard input: what was written before the pipe, a file, or a here-string; true: that is
 * text for a shell, which goes on. */
static bool read_stdin(struct sn_reading *r, struct sn_unwound *out, const struct link *link)
{
	if (!out->piped.len && !out->input.len && !out->here.len)
		return false;
	add_proxy(out, r->grammars, link->grammar, link->name);
	if (out->here.len) {
		bool shell = sn_bytes__is(out->class, "shell");

		r->found = (struct sn_found){shell ? SHELL : ENDED, SN_PAYLOAD_INLINE_SCRIPT, .text = out->here};
		out->here = (struct sn_bytes){0};
		take_found(out, &r->found);
		return shell;
	}
	out->kind = out->input.len ? SN_PAYLOAD_SCRIPT_FILE : SN_PAYLOAD_PIPE;
	if (!out->input.len)
		return false;
	out->path = out->input;
	out->argv = out->text = out->piped = (struct sn_bytes){0};
	return false;
}

/* A script that is read from standard input, by the name of that. */
static bool is_stdin(const struct sn_found *found)
{
	static const char *const names[] = {"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"};

	for (uint32_t i = 0; found->outcome == ENDED && i < sizeof(names) / sizeof(names[0]); i++)
		if (sn_bytes__is(found->path, names[i]))
			return true;
	return false;
}

/* Reads one command; false: what it names is the payload, or it names nothing. */
static bool follow(struct sn_reading *r, struct sn_unwound *out, struct link *link)
{
	sn_reading__run(r, link->grammar, link->argv);
	if (r->found.outcome == NOTHING || ((out->piped.len || out->input.len) && is_stdin(&r->found))) {
		return (link->grammar->flags & SN_GR_STDIN) && out->depth && !r->stopped && read_stdin(r, out, link) &&
		       go_on(r, out, link);
	}
	if ((link->grammar->flags & SN_GR_BUILTIN) && names_builtin(r))
		return false;
	if (!(link->grammar->flags & SN_GR_BUILTIN))
		add_proxy(out, r->grammars, link->grammar, link->name);
	if (r->found.outcome == DOUBTFUL) {
		forget_payload(out);
		out->doubt = r->found.text;
		return false;
	}
	if (r->carrier.len)
		add_carrier(out, r);
	take_found(out, &r->found);
	return go_on(r, out, link);
}

uint32_t sn_unwinder__run(struct sn_unwinder *unwinder, const struct sn_grammars *grammars, struct sn_bytes program,
			  struct sn_bytes argv, bool cut, struct sn_unwound *out)
{
	struct sn_reading r; /* sn_reading__run sets the rest: this runs for every exec of a proxy */
	struct link link = link_of(grammars, program, argv);
	bool in_process = true;
	uint32_t flags;

	out->depth = 0;
	out->name = link.name;
	out->is_proxy = out->children = out->reads_input = false;
	if (!link.grammar)
		return 0;
	if (link.grammar->flags & SN_GR_APPLET) {
		struct link applet = link_of(grammars, sn_bytes__first(argv), argv);

		link = applet.grammar ? applet : link;
	}
	memset(out, 0, offsetof(struct sn_unwound, chain));
	out->name = link.name;
	out->class = class_of(grammars, link.grammar);
	out->is_proxy = true;
	flags = link.grammar->flags;
	unwinder->used = 0;
	r.unwinder = unwinder;
	r.grammars = grammars;
	r.cut = cut;
	while (out->depth < unwinder->limit && follow(&r, out, &link)) {
		in_process = in_process && r.found.outcome == ENDED;
		if (in_process) /* an interpreter that runs an installed script is that program: node, npm */
			flags = link.grammar->flags;
	}
	if (!out->depth) /* a subcommand's, too: go generate */
		flags |= r.grammar->flags & SN_GR_CHILDREN;
	out->children = flags & SN_GR_CHILDREN || (flags & SN_GR_PROMPT && !out->depth && !r.stopped);
	out->reads_input = flags & SN_GR_STDIN && !out->depth && !r.stopped;
	if (out->kind)
		finish(out);
	out->truncated = out->depth && cut;
	return out->depth;
}
