/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind.h"

#include <string.h>

#include "sed_program.h"

/* What reading one command line came to. */
enum outcome {
	NOTHING, /* it starts nothing */
	ARGV,	 /* the payload is a command line: found.argv */
	SHELL,	 /* text for a shell: found.text */
	ENDED,	 /* anything else: found.kind and what belongs to it */
};

struct found {
	enum outcome outcome;
	uint32_t kind;
	struct sn_bytes argv, text, path, url;
};

/* One command line while it is read. */
struct reading {
	struct sn_unwinder *unwinder;
	const struct sn_grammars *grammars;
	const struct sn_grammar *grammar;
	const uint8_t *at, *end; /* the arguments that are left */
	bool cut;		 /* the last argument goes on beyond `end` */
	bool options;		 /* arguments with a dash are options */
	bool from_stdin;	 /* positional arguments name no program */
	uint32_t operand;	 /* enum sn_give of the first positional argument, where an option has said so */
	uint32_t place;		 /* of the next positional argument */
	struct found found;
};

static bool next_argument(struct reading *r, struct sn_bytes *argument)
{
	const uint8_t *nul;

	if (r->at >= r->end)
		return false;
	nul = memchr(r->at, 0, (size_t)(r->end - r->at));
	*argument = (struct sn_bytes){r->at, (uint32_t)((nul ? nul : r->end) - r->at)};
	r->at = nul ? nul + 1 : r->end;
	return true;
}

static bool is_text(const struct reading *r, struct sn_grammar_text name, struct sn_bytes bytes)
{
	return name.len == bytes.len && memcmp(r->grammars->text + name.off, bytes.at, bytes.len) == 0;
}

static struct sn_bytes behind(struct sn_bytes bytes, uint32_t skip)
{
	return (struct sn_bytes){bytes.at + skip, bytes.len - skip};
}

/* Room for `size` bytes until the next unwinding; NULL: it is used up. */
static uint8_t *room_for(struct sn_unwinder *unwinder, uint32_t size)
{
	uint8_t *room = unwinder->room + unwinder->used;

	if (size > SN_UNWIND_ROOM - unwinder->used)
		return NULL;
	unwinder->used += size;
	return room;
}

/* The arguments that are left, joined by blanks behind `first`. */
static struct sn_bytes join(struct reading *r, struct sn_bytes first)
{
	uint32_t rest = (uint32_t)(r->end - r->at), size = first.len + 1 + rest;
	uint8_t *room;

	if (!rest)
		return first;
	room = room_for(r->unwinder, size);
	if (!room)
		return (struct sn_bytes){0};
	memcpy(room, first.at, first.len);
	room[first.len] = ' ';
	memcpy(room + first.len + 1, r->at, rest);
	for (uint32_t i = first.len + 1; i + 1 < size; i++)
		if (!room[i])
			room[i] = ' ';
	r->at = r->end;
	return (struct sn_bytes){room, size - (room[size - 1] == 0)};
}

/* ---- what an argument gives ---- */

/* Program text starts something only if one of the markers of its language is in it. */
static bool has_marker(const struct reading *r, struct sn_bytes text)
{
	const struct sn_grammar_text *marker = r->grammars->markers + r->grammar->markers.first;

	for (uint32_t i = 0; i < r->grammar->markers.count; i++)
		if (sn_bytes__find(text, (struct sn_bytes){r->grammars->text + marker[i].off, marker[i].len}))
			return true;
	return r->grammar->markers.count == 0;
}

static bool ends(struct reading *r, uint32_t kind, struct sn_bytes *member, struct sn_bytes value)
{
	if (!value.len)
		return false;
	r->found.outcome = ENDED;
	r->found.kind = kind;
	*member = value;
	return true;
}

/* `text` split into words, the arguments that are left behind them. */
static bool give_words(struct reading *r, struct sn_bytes text)
{
	struct sn_shell_words split;
	uint32_t rest = (uint32_t)(r->end - r->at);
	uint8_t *room = room_for(r->unwinder, text.len + 1 + rest);

	if (!room || sn_shell__split(text.at, text.len, room, &split) == SN_SHELL_OPAQUE || split.piped.len)
		return ends(r, SN_PAYLOAD_INLINE_SCRIPT, &r->found.text, text);
	memcpy(room + split.words.len, r->at, rest);
	r->found.outcome = ARGV;
	r->found.argv = (struct sn_bytes){room, split.words.len + rest};
	return true;
}

