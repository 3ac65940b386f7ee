/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_cmd.h"

#include <string.h>

#include "reading.h"
#include "windows_control.h"
#include "windows_variables.h"

enum {
	COMMANDS_MAX = 64, /* in one text; with more of them it cannot be told */
	BUILTIN_MAX = 8,   /* of a word of cmd's own */
	DEPTH_MAX = 4,	   /* of commands that hold others */
};

/* Commands of cmd's own that start no program. */
static const char builtins[][BUILTIN_MAX + 1] = {
	"assoc", "break",    "cd",    "chdir",	"cls",	 "color", "copy", "date",   "del",    "dir",
	"echo",	 "endlocal", "erase", "exit",	"ftype", "goto",  "md",	  "mkdir",  "mklink", "move",
	"path",	 "pause",    "popd",  "prompt", "pushd", "rd",	  "rem",  "ren",    "rename", "rmdir",
	"set",	 "setlocal", "shift", "time",	"title", "type",  "ver",  "verify", "vol",
};

/* Programs that only wait or set how text looks: with another command beside them that one counts. */
static const char *const idlers[] = {"ping", "timeout", "choice", "waitfor", "chcp", "sleep"};

struct bounds {
	uint32_t from, to;
};

struct split {
	const uint8_t *at, *end; /* of the text */
	uint8_t *room, *out;
	uint8_t *room_end; /* from `out`, SN_VARIABLE_FACTOR bytes for each that is still to be read */
	struct sn_cmd_variables variables;
	struct bounds command[COMMANDS_MAX]; /* in the room: those that start something */
	const uint8_t *pipe;		     /* in the text: the last | of the command that was read last */
	uint32_t count;
	struct bounds idler; /* the last one */
	uint32_t idlers;
	bool opaque;
};

struct sn_bytes sn_cmd__text(struct sn_bytes rest)
{
	const uint8_t *at = rest.at, *end = rest.at + rest.len;
	bool quoted = false; /* "/c calc" as one word */

	while (at < end) {
		uint8_t letter;

		if (sn_is_blank(*at) || *at == ',' || *at == ';' || *at == '"') {
			quoted = quoted || *at == '"';
			at++;
			continue;
		}
		if (*at != '/' || end - at < 2)
			return (struct sn_bytes){0};
		letter = sn_bytes__lower(at[1]);
		at += 2;
		if (letter == 'c' || letter == 'k' || letter == 'r') {
			while (at < end && sn_is_blank(*at))
				at++;
			end -= quoted && end > at && end[-1] == '"';
			return (struct sn_bytes){at, (uint32_t)(end - at)};
		}
		while (at < end && !sn_is_blank(*at) && *at != '/') /* /v:on, /t:0a */
			at++;
	}
	return (struct sn_bytes){0};
}

/* Whether the first bytes name a file, or are all that is quoted, or a word: "m"s"hta" is none of it. */
static bool is_file(struct sn_bytes text, uint32_t len)
{
	return memchr(text.at, '\\', len) || memchr(text.at, '.', len) || sn_is_blank(text.at[len + 1]) ||
	       !memchr(text.at + len + 1, '"', text.len - len - 1);
}

/* The first quote and the last one go, unless they hold the path of a program together. */
static struct sn_bytes without_quotes(struct sn_bytes text, struct sn_unwinder *unwinder)
{
	struct sn_bytes inside;
	uint32_t last;
	uint8_t *room;

	while (text.len && sn_is_blank(text.at[text.len - 1]))
		text.len--;
	if (!text.len || *text.at != '"')
		return text;
	inside = sn_bytes__behind(text, 1);
	for (last = 0; last < inside.len && inside.at[last] != '"';)
		last++;
	if (last && last < inside.len && sn_windows__is_one_path((struct sn_bytes){inside.at, last}) &&
	    (last + 1 < inside.len ? is_file(inside, last) : memchr(inside.at, ' ', last) != NULL))
		return text;
	for (last = inside.len; last && inside.at[last - 1] != '"';)
		last--;
	if (!last || last == inside.len)
		return (struct sn_bytes){inside.at, inside.len - (last != 0)};
	room = sn_unwinder__room(unwinder, inside.len - 1);
	if (!room)
		return text;
	memcpy(room, inside.at, last - 1);
	memcpy(room + last - 1, inside.at + last, inside.len - last);
	return (struct sn_bytes){room, inside.len - 1};
}

