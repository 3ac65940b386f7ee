/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <stdlib.h>
#include <string.h>

#include "key_hash.h"
#include "pipes.h"

enum {
	SLOT_BITS = 11,
	SLOTS = 1 << SLOT_BITS, /* programs that are being started at the same time */
	SLOT_TEXT = 232,	/* chain and payload of one; longer ones are not remembered */
	PIPE_MAX = SN_PIPE_TEXT + 3 + SN_GRAMMAR_NAME_MAX,
	NAMES = 3, /* that an exec goes by: of argv[0], of the file, of the script */
	CHAIN_MAX = 2 * SN_UNWIND_DEPTH * SN_GRAMMAR_NAME_MAX, /* the longest chain */
};

/* Whose a slot is. They stand by themselves: each exec looks at two, and most find nothing there. */
struct holder {
	uint64_t start;
	uint32_t pid;
	bool holds;
};

/* What a process was last made to run, by an exec of its own or, since it was forked, by one of its parent's. */
struct slot {
	uint8_t depth;
	uint8_t kind; /* enum sn_payload_kind; of a text the payload is that, else the name of a program */
	uint8_t chain_len;
	uint8_t payload_len;
	/* The head of the chain that ends in the program the process runs, 0: that is no proxy; and whether each exec
	 * by it (this process, or a child of it) is on that program's word, however it is named. */
	uint8_t own_depth, own_len;
	uint8_t shell_depth, shell_len; /* the head of the chain that has a shell started for its text; 0: none */
	bool by_itself, by_children;
	bool forked;		  /* the process has run nothing else since */
	uint8_t bytes[SLOT_TEXT]; /* chain, then payload */
};

struct sn_proxies {
	struct sn_unwinder unwinder;
	struct sn_unwound unwound;
	struct sn_proxy proxy;
	uint8_t chain[CHAIN_MAX];
	uint8_t pipe[PIPE_MAX];
	uint8_t line[PIPE_MAX];
	struct sn_pipes pipes;
	struct holder holder[SLOTS];
	struct slot slot[SLOTS];
};

struct sn_proxies *sn_proxies__new(void)
{
	struct sn_proxies *proxies = calloc(1, sizeof(*proxies));

	if (proxies)
		proxies->unwinder.limit = SN_UNWIND_DEPTH;
	return proxies;
}

void sn_proxies__free(struct sn_proxies *proxies)
{
	free(proxies);
}

void sn_proxies__forget(struct sn_proxies *proxies)
{
	memset(proxies->holder, 0, sizeof(proxies->holder));
	memset(&proxies->pipes, 0, sizeof(proxies->pipes));
}

static uint32_t place_of(uint32_t pid, uint64_t start)
{
	return (uint32_t)sn_pair_hash(start, pid, SLOT_BITS);
}

static bool is_held(const struct sn_proxies *proxies, uint32_t place, uint32_t pid, uint64_t start)
{
	const struct holder *holder = &proxies->holder[place];

	return holder->holds && holder->pid == pid && holder->start == start;
}

/* ---- the way that led here ---- */

/* What comes before an exec in its chain. */
struct way {
	struct sn_bytes chain;
	uint32_t depth;
	struct sn_bytes pipe; /* the exec is the announced end of this pipe: what it runs comes down there */
};

/* The part of the slot's chain before a program of that name; false: it is not what the slot's was made to run. */
static bool leads_to(const struct slot *slot, struct sn_bytes name, struct way *way)
{
	struct sn_bytes payload = {slot->bytes + slot->chain_len, slot->payload_len};
	uint32_t at = 0;

	if (!name.len)
		return false;

	for (uint32_t i = 0; i < slot->depth; i++) {
		struct sn_bytes link = sn_bytes__first((struct sn_bytes){slot->bytes + at, slot->chain_len - at});

		if (i && sn_bytes__equal(link, name)) {
			*way = (struct way){{slot->bytes, at}, i, {0}};
			if (slot->kind == SN_PAYLOAD_PIPE && i + 1u == slot->depth)
				way->pipe = payload;
			return true;
		}
		at += link.len + 1;
	}
	*way = (struct way){{slot->bytes, slot->chain_len}, slot->depth, {0}};
	return sn_payload__is_text(slot->kind) ? sn_bytes__find(payload, name) != NULL : sn_bytes__equal(payload, name);
}

