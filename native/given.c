/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "reading.h"
#include "sed_program.h"

/* Program text starts something only if one of the markers of its language is in it. */
static bool has_marker(const struct sn_reading *r, struct sn_bytes text)
{
	const struct sn_grammar_text *marker = r->grammars->markers + r->grammar->markers.first;

	for (uint32_t i = 0; i < r->grammar->markers.count; i++) {
		struct sn_bytes bytes = {r->grammars->text + marker[i].off, marker[i].len};

		if (bytes.len > 1 && *bytes.at == '^' ? sn_bytes__begins(text, sn_bytes__behind(bytes, 1))
						      : sn_bytes__find(text, bytes) != NULL)
			return true;
	}
	return r->grammar->markers.count == 0;
}

/* The arguments end before the first one with a marker (parallel's :::), be it `first`. */
static void end_at_marker(struct sn_reading *r, struct sn_bytes first)
{
	const uint8_t *from = r->at;
	bool marked = has_marker(r, first);

	while (!marked && sn_reading__next(r, &first))
		marked = has_marker(r, first);
	if (marked)
		r->end = first.at;
	r->at = from < r->end ? from : r->end;
}

/* `first` and the arguments that are left, joined by blanks. */
static struct sn_bytes join(struct sn_reading *r, struct sn_bytes first)
{
	uint32_t rest, size;
	uint8_t *room;

	if (r->grammar->markers.count)
		end_at_marker(r, first);
	if (r->end <= first.at)
		return (struct sn_bytes){0};
	rest = (uint32_t)(r->end - r->at);
	size = first.len + 1 + rest;
	if (!rest)
		return first;
	room = sn_unwinder__room(r->unwinder, size);
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

static bool ends(struct sn_reading *r, uint32_t kind, struct sn_bytes *member, struct sn_bytes value)
{
	if (!value.len)
		return false;
	r->found.outcome = ENDED;
	r->found.kind = kind;
	*member = value;
	return true;
}

/* Makes of env -S's escapes a shell's; false: it has one that no shell has. */
static bool escape_as_shell(struct sn_reading *r, struct sn_bytes *text)
{
	bool quoted = memchr(text->at, '\'', text->len) != NULL; /* escapes count there, too */
	uint8_t *room = quoted ? NULL : sn_unwinder__room(r->unwinder, text->len);

	for (uint32_t i = 0; room && i < text->len; i++) {
		room[i] = text->at[i];
		if (text->at[i] != '\\')
			continue;
		i++;
		if (i == text->len || !text->at[i] || !strchr("_\\\"'$", text->at[i]))
			return false;
		room[i] = text->at[i];
		if (room[i] == '_')
			room[i - 1] = room[i] = ' ';
	}
	if (room)
		text->at = room;
	return room != NULL;
}

/* `text` split into words, the arguments that are left behind them: a command, or what is to be read in their stead. */
static bool give_words(struct sn_reading *r, struct sn_bytes text, bool splice)
{
	struct sn_shell_words split;
	uint32_t rest = (uint32_t)(r->end - r->at);
	const struct sn_bytes none = {0};
	uint8_t *room = sn_unwinder__room(r->unwinder, text.len + 1 + rest);

	if (splice && text.len && memchr(text.at, '\\', text.len) && !escape_as_shell(r, &text))
		return ends(r, SN_PAYLOAD_INLINE_SCRIPT, &r->found.text, text);
	if (!room || sn_shell__split(text, none, room, &split) == SN_SHELL_OPAQUE || split.piped.len)
		return ends(r, SN_PAYLOAD_INLINE_SCRIPT, &r->found.text, text);
	memcpy(room + split.words.len, r->at, rest);
	if (splice) {
		r->at = room;
		r->end = room + split.words.len + rest;
		return false;
	}
	r->found.outcome = ARGV;
	r->found.argv = (struct sn_bytes){room, split.words.len + rest};
	return true;
}

/* A command that begins with `first` and ends before an argument `;`, or a `+` behind `{}`. Without an end it is one
 * only where it `may` have none. */
static bool give_exec(struct sn_reading *r, struct sn_bytes first, bool may)
{
	struct sn_bytes argument = first;
	bool ended, braces = false;

	do {
		ended = argument.len == 1 && (*argument.at == ';' || (*argument.at == '+' && braces));
		braces = sn_bytes__is(argument, "{}");
	} while (!ended && sn_reading__next(r, &argument));
	if (!first.len || (ended ? argument.at == first.at : !may))
		return false;
	r->found.outcome = ARGV;
	r->found.argv = (struct sn_bytes){first.at, (uint32_t)((ended ? argument.at : r->end) - first.at)};
	return true;
}

static bool is_null_device(struct sn_bytes path)
{
	return sn_bytes__is(path, "/dev/null");
}

/* What find or xargs puts there is not known here: nothing is named, nor by what follows. */
static bool is_placeholder(struct sn_reading *r, struct sn_bytes value)
{
	if (!sn_bytes__is(value, "{}"))
		return false;
	r->at = r->end;
	return true;
}

/* Of several the first that lies in a folder, or the first at all: whoever preloads one of his own says where. */
static struct sn_bytes one_library(struct sn_bytes list)
{
	struct sn_bytes first = {0};

