/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_control.h"

#include <string.h>

enum { OPERATOR_MAX = 3 }; /* equ, neq, ..., == */

static struct sn_bytes without_blanks(struct sn_bytes text)
{
	while (text.len && (sn_is_blank(*text.at) || *text.at == '@'))
		text = sn_bytes__behind(text, 1);
	while (text.len && sn_is_blank(text.at[text.len - 1]))
		text.len--;
	return text;
}

/* It begins with that word. */
static bool begins(struct sn_bytes command, const char *word)
{
	uint32_t len = (uint32_t)strlen(word);

	return sn_windows__begins(command, word) && command.len > len &&
	       (sn_is_blank(command.at[len]) || command.at[len] == '/' || command.at[len] == '(');
}

/* for ... in (WORDS) do COMMAND: the command where none of it is the loop's; empty: it cannot be told. */
static struct sn_bytes body_of_loop(struct sn_bytes command)
{
	const uint8_t *open = memchr(command.at, '(', command.len);

	for (uint32_t i = 0; open && i + 4 < command.len; i++) {
		struct sn_bytes tail = sn_bytes__behind(command, i);
		size_t words;

		if (tail.at < open || !sn_windows__begins(tail, ") do"))
			continue;
		words = (size_t)(tail.at - open);
		if (memchr(open, '\'', words) || memchr(open, '`', words) || memchr(tail.at, '%', tail.len))
			return (struct sn_bytes){0};
		return without_blanks(sn_bytes__behind(tail, 4));
	}
	return (struct sn_bytes){0};
}

/* The next word of a condition, which `rest` is then behind. */
static struct sn_bytes take_word(struct sn_bytes *rest)
{
	struct sn_bytes word;
	bool quoted = false;

	*rest = without_blanks(*rest);
	word = (struct sn_bytes){rest->at, 0};
	while (word.len < rest->len && (quoted || !sn_is_blank(rest->at[word.len])))
		quoted = rest->at[word.len++] == '"' ? !quoted : quoted;
	*rest = sn_bytes__behind(*rest, word.len);
	return word;
}

static bool has(struct sn_bytes text, const char *part)
{
	return text.len && sn_bytes__find(text, (struct sn_bytes){(const uint8_t *)part, (uint32_t)strlen(part)});
}

/* if [/i] [not] exist FILE COMMAND, A==B COMMAND, A equ B COMMAND. */
static struct sn_bytes body_of_condition(struct sn_bytes rest)
{
	struct sn_bytes word;

	take_word(&rest);
	do {
		word = take_word(&rest);
	} while (sn_bytes__is_word(word, "/i") || sn_bytes__is_word(word, "not"));
	if (sn_bytes__is_word(word, "exist") || sn_bytes__is_word(word, "defined") ||
	    sn_bytes__is_word(word, "errorlevel") || sn_windows__ends(word, "=="))
		take_word(&rest);
	else if (!has(word, "==") && take_word(&rest).len <= OPERATOR_MAX)
		take_word(&rest);
	return has(rest, " else ") ? (struct sn_bytes){0} : without_blanks(rest);
}

/* (COMMAND), where that is all. */
static struct sn_bytes without_brackets(struct sn_bytes command)
{
	struct sn_bytes inside;

	if (command.len < 2 || *command.at != '(' || command.at[command.len - 1] != ')')
		return command;
	inside = (struct sn_bytes){command.at + 1, command.len - 2};
	return has(inside, "(") || has(inside, ")") ? command : without_blanks(inside);
}

struct sn_bytes sn_cmd__body(struct sn_bytes command, bool *opaque)
{
	enum { DEPTH = 4 }; /* of one in another */

	for (uint32_t i = 0; i < DEPTH && command.len; i++) {
		command = without_brackets(command);
		if (begins(command, "for"))
			command = body_of_loop(command);
		else if (begins(command, "if"))
			command = body_of_condition(command);
		else
			return command;
	}
	*opaque = true;
	return (struct sn_bytes){0};
}