/* sh, bash, dash, zsh, ...: what a program starts that has text for a shell. */
static bool is_shell(struct sn_bytes name)
{
	return name.len >= 2 && memcmp(name.at + name.len - 2, "sh", 2) == 0;
}

/* Bytes of the first `count` names of a chain. */
static uint32_t names_len(const uint8_t *chain, uint32_t len, uint32_t count)
{
	uint32_t at = 0;

	for (; count && at < len; count--)
		at += sn_bytes__first((struct sn_bytes){chain + at, len - at}).len + 1;
	return at;
}

static struct slot *held_by(struct sn_proxies *proxies, uint32_t pid, uint64_t start)
{
	uint32_t place = place_of(pid, start);

	return is_held(proxies, place, pid, start) ? &proxies->slot[place] : NULL;
}

/* What led to this exec: the exec before it in the same process or, of a child, the last one of its parent's; that
 * where the fork was not seen. */
static struct way way_to(struct sn_proxies *proxies, const struct sn_exec *exec)
{
	const struct slot *own = held_by(proxies, exec->h.pid, exec->h.start), *slot = own;
	struct sn_bytes name[NAMES];
	struct way way;

	if (!slot)
		slot = held_by(proxies, exec->ppid, exec->parent_start);
	if (!slot)
		return (struct way){0};
	name[0] = sn_bytes__basename(sn_bytes__first(sn_exec__text(exec, exec->argv)));
	name[1] = sn_bytes__basename(sn_exec__text(exec, exec->image));
	name[2] = sn_bytes__basename(sn_exec__text(exec, exec->script));
	for (uint32_t i = 0; i < NAMES; i++)
		if (leads_to(slot, name[i], &way))
			return way;
	if (slot->shell_depth && (is_shell(name[0]) || is_shell(name[1])))
		return (struct way){{slot->bytes, slot->shell_len}, slot->shell_depth, {0}};
	if (own && !own->forked ? slot->by_itself : slot->by_children)
		return (struct way){{slot->bytes, slot->own_len}, slot->own_depth, {0}};
	return (struct way){0};
}

void sn_proxies__fork(struct sn_proxies *proxies, const struct sn_fork *fork)
{
	const struct slot *parent = held_by(proxies, fork->creator_pid, fork->creator_start);
	uint32_t place = place_of(fork->h.pid, fork->h.start);
	struct slot *child = &proxies->slot[place];

	if (!parent || child == parent)
		return;
	memcpy(child, parent, offsetof(struct slot, bytes) + parent->chain_len + parent->payload_len);
	proxies->holder[place] = (struct holder){fork->h.start, fork->h.pid, true};
	child->forked = true;
}

/* ---- the exec itself ---- */

/* Adds a name to the chain; false: there is no room. */
static bool add_link(struct sn_proxies *proxies, uint32_t *used, struct sn_bytes link)
{
	if (link.len + 1 > CHAIN_MAX - *used)
		return false;
	memcpy(proxies->chain + *used, link.at, link.len);
	proxies->chain[*used + link.len] = 0;
	*used += link.len + 1;
	return true;
}

/* The chain before, then that of the command line, as far as there is room for both. */
static void join_chain(struct sn_proxies *proxies, struct way way)
{
	struct sn_proxy *proxy = &proxies->proxy;
	uint32_t used = way.chain.len, i = 0;

	if (used)
		memcpy(proxies->chain, way.chain.at, used);
	while (i < proxies->unwound.depth && add_link(proxies, &used, proxies->unwound.chain[i]))
		i++;
	if (!i && way.pipe.len && add_link(proxies, &used, proxies->unwound.name))
		i++;
	proxy->depth = way.depth + i;
	proxy->chain = (struct sn_bytes){proxies->chain, used};
}

