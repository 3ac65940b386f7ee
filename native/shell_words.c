/* SPDX-License-Identifier: Apache-2.0 */
#include "shell_words.h"

#include <stdbool.h>
#include <string.h>

struct split {
	const uint8_t *text, *at, *end;
	uint8_t *room, *out;   /* the words of the command so far end at `out` */
	uint8_t *word;	       /* the word that is being read begins here */
	bool quoted;	       /* something of it was: an empty word counts, a reserved one does not */
	struct sn_bytes input; /* the file that standard input of the command so far is */
	struct sn_bytes here;  /* the text that it is */
	struct sn_bytes operands;
};

/* Never looks behind the end: NUL stands for it there, and is nowhere else in the text. */
static uint8_t peek(const struct split *s, uint32_t ahead)
{
	return (uint32_t)(s->end - s->at) > ahead ? s->at[ahead] : 0;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_digits(const uint8_t *at, const uint8_t *end)
{
	for (; at < end; at++)
		if (*at < '0' || *at > '9')
			return false;
	return true;
}

enum { RESERVED_MAX = 8 }; /* bytes of a reserved word */

/* Most bytes stand for themselves, and are read by this alone. */
enum { PLAIN = 0, ENDS_WORD = 1, SPECIAL = 2 };

static const uint8_t kind_of[256] = {
	[' '] = ENDS_WORD, ['\t'] = ENDS_WORD, ['|'] = ENDS_WORD, ['&'] = ENDS_WORD, [';'] = ENDS_WORD,
	['<'] = ENDS_WORD, ['>'] = ENDS_WORD,  ['\''] = SPECIAL,  ['"'] = SPECIAL,   ['\\'] = SPECIAL,
	['$'] = SPECIAL,   ['`'] = SPECIAL,    ['('] = SPECIAL,	  [')'] = SPECIAL,   ['{'] = SPECIAL,
	['}'] = SPECIAL,   ['*'] = SPECIAL,    ['?'] = SPECIAL,	  ['['] = SPECIAL,   ['~'] = SPECIAL,
	['!'] = SPECIAL,   ['\n'] = SPECIAL,   ['\r'] = SPECIAL,
};

/* What only a shell can make a word of; `~` and `!` mean something at a word's begin only, `{}` nothing at all. */
static bool is_evaluated(const struct split *s)
{
	uint8_t c = *s->at;

	if (c == '~' || c == '!')
		return s->out == s->word;
	if (c == '{' || c == '}')
		return !(c == '{' ? peek(s, 1) == '}' : s->at > s->text && s->at[-1] == '{');
	return true;
}

/* ---- $0, $1, "$@" ---- */

/* `$` and a digit, of what the shell was given; `quoted`: it stands between double quotes, so it stays one word. */
static bool expand_operand(struct split *s, bool quoted)
{
	uint8_t digit = peek(s, 1);
	struct sn_bytes rest = s->operands, value;

	if (!rest.at || digit < '0' || digit > '9')
		return false;
	for (uint8_t i = '0'; i < digit; i++)
		rest = sn_bytes__rest(rest, sn_bytes__first(rest));
	value = sn_bytes__first(rest);
	if (digit == '0' && !rest.len) /* the shell's own name */
		return false;
	for (uint32_t i = 0; !quoted && i < value.len; i++)
		if (kind_of[value.at[i]] != PLAIN)
			return false;
	if (!quoted && !value.len)
		return false;
	if (value.len)
		memcpy(s->out, value.at, value.len);
	s->out += value.len;
	s->at += 2;
	s->quoted = true;
	return true;
}

/* "$@" as a word of its own: each operand is one. False: it is none. */
static bool expand_all(struct split *s)
{
	static const uint8_t all[] = {'"', '$', '@', '"'};
	struct sn_bytes rest;

	if ((size_t)(s->end - s->at) < sizeof(all) || memcmp(s->at, all, sizeof(all)) != 0 ||
	    (s->at + sizeof(all) < s->end && kind_of[s->at[sizeof(all)]] != ENDS_WORD))
		return false;
	s->at += sizeof(all);
	rest = sn_bytes__rest(s->operands, sn_bytes__first(s->operands));
	if (!rest.len)
		return true;
	memcpy(s->out, rest.at, rest.len);
	s->out += rest.len;
	if (s->out[-1])
		*s->out++ = 0;
	return true;
}

/* ---- words ---- */

static bool quote_single(struct split *s)
{
	const uint8_t *close = memchr(s->at + 1, '\'', (size_t)(s->end - s->at - 1));

	if (!close)
		return false;
	memcpy(s->out, s->at + 1, (size_t)(close - s->at - 1));
	s->out += close - s->at - 1;
	s->at = close + 1;
	return true;
}

static bool quote_double(struct split *s)
{
	for (s->at++; s->at < s->end && *s->at != '"'; s->at++) {
		if (*s->at == '$' && expand_operand(s, true)) {
			s->at--;
			continue;
		}
		if (*s->at == '$' || *s->at == '`')
			return false;
		if (*s->at == '\\' && peek(s, 1) && strchr("$`\"\\\n", peek(s, 1)))
			s->at++;
		*s->out++ = *s->at;
	}
	return s->at++ < s->end;
}

/* One word, unquoted, to `out`. False: opaque. */
static bool read_word(struct split *s)
{
	s->word = s->out;
	s->quoted = false;
	while (s->at < s->end && kind_of[*s->at] != ENDS_WORD) {
		uint8_t c = *s->at;

		if (kind_of[c] == PLAIN) {
			*s->out++ = c;
			s->at++;
		} else if (c == '\'' || c == '"') {
			s->quoted = true;
			if (!(c == '"' ? quote_double(s) : quote_single(s)))
				return false;
		} else if (c == '\\') {
			if (!peek(s, 1) || peek(s, 1) == '\n')
				return false;
			s->quoted = true;
			*s->out++ = s->at[1];
			s->at += 2;
		} else if (c == '$' && expand_operand(s, false)) {
			continue;
		} else if (is_evaluated(s)) {
			return false;
		} else {
			*s->out++ = c;
			s->at++;
		}
	}
	return true;
}

/* bash makes a connection of it. */
static bool is_connection(const uint8_t *word, const uint8_t *end)
{
	static const char tcp[] = "/dev/tcp/", udp[] = "/dev/udp/";
	const size_t len = sizeof(tcp) - 1;

	return (size_t)(end - word) > len && (memcmp(word, tcp, len) == 0 || memcmp(word, udp, len) == 0);
}

/* Where the word just read stands in the text as it is; empty: it does not. */
static struct sn_bytes in_text(const struct split *s, const uint8_t *from)
{
	uint32_t len = (uint32_t)(s->out - s->word), written = (uint32_t)(s->at - from);

	if (written == len + 2) /* quoted */
		from++;
	return written <= len + 2 && memcmp(from, s->word, len) == 0 ? (struct sn_bytes){from, len}
								     : (struct sn_bytes){0};
}

/* A redirection behind its file descriptor: it is read and forgotten, unless it says more than the command does. */
static bool skip_redirection(struct split *s, bool of_stdin)
{
	bool is_input = of_stdin && *s->at == '<' && (!peek(s, 1) || !strchr("<>&", peek(s, 1)));
	bool is_here = *s->at == '<' && peek(s, 1) == '<' && peek(s, 2) == '<';
	const uint8_t *from;

	if (*s->at == '&')
		s->at++;
	if (*s->at == '<' && peek(s, 1) == '<' && !(is_here && of_stdin))
		return false; /* a here-document: text for the command, perhaps its program */
	while (s->at < s->end && strchr("<>&|", *s->at))
		s->at++;
	while (s->at < s->end && is_blank(*s->at))
		s->at++;
	from = s->at;
	if (!read_word(s) || s->out == s->word || is_connection(s->word, s->out))
		return false;
	if (is_input || is_here) {
		s->input = is_here ? (struct sn_bytes){0} : in_text(s, from);
		s->here = is_here ? in_text(s, from) : (struct sn_bytes){0};
	}
	s->out = s->word;
	return !is_here || s->here.len;
}

/* At the place of a command's name these are none. */
static bool is_reserved(const struct split *s)
{
	static const char reserved[][RESERVED_MAX + 1] = {"if",	  "then",     "else",	"elif", "fi",	 "do",
							  "done", "case",     "esac",	"for",	"while", "until",
							  "in",	  "function", "select", "[["};
	size_t len = (size_t)(s->out - s->word);

	if (s->quoted || len > RESERVED_MAX || !len)
		return false;
	for (uint32_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (*reserved[i] == *s->word && !reserved[i][len] && memcmp(s->word, reserved[i], len) == 0)
			return true;
	return false;
}

/* 1 a word or a redirection, 0 the end of the command, -1 opaque. */
static int step(struct split *s)
{
	uint8_t c;

	while (s->at < s->end && is_blank(*s->at))
		s->at++;
	c = peek(s, 0);
	if (s->at == s->end || c == '#' || c == '|')
		return 0;
	if (c == '<' || c == '>' || (c == '&' && peek(s, 1) == '>'))
		return skip_redirection(s, true) ? 1 : -1;
	if (c == '!' && s->out == s->room && is_blank(peek(s, 1))) {
		s->at++;
		return 1;
	}
	if (c == '"' && s->operands.at && expand_all(s))
		return 1;
	if (c == '&' || c == ';' || !read_word(s))
		return -1;
	if (s->out > s->word && !s->quoted && is_digits(s->word, s->out) && (peek(s, 0) == '<' || peek(s, 0) == '>')) {
		s->out = s->word;
		return skip_redirection(s, *s->word == '0') ? 1 : -1;
	}
	if (s->word == s->room && is_reserved(s))
		return -1;
	*s->out++ = 0;
	return 1;
}

/* What find and xargs put in its place is the command. */
static bool is_placeholder(const uint8_t *words)
{
	return words[0] == '{' && words[1] == '}' && !words[2];
}

/* Where a text ends that one command may stand in: without blanks, and without one `;` or `&` behind the command. */
static const uint8_t *end_of(const uint8_t *text, const uint8_t *end)
{
	for (bool ended = false;; ended = true) {
		while (end > text && (is_blank(end[-1]) || end[-1] == '\n'))
			end--;
		if (ended || end - text < 2 || (end[-1] != ';' && end[-1] != '&') || strchr("\\;&|<>", end[-2]))
			return end;
		end--;
	}
}

uint32_t sn_shell__room(struct sn_bytes text, struct sn_bytes operands)
{
	uint32_t room = text.len + 1;

	for (uint32_t i = 0; operands.len && i < text.len && room < UINT32_MAX / 2; i++)
		room += text.at[i] == '$' ? operands.len + 1 : 0;
	return room;
}

int sn_shell__split(struct sn_bytes text, struct sn_bytes operands, uint8_t *room, struct sn_shell_words *out)
{
	struct split s = {.text = text.at, .at = text.at, .room = room, .out = room, .operands = operands};
	const uint8_t *last = text.at, *pipe = text.at;
	int rc;

	if (memchr(text.at, 0, text.len))
		return SN_SHELL_OPAQUE;
	s.end = end_of(text.at, text.at + text.len);
	for (;;) {
		while ((rc = step(&s)) == 1)
			;
		if (rc < 0 || s.out == room || is_placeholder(room))
			return SN_SHELL_OPAQUE;
		if (peek(&s, 0) != '|')
			break;
		if (peek(&s, 1) == '|')
			return SN_SHELL_OPAQUE;
		pipe = s.at;
		s.at += peek(&s, 1) == '&' ? 2 : 1;
		s.out = room;
		s.input = s.here = (struct sn_bytes){0};
		while (s.at < s.end && is_blank(*s.at))
			s.at++;
		last = s.at;
	}
	*out = (struct sn_shell_words){
		{room, (uint32_t)(s.out - room)},
		{last, (uint32_t)(s.end - last)},
		{text.at, (uint32_t)(pipe - text.at)},
		s.input,
		s.here,
	};
	return SN_SHELL_SPLIT;
}
