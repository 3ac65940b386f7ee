/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_unwind.h"

#include <stdlib.h>
#include <string.h>

#include "reading.h"
#include "windows_cmd.h"
#include "windows_made.h"
#include "windows_payload.h"
#include "windows_powershell.h"
#include "windows_reading.h"

struct sn_win_proxies {
	struct sn_unwinder unwinder;
	struct sn_unwound own;
	struct sn_win_made parent, made;
	bool makes; /* `made` is of the process that was seen last */
	struct sn_proxy proxy;
	uint8_t chain[SN_WIN_MADE_TEXT + SN_UNWIND_DEPTH * (SN_GRAMMAR_NAME_MAX + 1)];
};

struct sn_win_proxies *sn_win_proxies__new(uint32_t limit)
{
	struct sn_win_proxies *proxies = calloc(1, sizeof(*proxies));

	if (proxies)
		proxies->unwinder.limit = limit;
	return proxies;
}

void sn_win_proxies__free(struct sn_win_proxies *proxies)
{
	free(proxies);
}

/* ---- one command line ---- */

/* A command of the chain: its grammar (NULL: it is no proxy) and what stands behind its name. */
struct link {
	const struct sn_grammar *grammar;
	struct sn_cmdline rest;
};

static struct sn_bytes text_of(const struct sn_grammars *grammars, struct sn_grammar_text text)
{
	return (struct sn_bytes){grammars->text + text.off, text.len};
}

/* Of a command line; `*program`: its first word. `by_shell`: cmd.exe or PowerShell reads it, and has words of its own.
 */
static struct link link_of(const struct sn_grammars *grammars, struct sn_bytes text, bool by_shell,
			   struct sn_bytes *program)
{
	struct link link = {NULL, sn_cmdline__of(text)};
	const uint8_t *slash;

	*program = sn_cmdline__program(&link.rest);
	link.grammar = sn_windows__find(grammars, *program);
	slash = program->len && by_shell && !link.grammar ? memchr(program->at, '/', program->len) : NULL;
	if (slash && slash > program->at) { /* cmd/c */
		struct sn_bytes name = {program->at, (uint32_t)(slash - program->at)};

		link.grammar = sn_windows__find(grammars, name);
		if (link.grammar) {
			*program = name;
			link.rest.at = slash;
		}
	}
	if (link.grammar && (link.grammar->flags & SN_GR_BUILTIN) && !by_shell)
		link.grammar = NULL;
	return link;
}

static void add_proxy(struct sn_unwound *out, const struct sn_grammars *grammars, const struct sn_grammar *grammar)
{
	out->chain[out->depth++] = text_of(grammars, grammar->name);
	out->class = text_of(grammars, grammar->class);
}

static void is_command(struct sn_unwound *out, struct sn_bytes line, struct sn_bytes program)
{
	out->kind = SN_PAYLOAD_COMMAND;
	out->text = line;
	out->path = program;
}

static bool enter_cmd(struct sn_win_reading *r, struct sn_unwound *out, struct link *link)
{
	struct sn_cmd_text cmd;
	struct sn_bytes program;

	sn_cmd__split(r->found.text, r->unwinder, &cmd);
	out->text = cmd.text;
	out->piped = cmd.piped;
	if (!cmd.text.len)
		out->kind = SN_PAYLOAD_NONE;
	if (!cmd.command.len)
		return false;
	*link = link_of(r->grammars, cmd.command, true, &program);
	if (cmd.only)
		is_command(out, cmd.command, program);
	return true;
}

/* A command line is one only where its first word is a proxy, or a file by its name. */
static bool enter_powershell(struct sn_win_reading *r, struct sn_unwound *out, struct link *link)
{
	struct sn_bytes line = sn_powershell__line(r->found.text, r->unwinder), program;

	if (!line.len)
		return false;
	*link = link_of(r->grammars, line, true, &program);
	if (sn_bytes__is_word(program, "start")) /* another than cmd's */
		link->grammar = sn_windows__find(r->grammars, (struct sn_bytes){(const uint8_t *)"saps", 4});
	if (!link->grammar && !sn_windows__ends(program, ".exe") && !sn_windows__ends(program, ".bat") &&
	    !sn_windows__ends(program, ".cmd") && !sn_windows__ends(program, ".ps1"))
		return false;
	is_command(out, line, program);
	return true;
}