/* The exec comes to stand behind `way`; a program whose arguments name nothing is a link for its children only. */
static void remember(struct sn_proxies *proxies, const struct sn_exec *exec, struct way way)
{
	const struct sn_unwound *own = &proxies->unwound;
	const struct sn_proxy *proxy = &proxies->proxy;
	bool is_link = own->depth || own->children || way.pipe.len;
	struct sn_bytes payload = sn_payload__is_text(proxy->kind) ? proxy->text : sn_bytes__basename(proxy->path);
	uint32_t place = place_of(exec->h.pid, exec->h.start);
	struct slot *slot = &proxies->slot[place];
	uint32_t used = proxy->depth ? proxy->chain.len : way.chain.len, depth = proxy->depth;

	if (!own->depth && own->children && !way.pipe.len) {
		depth += add_link(proxies, &used, own->name);
		payload.len = 0;
	}
	if (!depth || used + payload.len > SLOT_TEXT) {
		if (is_held(proxies, place, exec->h.pid, exec->h.start))
			proxies->holder[place].holds = false;
		return;
	}
	proxies->holder[place] = (struct holder){exec->h.start, exec->h.pid, true};
	memset(slot, 0, offsetof(struct slot, bytes));
	slot->depth = (uint8_t)depth;
	slot->kind = (uint8_t)proxy->kind;
	slot->chain_len = (uint8_t)used;
	slot->payload_len = (uint8_t)payload.len;
	slot->by_itself = is_link && proxy->kind != SN_PAYLOAD_SCRIPT_FILE;
	slot->by_children =
		own->children || way.pipe.len || (own->depth == 1 && proxy->kind == SN_PAYLOAD_INLINE_SCRIPT);
	memcpy(slot->bytes, proxies->chain, used);
	if (payload.len)
		memcpy(slot->bytes + used, payload.at, payload.len);
	if (is_link) {
		slot->own_depth = (uint8_t)(way.depth + 1);
		slot->own_len = (uint8_t)names_len(slot->bytes, used, way.depth + 1);
	}
	if (own->depth && own->shell_depth) {
		slot->shell_depth = (uint8_t)(way.depth + own->shell_depth);
		slot->shell_len = (uint8_t)names_len(slot->bytes, used, way.depth + own->shell_depth);
	}
}

/* The program that an exec runs, and its arguments, itself first. Where the kernel followed a #! to an interpreter, the
 * program is the script if that is a proxy: parallel, not perl; then true. */
static bool program_of(const struct sn_grammars *grammars, const struct sn_exec *exec, struct sn_bytes *program,
		       struct sn_bytes *argv)
{
	struct sn_bytes script = sn_exec__text(exec, exec->script), name = sn_bytes__basename(script), rest;

	*program = sn_exec__text(exec, exec->image);
	*argv = sn_exec__text(exec, exec->argv);
	if (exec->h.flags & SN_F_ARGV_TRUNCATED)
		argv->len = exec->argv_head < argv->len ? exec->argv_head : argv->len;
	if (!script.len || !sn_unwinder__is_installed(script) || !sn_grammars__find(grammars, name.at, name.len))
		return false;
	rest = *argv;
	for (uint32_t i = 0; i < 2 && rest.len; i++) { /* behind the interpreter and the one argument #! may give it */
		struct sn_bytes first = sn_bytes__first(rest);

		rest = sn_bytes__rest(rest, first);
		if (sn_bytes__equal(sn_bytes__first(rest), script)) {
			*program = script;
			*argv = rest;
			return true;
		}
	}
	return false;
}

static bool is_cut(const struct sn_exec *exec)
{
	return exec->h.flags & (SN_F_ARGV_TRUNCATED | SN_F_ARGV_UNREADABLE);
}

/* Reads the arguments as `program`, a path or a name, does; false: they name nothing. */
static bool unwind(struct sn_proxies *proxies, const struct sn_grammars *grammars, struct sn_bytes program,
		   struct sn_bytes argv, bool cut)
{
	const struct sn_unwound *own = &proxies->unwound;

	proxies->proxy = (struct sn_proxy){0};
	if (!sn_unwinder__run(&proxies->unwinder, grammars, program, argv, cut, &proxies->unwound))
		return false;
	proxies->proxy = sn_proxy__of(own);
	return true;
}

/* It runs what comes down a pipe, which nothing announced: the line that it and the writer make, or it waits for one.
 */
static struct sn_bytes pipe_into(struct sn_proxies *proxies, uint32_t inode)
{
	const struct sn_pipe *pipe = sn_pipes__find(&proxies->pipes, inode);
	const struct sn_unwound *own = &proxies->unwound;

	if (pipe && pipe->text_len)
		return sn_pipe__line(pipe, own->name, proxies->line);
	if (inode)
		sn_pipes__read(&proxies->pipes, inode, own->name);
	return (struct sn_bytes){0};
}