/* A command that begins with `first` and ends before an argument `;` or `+`. */
static bool give_exec(struct reading *r, struct sn_bytes first)
{
	const uint8_t *from = first.at;
	struct sn_bytes argument = first;

	do
		if (argument.len == 1 && (*argument.at == ';' || *argument.at == '+'))
			break;
	while (next_argument(r, &argument));
	if (argument.at == from)
		return false;
	r->found.outcome = ARGV;
	/* without its end the command is what there is */
	r->found.argv = (struct sn_bytes){from, (uint32_t)((r->at >= r->end ? r->end : argument.at) - from)};
	if (argument.len == 1 && (*argument.at == ';' || *argument.at == '+'))
		r->found.argv.len = (uint32_t)(argument.at - from);
	return true;
}

static bool give(struct reading *r, uint32_t what, struct sn_bytes value);

/* Whether `text` begins as the setting says, a * for any run; `skip`: how long that is. */
static bool fits(const struct reading *r, struct sn_grammar_text name, struct sn_bytes text, uint32_t *skip)
{
	const uint8_t *pattern = r->grammars->text + name.off, *star = memchr(pattern, '*', name.len);
	uint32_t head = star ? (uint32_t)(star - pattern) : name.len, tail = name.len - head;
	const uint8_t *found;

	if (!sn_bytes__begins(text, (struct sn_bytes){pattern, head}))
		return false;
	*skip = head;
	if (!star)
		return true;
	found = tail > 1 ? sn_bytes__find(behind(text, head), (struct sn_bytes){star + 1, tail - 1}) : text.at + head;
	if (!found)
		return false;
	*skip = (uint32_t)(found - text.at) + tail - 1;
	return true;
}

static bool give_setting(struct reading *r, struct sn_bytes text)
{
	const struct sn_grammar_entry *setting = r->grammars->settings + r->grammar->settings.first;

	for (uint32_t i = 0; i < r->grammar->settings.count; i++) {
		uint32_t skip;

		if (setting[i].give != SN_GIVE_SETTING && fits(r, setting[i].name, text, &skip))
			return give(r, setting[i].give, behind(text, skip));
	}
	return false;
}

/* Takes `value`, the argument before r->at. True: it is what the program runs. */
static bool give(struct reading *r, uint32_t what, struct sn_bytes value)
{
	const uint8_t *comma;

	switch ((enum sn_give)what) {
	case SN_GIVE_COMMAND:
		if (!value.len)
			return false;
		r->found.outcome = ARGV;
		r->found.argv = (struct sn_bytes){value.at, (uint32_t)(r->end - value.at)};
		return true;
	case SN_GIVE_EXEC:
		return give_exec(r, value);
	case SN_GIVE_SHELL_REST:
		value = join(r, value);
		/* fall through */
	case SN_GIVE_SHELL:
		if (!value.len)
			return false;
		r->found.outcome = SHELL;
		r->found.text = value;
		return true;
	case SN_GIVE_COMMA:
		comma = value.len ? memchr(value.at, ',', value.len) : NULL;
		return give(r, SN_GIVE_SHELL,
			    (struct sn_bytes){value.at, comma ? (uint32_t)(comma - value.at) : value.len});
	case SN_GIVE_SED:
		return sn_sed__runs(value) && ends(r, SN_PAYLOAD_INLINE_SCRIPT, &r->found.text, value);
	case SN_GIVE_WORDS:
		return give_words(r, value);
	case SN_GIVE_CODE:
		return has_marker(r, value) && ends(r, SN_PAYLOAD_INLINE_SCRIPT, &r->found.text, value);
	case SN_GIVE_SCRIPT: /* a single dash is standard input */
		return !(value.len == 1 && *value.at == '-') && ends(r, SN_PAYLOAD_SCRIPT_FILE, &r->found.path, value);
	case SN_GIVE_PROGRAM:
		return ends(r, SN_PAYLOAD_COMMAND, &r->found.path, value);
	case SN_GIVE_LIBRARY:
		return ends(r, SN_PAYLOAD_LIBRARY, &r->found.path, value);
	case SN_GIVE_URL:
		return ends(r, SN_PAYLOAD_FROM_URL, &r->found.url, value);
	case SN_GIVE_SETTING:
		return give_setting(r, value);
	default:
		return false;
	}
}