/* What stands behind the proxy that was just read, in `link`; false: nothing that can be read. */
static bool go_on(struct sn_win_reading *r, struct sn_unwound *out, struct link *link)
{
	struct sn_bytes program;

	switch (r->found.outcome) {
	case SN_WIN_LINE:
		*link = link_of(r->grammars, r->found.text, false, &program);
		is_command(out, r->found.text, program);
		break;
	case SN_WIN_CMD:
		if (!enter_cmd(r, out, link))
			return false;
		break;
	case SN_WIN_POWERSHELL:
		if (!enter_powershell(r, out, link))
			return false;
		break;
	default:
		*link = (struct link){r->found.link, sn_cmdline__of(r->found.behind)};
		if (!link->grammar && r->found.kind == SN_PAYLOAD_SCRIPT_FILE && r->found.behind.at)
			link->grammar = sn_windows__find(r->grammars, r->found.path);
	}
	return link->grammar != NULL;
}

static void take_found(struct sn_unwound *out, const struct sn_win_found *found)
{
	out->kind = found->outcome == SN_WIN_ENDED ? found->kind : SN_PAYLOAD_INLINE_SCRIPT;
	out->text = found->text;
	out->path = found->path;
	out->url = found->url;
	out->piped = (struct sn_bytes){0};
}

/* Reads one command; false: what it names is the payload, or it names nothing. */
static bool follow(struct sn_win_reading *r, struct sn_unwound *out, struct link *link)
{
	const struct sn_grammar *grammar = link->grammar;

	out->children = grammar->flags & SN_GR_CHILDREN;
	sn_win__read(r, grammar, link->rest);
	if (r->found.outcome == SN_WIN_NOTHING) {
		if ((grammar->flags & SN_GR_STDIN) && out->piped.len && out->depth && !r->stopped) {
			add_proxy(out, r->grammars, grammar);
			out->kind = SN_PAYLOAD_PIPE;
			out->text = out->piped;
			out->path = (struct sn_bytes){0};
		}
		return false;
	}
	if (!(grammar->flags & SN_GR_BUILTIN))
		add_proxy(out, r->grammars, grammar);
	if (r->found.outcome == SN_WIN_DOUBTFUL) {
		out->kind = SN_PAYLOAD_NONE;
		out->text = out->path = out->url = out->piped = (struct sn_bytes){0};
		out->doubt = r->found.text;
		return false;
	}
	take_found(out, &r->found);
	return go_on(r, out, link);
}

/* Skips the program's name, which cmd.exe ends at a slash: cmd/c. */
static void skip_program(const struct sn_grammars *grammars, const struct sn_grammar *grammar, struct sn_cmdline *rest)
{
	struct sn_bytes name = sn_cmdline__program(rest);
	const uint8_t *slash = name.len ? memchr(name.at, '/', name.len) : NULL;

	if (slash && name.at + name.len == rest->at && /* no quotes around it */
	    sn_windows__find(grammars, (struct sn_bytes){name.at, (uint32_t)(slash - name.at)}) == grammar)
		rest->at = slash;
}

/* `grammar`: of the program, whatever it is called; `path`: its file, where that is known. */
static void unwind(struct sn_win_proxies *proxies, const struct sn_grammars *grammars, const struct sn_grammar *grammar,
		   struct sn_bytes path, struct sn_bytes text, struct sn_unwound *out)
{
	struct sn_win_reading r;
	struct link link = {grammar, sn_cmdline__of(text)};