static uint8_t peek(const struct split *s, uint32_t ahead)
{
	return (uint32_t)(s->end - s->at) > ahead ? s->at[ahead] : 0;
}

/* What %NAME:HOW% and !NAME:HOW! ask for, at s->at. */
struct reference {
	struct sn_bytes name, how;
	uint32_t len; /* of all of it */
};

/* Also with the signs doubled, as some logs have them. false: it is none. */
static bool read_reference(const struct split *s, struct reference *out)
{
	uint8_t sign = *s->at;
	uint32_t signs = sign == '%' && peek(s, 1) == '%' ? 2 : 1;
	struct sn_bytes rest = {s->at, (uint32_t)(s->end - s->at)};
	uint32_t most =
		rest.len < SN_VARIABLE_MAX + SN_VARIABLE_HOW_MAX ? rest.len : SN_VARIABLE_MAX + SN_VARIABLE_HOW_MAX;
	const uint8_t *name = s->at + signs, *close = most > signs ? memchr(name, sign, most - signs) : NULL;
	const uint8_t *colon = close ? memchr(name, ':', (size_t)(close - name)) : NULL;

	if (!close || close == name || (signs == 2 && (close + 1 == s->end || close[1] != sign)))
		return false;
	out->name = (struct sn_bytes){name, (uint32_t)((colon ? colon : close) - name)};
	out->how = colon ? (struct sn_bytes){colon + 1, (uint32_t)(close - colon - 1)} : (struct sn_bytes){0};
	out->len = (uint32_t)(close - s->at) + signs;
	return out->name.len <= SN_VARIABLE_MAX;
}

/* %NAME%; !NAME!, which only the text itself can have set. What is not known stays as it is written. That %NAME% takes
 * a value which the same text has set only for `call` and for another cmd is left aside: else it is nothing that runs.
 */
static void expand(struct split *s)
{
	struct reference reference = {0};
	struct sn_bytes value = {0};
	uint32_t len = SN_VARIABLE_NONE;

	if (read_reference(s, &reference)) {
		size_t rest = ((size_t)(s->end - s->at) - reference.len) * SN_VARIABLE_FACTOR;
		size_t room = (size_t)(s->room_end - s->out);

		value = sn_cmd_variables__own(&s->variables, reference.name);
		if (!value.at && *s->at == '%')
			value = sn_cmd_variable__common(reference.name);
		if (value.at && room >= rest)
			len = sn_cmd_variable__put(value, reference.how, s->out, room - rest);
	}
	if (len == SN_VARIABLE_NONE) {
		*s->out++ = *s->at++;
		return;
	}
	s->out += len;
	s->at += reference.len;
}

/* A redirection without the number before it. */
static void skip_redirection(struct split *s)
{
	bool quoted = false;

	while (s->at < s->end && (*s->at == '<' || *s->at == '>' || *s->at == '&'))
		s->at++;
	while (s->at < s->end && sn_is_blank(*s->at))
		s->at++;
	for (; s->at < s->end && (quoted || !(sn_is_blank(*s->at) || strchr("<>|&", *s->at))); s->at++)
		quoted = *s->at == '"' ? !quoted : quoted;
}

/* 2> is one, x2> is not. */
static void drop_number(struct split *s, const uint8_t *begin)
{
	if (s->out > begin && s->out[-1] >= '0' && s->out[-1] <= '9' &&
	    (s->out - 1 == begin || sn_is_blank(s->out[-2])))
		s->out--;
}

enum { PLAIN = 0, QUOTED_TOO = 1, UNQUOTED = 2 }; /* where a byte means something */