/* It writes into a pipe. Where somebody waits there for commands, they are this program's payload for them. */
static void write_pipe(struct sn_proxies *proxies, const struct sn_grammars *grammars, const struct sn_exec *exec,
		       struct sn_bytes argv, bool is_link)
{
	const struct sn_grammar *grammar;
	const struct sn_pipe *pipe;
	struct sn_bytes reader;

	sn_pipes__written(&proxies->pipes, exec->out_pipe, sn_pipes__find(&proxies->pipes, exec->in_pipe), argv);
	pipe = sn_pipes__find(&proxies->pipes, exec->out_pipe);
	reader = (struct sn_bytes){pipe->reader, pipe->reader_len};
	grammar = is_link ? NULL : sn_grammars__find(grammars, reader.at, reader.len);
	if (!grammar)
		return;
	memcpy(proxies->chain, reader.at, reader.len);
	proxies->chain[reader.len] = 0;
	proxies->proxy = (struct sn_proxy){
		.depth = 1,
		.kind = SN_PAYLOAD_PIPE,
		.class = {grammars->text + grammar->class.off, grammar->class.len},
		.chain = {proxies->chain, reader.len + 1},
		.text = sn_pipe__line(pipe, reader, proxies->line),
	};
	proxies->proxy.url = sn_bytes__url(proxies->proxy.text);
}

const struct sn_proxy *sn_proxies__see(struct sn_proxies *proxies, const struct sn_grammars *grammars,
				       const struct sn_exec *exec, struct sn_bytes identity)
{
	const struct sn_unwound *own = &proxies->unwound;
	struct sn_proxy *proxy = &proxies->proxy;
	struct way way = way_to(proxies, exec);
	struct sn_bytes program, argv;
	bool cut = is_cut(exec), by_script, is_link;

	by_script = program_of(grammars, exec, &program, &argv);
	is_link = unwind(proxies, grammars, identity.len && !by_script ? identity : program, argv, cut);
	if (own->reads_input && !way.pipe.len)
		way.pipe = pipe_into(proxies, exec->in_pipe);
	if (!is_link && way.pipe.len) {
		memcpy(proxies->pipe, way.pipe.at, way.pipe.len); /* its slot may become this exec's */
		*proxy = (struct sn_proxy){
			.kind = SN_PAYLOAD_PIPE, .class = own->class, .text = {proxies->pipe, way.pipe.len}};
		proxy->url = sn_bytes__url(proxy->text);
	} else if (!is_link && way.depth) { /* this is what the chain was to run */
		*proxy = (struct sn_proxy){.kind = SN_PAYLOAD_COMMAND, .truncated = cut, .argv = argv, .path = program};
	} else if (!is_link) {
		proxy->unknown = cut && own->is_proxy;
	}
	if (own->depth || way.depth || way.pipe.len)
		join_chain(proxies, way);
	remember(proxies, exec, way);
	if (exec->out_pipe)
		write_pipe(proxies, grammars, exec, argv, is_link || proxy->kind == SN_PAYLOAD_PIPE);
	return proxy;
}

const struct sn_proxy *sn_proxies__again(struct sn_proxies *proxies, const struct sn_grammars *grammars,
					 const struct sn_exec *exec, struct sn_bytes identity,
					 const struct sn_proxy *was)
{
	const struct sn_grammar *own = sn_grammars__find(grammars, identity.at, identity.len);
	struct sn_bytes name = sn_bytes__basename(sn_exec__text(exec, exec->image)), program, argv;

	if (!own || sn_grammars__find(grammars, name.at, name.len) == own ||
	    program_of(grammars, exec, &program, &argv) || !unwind(proxies, grammars, identity, argv, is_cut(exec)))
		return was;
	/* with a chain before it, it was the payload of that */
	join_chain(proxies, (struct way){was->chain, was->depth, {0}});
	return &proxies->proxy;
}

bool sn_proxy__is_renamed(const struct sn_grammars *grammars, const struct sn_exec *exec, struct sn_bytes identity)
{
	const struct sn_grammar *own = sn_grammars__find(grammars, identity.at, identity.len);
	struct sn_bytes name[2] = {sn_bytes__basename(sn_bytes__first(sn_exec__text(exec, exec->argv))),
				   sn_bytes__basename(sn_exec__text(exec, exec->image))};

	return sn_grammars__find(grammars, name[0].at, name[0].len) != own &&
	       sn_grammars__find(grammars, name[1].at, name[1].len) != own;
}