/* ---- options ---- */

static const struct sn_grammar_entry *exact_option(const struct reading *r, struct sn_bytes name)
{
	const struct sn_grammar_entry *option = r->grammars->options + r->grammar->options.first;

	for (uint32_t i = 0; i < r->grammar->options.count; i++)
		if (is_text(r, option[i].name, name))
			return &option[i];
	return NULL;
}

/* A long option, perhaps shortened as far as it is still the only one. */
static const struct sn_grammar_entry *long_option(const struct reading *r, struct sn_bytes name)
{
	const struct sn_grammar_entry *option = r->grammars->options + r->grammar->options.first, *found = NULL;
	uint32_t fitting = 0;

	if (name.len < 3)
		return NULL;
	for (uint32_t i = 0; i < r->grammar->options.count; i++) {
		const uint8_t *text = r->grammars->text + option[i].name.off;

		if (option[i].name.len < name.len || text[2] != name.at[2] || memcmp(text, name.at, name.len) != 0)
			continue;
		if (option[i].name.len == name.len)
			return &option[i];
		if (fitting++ == 0)
			found = &option[i];
	}
	return fitting == 1 ? found : NULL;
}

static bool has_no_value(uint32_t what)
{
	return what == SN_GIVE_FLAG || what == SN_GIVE_ATTACHED || what == SN_GIVE_OPERAND || what == SN_GIVE_STDIN;
}

/* Gives the option its value: `attached` if there is any, else the next argument. */
static bool take_value(struct reading *r, uint32_t what, bool is_attached, struct sn_bytes attached)
{
	if (what == SN_GIVE_OPERAND)
		r->operand = SN_GIVE_SHELL;
	if (what == SN_GIVE_STDIN)
		r->from_stdin = true;
	if (has_no_value(what))
		return false;
	if (is_attached)
		return give(r, what, attached);
	if (what == SN_GIVE_PAIR && !next_argument(r, &attached))
		return false;
	return next_argument(r, &attached) && give(r, what, attached);
}

static bool take_word(struct reading *r, struct sn_bytes argument)
{
	const uint8_t *equals = memchr(argument.at, '=', argument.len);
	struct sn_bytes name = {argument.at, equals ? (uint32_t)(equals - argument.at) : argument.len};
	const struct sn_grammar_entry *option;

	/* --ex is -ex to programs whose options are words */
	option = (r->grammar->flags & SN_GR_WORDS) ? exact_option(r, name) : long_option(r, name);
	if (!option && (r->grammar->flags & SN_GR_WORDS) && name.len > 2 && name.at[1] == '-')
		option = exact_option(r, behind(name, 1));
	if (!option)
		return false;
	return take_value(r, option->give, equals != NULL, behind(argument, equals ? name.len + 1 : argument.len));
}

/* -abc: letters until one takes the rest, or the next argument, for its value. `letters` has no dash. */
static bool take_letters(struct reading *r, struct sn_bytes letters, bool bundle)
{
	for (uint32_t i = 0; i < letters.len; i++) {
		uint8_t name[2] = {'-', letters.at[i]};
		const struct sn_grammar_entry *option = exact_option(r, (struct sn_bytes){name, 2});
		bool rest = !bundle && i + 1 < letters.len;

		if (!option)
			continue;
		if (has_no_value(option->give) && option->give != SN_GIVE_ATTACHED) {
			take_value(r, option->give, false, letters);
			continue;
		}
		if (take_value(r, option->give, rest, behind(letters, i + 1)))
			return true;
		if (!bundle)
			return false;
	}
	return false;
}

static bool take_option(struct reading *r, struct sn_bytes argument)
{
	const struct sn_grammar_entry *option;

	if (argument.at[0] == '+' || (r->grammar->flags & SN_GR_WORDS) || argument.at[1] == '-')
		return take_word(r, argument);
	option = argument.len > 2 ? exact_option(r, argument) : NULL;
	if (option)
		return take_value(r, option->give, false, argument);
	return take_letters(r, behind(argument, 1), false);
}

/* ---- a command line ---- */

static bool is_option(const struct reading *r, struct sn_bytes argument)
{
	return r->options && argument.len > 1 &&
	       (argument.at[0] == '-' || (argument.at[0] == '+' && exact_option(r, argument) != NULL));
}