static const uint8_t means[256] = {
	['%'] = QUOTED_TOO, ['!'] = QUOTED_TOO, ['"'] = QUOTED_TOO, ['^'] = UNQUOTED, ['&'] = UNQUOTED,
	['|'] = UNQUOTED,   ['\n'] = UNQUOTED,	['<'] = UNQUOTED,   ['>'] = UNQUOTED};

/* Bytes that stand for themselves. */
static void copy_plain(struct split *s, bool quoted)
{
	const uint8_t *from = s->at;
	uint8_t least = quoted ? UNQUOTED : PLAIN;

	while (s->at < s->end && (means[*s->at] == PLAIN || means[*s->at] == least))
		s->at++;
	memcpy(s->out, from, (size_t)(s->at - from));
	s->out += s->at - from;
}

/* One command to `out`; it ends at what stands between commands. */
static void copy_command(struct split *s)
{
	const uint8_t *begin = s->out;
	bool quoted = false;

	for (;;) {
		uint8_t c;

		copy_plain(s, quoted);
		c = peek(s, 0);
		if (s->at == s->end || c == '&' || c == '|' || c == '\n')
			break;
		if (c == '%' || c == '!') {
			expand(s);
		} else if (c == '"') {
			quoted = !quoted;
			*s->out++ = *s->at++;
		} else if (c == '^') {
			s->at++;
			if (s->at < s->end)
				*s->out++ = *s->at++;
		} else {
			drop_number(s, begin);
			skip_redirection(s);
		}
	}
}

static const bool ends_word[256] = {
	[0] = true,   [' '] = true, ['\t'] = true, ['/'] = true, [','] = true,	[';'] = true,
	['='] = true, ['('] = true, ['.'] = true,  [':'] = true, ['\\'] = true, ['"'] = true};

static struct sn_bytes first_word(struct sn_bytes command)
{
	struct sn_bytes word = {command.at, 0};

	while (word.len < command.len && !ends_word[command.at[word.len]])
		word.len++;
	return word;
}