	memset(out, 0, offsetof(struct sn_unwound, chain));
	if (!grammar || (grammar->flags & SN_GR_BUILTIN))
		return;
	out->is_proxy = true;
	out->children = grammar->flags & SN_GR_CHILDREN;
	out->name = text_of(grammars, grammar->name);
	out->class = text_of(grammars, grammar->class);
	if (!text.len)
		return;
	if (path.len && text.len > path.len && sn_is_blank(text.at[path.len]) && sn_bytes__begins(text, path))
		link.rest.at += path.len;
	else
		skip_program(grammars, grammar, &link.rest);
	proxies->unwinder.used = 0;
	r.unwinder = &proxies->unwinder;
	r.grammars = grammars;
	while (out->depth < proxies->unwinder.limit && follow(&r, out, &link))
		;
	if (!out->kind && !out->doubt.len)
		out->depth = 0;
}

/* ---- the parent ---- */

/* What the parent was made to run, by what the start tells of it; NULL: nothing. */
static const struct sn_win_made *told_parent(struct sn_win_proxies *proxies, const struct sn_grammars *grammars,
					     const struct sn_start *start)
{
	const struct sn_grammar *grammar = sn_windows__find(grammars, start->parent_image);

	if (!grammar)
		return NULL;
	unwind(proxies, grammars, grammar, start->parent_image, start->parent_command_line, &proxies->own);
	if (!sn_win_made__of(&proxies->parent, start->parent_image, &proxies->own, (struct sn_bytes){0}, 0))
		return NULL;
	return &proxies->parent;
}

/* ---- a process ---- */

const struct sn_grammar *sn_win_proxy__identity(const struct sn_grammars *grammars, const struct sn_start *start,
						bool *renamed)
{
	const struct sn_grammar *identity =
		start->original_name.len ? sn_windows__find(grammars, start->original_name) : NULL;

	if (identity && (identity->flags & SN_GR_BUILTIN))
		return NULL;
	*renamed = identity && sn_windows__find(grammars, start->image) != identity;
	return identity;
}

/* Behind the `way` names that led to it. */
static void join_chain(struct sn_win_proxies *proxies, struct sn_bytes before, uint32_t way)
{
	const struct sn_unwound *own = &proxies->own;
	uint32_t used = before.len;

	if (used)
		memcpy(proxies->chain, before.at, used);
	for (uint32_t i = 0; i < own->depth; i++) {
		memcpy(proxies->chain + used, own->chain[i].at, own->chain[i].len);
		proxies->chain[used + own->chain[i].len] = 0;
		used += own->chain[i].len + 1;
	}
	proxies->proxy.depth = way + own->depth;
	proxies->proxy.chain = (struct sn_bytes){proxies->chain, used};
}

const struct sn_proxy *sn_win_proxies__see(struct sn_win_proxies *proxies, const struct sn_grammars *grammars,
					   const struct sn_start *start, const struct sn_grammar *identity,
					   const struct sn_win_made *parent)
{
	struct sn_proxy *proxy = &proxies->proxy;
	struct sn_unwound *own = &proxies->own;
	const struct sn_grammar *grammar = identity ? identity : sn_windows__find(grammars, start->image);
	struct sn_bytes before = {0};
	uint32_t way = 0;

	*proxy = (struct sn_proxy){0};
	proxies->makes = false;
	if (!parent)
		parent = told_parent(proxies, grammars, start);
	if (parent)
		way = sn_win_made__way(parent, grammars, grammar, start->image);
	if (way)
		before = sn_win_made__head(parent, way);
	if (!grammar && !way)
		return proxy;
	unwind(proxies, grammars, grammar, start->image, start->command_line, own);
	proxies->makes = sn_win_made__of(&proxies->made, start->image, own, before, way);
	if (own->depth) {
		sn_win_payload__finish(own, &proxies->unwinder);
		*proxy = sn_proxy__of(own);
	} else if (way) { /* this is what the chain was to run */
		*proxy = (struct sn_proxy){.kind = SN_PAYLOAD_COMMAND,
					   .class = {parent->class, parent->class_len},
					   .text = start->command_line,
					   .path = start->image};
		if (proxy->text.len)
			proxy->url = sn_bytes__url(proxy->text);
	}
	if (proxy->kind || own->depth)
		join_chain(proxies, before, way);
	return proxy;
}

const struct sn_win_made *sn_win_proxies__made(const struct sn_win_proxies *proxies)
{
	return proxies->makes ? &proxies->made : NULL;
}