static bool enter_sub(struct reading *r, struct sn_bytes name)
{
	const struct sn_grammar_entry *sub = r->grammars->subs + r->grammar->subs.first;

	for (uint32_t i = 0; i < r->grammar->subs.count; i++)
		if (is_text(r, sub[i].name, name)) {
			r->grammar = r->grammars->programs + sub[i].give;
			r->place = 0;
			r->options = true;
			return true;
		}
	return false;
}

static bool take_positional(struct reading *r, struct sn_bytes argument)
{
	const struct sn_grammar *grammar = r->grammar;
	const uint32_t *places = r->grammars->places + grammar->places.first;
	uint32_t what;

	if (r->operand) {
		uint32_t what = r->operand;

		r->operand = 0;
		return give(r, what, argument);
	}
	if (!grammar->places.count || r->from_stdin)
		return false;
	r->options = r->options && (grammar->flags & SN_GR_PERMUTE);
	what = places[r->place < grammar->places.count ? r->place : grammar->places.count - 1];
	if (what == SN_GIVE_ASSIGN && memchr(argument.at, '=', argument.len))
		return give_setting(r, argument);
	if (what == SN_GIVE_SUB && enter_sub(r, argument))
		return false;
	if ((what == SN_GIVE_ASSIGN || what == SN_GIVE_SUB) && r->place + 1 < grammar->places.count)
		what = places[++r->place];
	r->place++;
	return give(r, what, argument);
}

/* Reads the arguments behind the program's name. */
static void read_arguments(struct reading *r)
{
	struct sn_bytes argument;
	bool first = true;

	while (next_argument(r, &argument)) {
		bool bundle = first && (r->grammar->flags & SN_GR_BUNDLE) && argument.len && argument.at[0] != '-';

		first = false;
		if (bundle) {
			if (take_letters(r, argument, true))
				return;
		} else if (r->options && argument.len == 2 && memcmp(argument.at, "--", 2) == 0) {
			r->options = exact_option(r, argument) != NULL;
		} else if (is_option(r, argument) ? take_option(r, argument) : take_positional(r, argument)) {
			return;
		}
	}
}

/* ---- the chain ---- */

static struct sn_bytes first_of(struct sn_bytes argv)
{
	const uint8_t *nul = argv.len ? memchr(argv.at, 0, argv.len) : NULL;

	return (struct sn_bytes){argv.at, nul ? (uint32_t)(nul - argv.at) : argv.len};
}

/* Text of a shell's: words of its last command, or opaque. A command whose input is another's output and that takes
 * its program from there is the other's payload. */
static bool split_text(struct sn_unwinder *unwinder, struct sn_unwound *out, struct sn_bytes *argv)
{
	uint8_t *room = room_for(unwinder, out->text.len + 1);
	struct sn_shell_words split;

	if (!room || sn_shell__split(out->text.at, out->text.len, room, &split) == SN_SHELL_OPAQUE)
		return false;
	*argv = split.words;
	out->piped = split.piped;
	return true;
}

static void read_command(struct reading *r, const struct sn_grammar *grammar, struct sn_bytes argv)
{
	struct sn_bytes name = first_of(argv);

	r->grammar = grammar;
	r->at = argv.at + (name.len < argv.len ? name.len + 1 : argv.len);
	r->end = argv.at + argv.len;
	r->options = true;
	r->from_stdin = false;
	r->operand = 0;
	r->place = 0;
	r->found = (struct found){.outcome = NOTHING};
	read_arguments(r);
}

/* NAME=VALUE before a command, as a shell reads them; `assigns` is env's grammar. */
static bool skip_assignments(struct reading *r, struct sn_bytes *argv)
{
	const struct sn_grammar *assigns = sn_grammars__find(r->grammars, (const uint8_t *)"env", 3);

	for (;;) {
		struct sn_bytes word = first_of(*argv);
		const uint8_t *equals = word.len ? memchr(word.at, '=', word.len) : NULL;

		if (!equals || equals == word.at || memchr(word.at, '/', (size_t)(equals - word.at)))
			return false;
		r->found = (struct found){.outcome = NOTHING};
		r->grammar = assigns;
		if (assigns && give_setting(r, word))
			return true;
		*argv = behind(*argv, word.len < argv->len ? word.len + 1 : argv->len);
	}
}