/* `word`: its first, here and below. */
static bool is_builtin(struct sn_bytes command, struct sn_bytes word)
{
	/* `.\echo` and `copy.exe` are programs; `cd..` and `cd\` are not */
	if (word.len < command.len && (command.at[word.len] == ':' || command.at[word.len] == '"'))
		return word.len == 0 && command.at[word.len] == ':';
	if (word.len < command.len && command.at[word.len] == '.' &&
	    !(word.len + 1 < command.len && strchr(". \\/", command.at[word.len + 1])) &&
	    !sn_bytes__is_word(word, "echo"))
		return false;
	for (uint32_t i = 0; word.len && word.len <= BUILTIN_MAX && i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (*builtins[i] == sn_bytes__lower(*word.at) && !builtins[i][word.len] &&
		    sn_bytes__is_word(word, builtins[i]))
			return true;
	return false;
}

static bool is_idler(struct sn_bytes command, struct sn_bytes word)
{
	struct sn_bytes tail = sn_bytes__behind(command, word.len);

	if (tail.len && !sn_is_blank(*tail.at) && *tail.at != '/' && !sn_windows__begins(tail, ".exe"))
		return false;
	for (uint32_t i = 0; i < sizeof(idlers) / sizeof(idlers[0]); i++)
		if (word.len && *idlers[i] == sn_bytes__lower(*word.at) && sn_bytes__is_word(word, idlers[i]))
			return true;
	return false;
}

/* What cmd reads in a program's name: m"s"hta is mshta, and , ; = end it as a blank does. In the room, in place. */
static struct sn_bytes with_plain_name(const struct split *s, struct sn_bytes command)
{
	uint8_t *text = s->room + (command.at - s->room), *out;
	uint32_t len = 0, signs = 0;
	bool quoted = false;

	for (; len < command.len && (quoted || !strchr(" \t,;=", text[len])); len++) {
		if (quoted && sn_is_blank(text[len]))
			return command;
		quoted = text[len] == '"' ? !quoted : quoted;
		signs += text[len] == '"';
	}
	if (!len || *text == '"' || quoted || memchr(text, '%', len)) /* %X:~0,1% */
		return command;
	if (len < command.len)
		text[len] = ' ';
	out = text + len;
	for (uint32_t i = len; signs && i--;)
		if (text[i] != '"')
			*--out = text[i];
	return signs ? sn_bytes__behind(command, signs) : command;
}

/* Without what may stand around a command. */
static struct sn_bytes without_signs(struct sn_bytes command)
{
	while (command.len && (sn_is_blank(*command.at) || *command.at == '@' || *command.at == ',' ||
			       *command.at == ';' || *command.at == '='))
		command = sn_bytes__behind(command, 1);
	while (command.len && sn_is_blank(command.at[command.len - 1]))
		command.len--;
	return command;
}

/* Notes the command, or what it holds, if it starts something. `varies`: what that is cannot be told. */
static void note(struct split *s, struct sn_bytes command, bool varies, uint32_t depth)
{
	struct sn_cmd_parts parts;
	struct bounds bounds;
	struct sn_bytes word;

	command = without_signs(command);
	for (word = first_word(command); sn_bytes__is_word(word, "call"); word = first_word(command)) {
		struct sn_bytes called = without_signs(sn_bytes__behind(command, 4));

		if (!is_builtin(called, first_word(called)))
			break;
		command = called;
	}
	sn_cmd__parts(command, &parts);
	if (parts.held && depth < DEPTH_MAX && !parts.opaque) {
		note(s, parts.part[0], varies, depth + 1);
		note(s, parts.part[1], varies || parts.varies, depth + 1);
		return;
	}
	if (sn_bytes__is_word(word, "set")) {
		sn_cmd_variables__set(&s->variables, command);
		s->opaque = s->opaque || varies;
	}
	if (!command.len || (is_builtin(command, word) && !parts.held))
		return;
	if (parts.held || varies || *command.at == '(' || s->count == COMMANDS_MAX) {
		s->opaque = true;
		return;
	}
	command = with_plain_name(s, command);
	bounds = (struct bounds){(uint32_t)(command.at - s->room), (uint32_t)(command.at - s->room) + command.len};
	if (!s->pipe && !(peek(s, 0) == '|' && peek(s, 1) != '|') && is_idler(command, first_word(command))) {
		s->idler = bounds;
		s->idlers++;
	} else {
		s->command[s->count++] = bounds;
	}
}

static void read_commands(struct split *s)
{
	while (s->at < s->end) {
		uint8_t *from = s->out;
		const uint8_t *pipe = NULL;

		copy_command(s);
		note(s, (struct sn_bytes){from, (uint32_t)(s->out - from)}, false, 0);
		if (peek(s, 0) == '|' && peek(s, 1) != '|')
			pipe = s->at;
		s->at += s->at < s->end;
		if (s->at < s->end && (*s->at == '&' || *s->at == '|') && s->at[-1] == *s->at)
			s->at++;
		if (s->at < s->end || pipe)
			s->pipe = pipe;
	}
}

void sn_cmd__split(struct sn_bytes text, struct sn_unwinder *unwinder, struct sn_cmd_text *out)
{
	struct split s = {0};
	struct bounds last;
	uint32_t size;

	text = without_quotes(text, unwinder);
	*out = (struct sn_cmd_text){.text = text};
	if (!text.len)
		return;
	size = memchr(text.at, '%', text.len) || memchr(text.at, '!', text.len) ? text.len * SN_VARIABLE_FACTOR
										: text.len;
	s.room = s.out = sn_unwinder__room(unwinder, size);
	if (!s.room)
		return;
	s.room_end = s.room + size;
	s.at = text.at;
	s.end = text.at + text.len;
	read_commands(&s);
	unwinder->used -= size - (uint32_t)(s.out - s.room);
	if (!s.count && s.idlers == 1)
		s.command[s.count++] = s.idler;
	if (s.opaque || !s.count || (s.count > 1 && !s.pipe))
		return;
	last = s.command[s.count - 1];
	out->command = (struct sn_bytes){s.room + last.from, last.to - last.from};
	out->only = s.count == 1;
	if (s.pipe)
		out->piped = (struct sn_bytes){text.at, (uint32_t)(s.pipe - text.at)};
}