	for (uint32_t from = 0, to; from < list.len; from = to + 1) {
		to = from;
		while (to < list.len && !strchr(" \t:;", list.at[to]))
			to++;
		if (memchr(list.at + from, '/', to - from))
			return (struct sn_bytes){list.at + from, to - from};
		if (!first.len)
			first = (struct sn_bytes){list.at + from, to - from};
	}
	return first;
}

/* vim -u NONE, NORC, DEFAULTS */
static bool is_capitals(struct sn_bytes word)
{
	uint32_t at = 0;

	while (at < word.len && word.at[at] >= 'A' && word.at[at] <= 'Z')
		at++;
	return at == word.len;
}

/* More program text, in a line of its own. */
static void add_code(struct sn_reading *r, struct sn_bytes value, bool runs)
{
	uint8_t *room = r->code.len ? sn_unwinder__room(r->unwinder, r->code.len + 1 + value.len) : NULL;

	r->code_runs = r->code_runs || runs;
	if (!r->code.len)
		r->code = value;
	if (!room)
		return;
	memcpy(room, r->code.at, r->code.len);
	room[r->code.len] = '\n';
	memcpy(room + r->code.len + 1, value.at, value.len);
	r->code = (struct sn_bytes){room, r->code.len + 1 + value.len};
}

/* A command and its arguments, with commas between. */
static bool give_comma_words(struct sn_reading *r, struct sn_bytes value)
{
	uint8_t *room = value.len ? sn_unwinder__room(r->unwinder, value.len) : NULL;

	if (!room)
		return false;
	for (uint32_t i = 0; i < value.len; i++)
		room[i] = value.at[i] == ',' ? 0 : value.at[i];
	r->found.outcome = ARGV;
	r->found.argv = (struct sn_bytes){room, value.len};
	return true;
}

/* The program that an option has named, with `rest` for its arguments. */
static void give_fallback(struct sn_reading *r, struct sn_bytes rest)
{
	uint8_t *room = rest.len ? sn_unwinder__room(r->unwinder, r->fallback.len + 1 + rest.len) : NULL;

	if (!room) {
		sn_reading__give(r, SN_GIVE_PROGRAM, r->fallback);
		return;
	}
	memcpy(room, r->fallback.at, r->fallback.len);
	room[r->fallback.len] = 0;
	memcpy(room + r->fallback.len + 1, rest.at, rest.len);
	r->found.outcome = ARGV;
	r->found.argv = (struct sn_bytes){room, r->fallback.len + 1 + rest.len};
}

/* A command that begins with `value`, or the arguments of the program that an option has named. */
static bool give_command(struct sn_reading *r, struct sn_bytes value)
{
	struct sn_bytes argv;

	/* -- may stand between the options of a wrapper's and the command */
	if (sn_bytes__is(value, "--") && !sn_reading__next(r, &value))
		return false;
	if (!value.len)
		return false;
	argv = (struct sn_bytes){value.at, (uint32_t)(r->end - value.at)};
	if (r->fallback_is == SN_GIVE_ENTRY && r->fallback.len) {
		give_fallback(r, argv);
		return true;
	}
	r->found.outcome = ARGV;
	r->found.argv = argv;
	return true;
}

void sn_reading__conclude(struct sn_reading *r)
{
	if (r->code_runs) {
		r->found = (struct sn_found){.outcome = NOTHING};
		ends(r, SN_PAYLOAD_INLINE_SCRIPT, &r->found.text, r->code);
	} else if (r->found.outcome == NOTHING && r->fallback.len && !r->stopped) {
		struct sn_bytes behind = {r->behind, r->behind ? (uint32_t)(r->end - r->behind) : 0};

		if (r->fallback_is == SN_GIVE_FALLBACK_SCRIPT)
			sn_reading__give(r, SN_GIVE_SCRIPT, r->fallback);
		else if (r->fallback_is == SN_GIVE_MODULE)
			sn_reading__give(r, SN_GIVE_MODULE, r->fallback);
		else
			give_fallback(r, behind);
	}
}

/* Whether `text` begins as the setting says, a * for any run; `skip`: how long that is, nothing with a ^ before it. */
static bool fits(const struct sn_reading *r, struct sn_grammar_text name, struct sn_bytes text, uint32_t *skip)
{
	bool keep = r->grammars->text[name.off] == '^' && name.len > 1;
	struct sn_bytes pattern = {r->grammars->text + name.off + keep, name.len - keep}, tail = {0};
	const uint8_t *star, *found;

	star = memchr(pattern.at, '*', pattern.len);
	if (star) {
		tail = sn_bytes__behind(pattern, (uint32_t)(star - pattern.at) + 1);
		pattern.len = (uint32_t)(star - pattern.at);
	}
	if (!sn_bytes__begins(text, pattern))
		return false;
	found = tail.len ? sn_bytes__find(sn_bytes__behind(text, pattern.len), tail) : text.at + pattern.len;
	*skip = found && !keep ? (uint32_t)(found - text.at) + tail.len : 0;
	return found != NULL;
}

bool sn_reading__setting(struct sn_reading *r, struct sn_bytes text)
{
	const struct sn_grammar_entry *setting = r->grammars->settings + r->grammar->settings.first;
	const struct sn_grammar_entry *end = setting + r->grammar->settings.count;
	uint32_t key = sn_grammar__key(text.at, text.len) | SN_GRAMMAR_KEY_FOLD;
	bool option = text.len && *text.at == '-'; /* fits only what begins so, too: -agentpath: */

	for (; setting < end; setting++) {
		uint32_t skip;

		if (option && r->grammars->text[setting->name.off] != '-')
			return false; /* those stand first */
		if ((key ^ setting->key) & sn_grammar__key_mask(setting->key))
			continue; /* most are other ones by their first letters */
		if (setting->give != SN_GIVE_SETTING && fits(r, setting->name, text, &skip))
			return sn_reading__give(r, setting->give, sn_bytes__behind(text, skip));
	}
	return false;
}

/* What is named, and is the end of the reading. */
static bool give_named(struct sn_reading *r, uint32_t what, struct sn_bytes value)
{
	switch ((enum sn_give)what) {
	case SN_GIVE_SCRIPT: /* a single dash is standard input, and what follows is for the script that comes there */
		r->from_stdin = r->from_stdin || sn_bytes__is(value, "-");
		return !r->from_stdin && !is_null_device(value) && !is_placeholder(r, value) &&
		       ends(r, SN_PAYLOAD_SCRIPT_FILE, &r->found.path, value);
	case SN_GIVE_FILE:
		return value.len && memchr(value.at, '/', value.len) && give_named(r, SN_GIVE_SCRIPT, value);
	case SN_GIVE_PROGRAM:
		return ends(r, SN_PAYLOAD_COMMAND, &r->found.path, value);
	case SN_GIVE_LIBRARIES:
		return ends(r, SN_PAYLOAD_LIBRARY, &r->found.path, one_library(value));
	case SN_GIVE_LIBRARY:
		return ends(r, SN_PAYLOAD_LIBRARY, &r->found.path, value);
	case SN_GIVE_URL:
		return ends(r, SN_PAYLOAD_FROM_URL, &r->found.url, value);
	case SN_GIVE_MODULE:
		return ends(r, SN_PAYLOAD_SCRIPT_FILE, &r->found.text, value);
	default:
		return false;
	}
}

/* Takes `value`, the argument before r->at. True: it is what the program runs. */
bool sn_reading__give(struct sn_reading *r, uint32_t what, struct sn_bytes value)
{
	const uint8_t *comma;

	switch ((enum sn_give)what) {
	case SN_GIVE_COMMAND:
		return give_command(r, value);
	case SN_GIVE_EXEC:
	case SN_GIVE_EXEC_REST:
		return give_exec(r, value, r->cut || what == SN_GIVE_EXEC_REST);
	case SN_GIVE_SHELL_REST:
		value = join(r, value);
		/* fall through */
	case SN_GIVE_SHELL:
		if (!value.len || is_placeholder(r, value))
			return false;
		r->found.outcome = SHELL;
		r->found.text = value;
		return true;
	case SN_GIVE_COMMA:
		comma = value.len ? memchr(value.at, ',', value.len) : NULL;
		return sn_reading__give(r, SN_GIVE_SHELL,
					(struct sn_bytes){value.at, comma ? (uint32_t)(comma - value.at) : value.len});
	case SN_GIVE_SED:
		return sn_sed__runs(value) && ends(r, SN_PAYLOAD_INLINE_SCRIPT, &r->found.text, value);
	case SN_GIVE_WORDS:
	case SN_GIVE_SPLICE:
		return give_words(r, value, what == SN_GIVE_SPLICE);
	case SN_GIVE_CODE:
		return has_marker(r, value) && ends(r, SN_PAYLOAD_INLINE_SCRIPT, &r->found.text, value);
	case SN_GIVE_CODES:
		add_code(r, value, has_marker(r, value));
		return false;
	case SN_GIVE_SEDS:
		add_code(r, value, sn_sed__runs(value));
		return false;
	case SN_GIVE_COMMA_WORDS:
		return give_comma_words(r, value);
	case SN_GIVE_FALLBACK_SCRIPT:
		if (is_capitals(value))
			return false;
		/* fall through */
	case SN_GIVE_FALLBACK:
	case SN_GIVE_ENTRY:
		r->fallback = value;
		r->fallback_is = what;
		return false;
	case SN_GIVE_SETTING:
		return sn_reading__setting(r, value);
	default:
		return give_named(r, what, value);
	}
}