static void add_proxy(struct sn_unwound *out, const struct sn_grammars *grammars, const struct sn_grammar *grammar,
		      struct sn_bytes name)
{
	out->chain[out->depth++] = name;
	out->class = (struct sn_bytes){grammars->text + grammar->class.off, grammar->class.len};
}

/* The first http, https or ftp address in the payload. */
static struct sn_bytes url_in(struct sn_bytes text)
{
	const struct sn_bytes mark = {(const uint8_t *)"://", 3};
	const uint8_t *at = text.at, *end = text.at + text.len;

	while ((at = sn_bytes__find((struct sn_bytes){at, (uint32_t)(end - at)}, mark)) != NULL) {
		const uint8_t *from = at, *to = at + 3;

		while (from > text.at && ((from[-1] | 32) >= 'a' && (from[-1] | 32) <= 'z'))
			from--;
		while (to<end && * to> ' ' && !strchr("\"'`|;<>()\\", *to))
			to++;
		if (at - from >= 3 && at - from <= 5 && to > at + 3)
			return (struct sn_bytes){from, (uint32_t)(to - from)};
		at += 3;
	}
	return (struct sn_bytes){0};
}

static void finish(struct sn_unwound *out)
{
	if (out->kind == SN_PAYLOAD_COMMAND && !out->path.len)
		out->path = first_of(out->argv);
	if (!out->url.len && out->text.len)
		out->url = url_in(out->text);
	if (!out->url.len && out->argv.len)
		out->url = url_in(out->argv);
	if (!out->url.len && out->path.len)
		out->url = url_in(out->path);
}

uint32_t sn_unwinder__run(struct sn_unwinder *unwinder, const struct sn_grammars *grammars, struct sn_bytes image,
			  struct sn_bytes argv, bool cut, struct sn_unwound *out)
{
	struct reading r = {.unwinder = unwinder, .grammars = grammars, .cut = cut};
	struct sn_bytes name = sn_bytes__basename(image);
	const struct sn_grammar *grammar = sn_grammars__find(grammars, name.at, name.len);

	out->depth = 0;
	if (!grammar)
		return 0;
	if (grammar->flags & SN_GR_APPLET) {
		struct sn_bytes own = sn_bytes__basename(first_of(argv));
		const struct sn_grammar *applet = sn_grammars__find(grammars, own.at, own.len);

		name = applet ? own : name;
		grammar = applet ? applet : grammar;
	}
	memset(out, 0, sizeof(*out));
	unwinder->used = 0;
	while (grammar && out->depth < SN_UNWIND_DEPTH) {
		bool from_shell = false;

		read_command(&r, grammar, argv);
		if (r.found.outcome == NOTHING) {
			/* it runs what comes down the pipe */
			if ((grammar->flags & SN_GR_STDIN) && out->piped.len && out->depth) {
				add_proxy(out, grammars, grammar, name);
				out->kind = SN_PAYLOAD_PIPE;
			}
			break;
		}
		if (!(grammar->flags & SN_GR_BUILTIN))
			add_proxy(out, grammars, grammar, name);
		out->piped = (struct sn_bytes){0};
		out->kind = r.found.outcome == ENDED ? r.found.kind : SN_PAYLOAD_COMMAND;
		out->argv = argv = r.found.argv;
		out->text = r.found.text;
		out->path = r.found.path;
		out->url = r.found.url;
		if (r.found.outcome == ENDED)
			break;
		if (r.found.outcome == SHELL) {
			out->kind = SN_PAYLOAD_INLINE_SCRIPT;
			if (!split_text(unwinder, out, &argv))
				break;
			from_shell = true;
		}
		if (from_shell && skip_assignments(&r, &argv)) {
			out->kind = r.found.outcome == ENDED ? r.found.kind : SN_PAYLOAD_INLINE_SCRIPT;
			out->path = r.found.path;
			out->text = r.found.text.len ? r.found.text : out->text;
			break;
		}
		if (from_shell && !out->piped.len && argv.len) {
			out->kind = SN_PAYLOAD_COMMAND;
			out->argv = argv;
		}
		name = sn_bytes__basename(first_of(argv));
		grammar = sn_grammars__find(grammars, name.at, name.len);
	}
	if (out->depth)
		finish(out);
	out->truncated = out->depth && cut;
	return out->depth;
}
