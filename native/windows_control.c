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

static bool has(struct sn_bytes text, const char *part)
{
	for (uint32_t i = 0; i < text.len; i++)
		if (sn_windows__begins(sn_bytes__behind(text, i), part))
			return true;
	return false;
}

/* Where the first bracket stands that is not quoted; the text's length: nowhere. */
static uint32_t find_bracket(struct sn_bytes text)
{
	bool quoted = false;
	uint32_t i = 0;

	for (; i < text.len && (quoted || (text.at[i] != '(' && text.at[i] != ')')); i++)
		quoted = text.at[i] == '"' ? !quoted : quoted;
	return i;
}

/* (COMMAND) REST: the command, and `*rest`; false: it begins otherwise, or holds brackets of its own. */
static bool take_brackets(struct sn_bytes text, struct sn_bytes *inside, struct sn_bytes *rest)
{
	uint32_t close;

	if (!text.len || *text.at != '(')
		return false;
	*inside = sn_bytes__behind(text, 1);
	close = find_bracket(*inside);
	if (close == inside->len || inside->at[close] != ')')
		return false;
	*rest = without_blanks(sn_bytes__behind(*inside, close + 1));
	inside->len = close;
	*inside = without_blanks(*inside);
	return true;
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

/* What is run for each: 'COMMAND' with /f, `COMMAND` with usebackq. Nothing else between the brackets runs. */
static struct sn_bytes command_of_loop(struct sn_bytes head, struct sn_bytes set)
{
	uint8_t quote = has(head, "usebackq") ? '`' : '\'';

	if (!has(head, "/f") || set.len < 2 || *set.at != quote || set.at[set.len - 1] != quote)
		return (struct sn_bytes){0};
	return without_blanks((struct sn_bytes){set.at + 1, set.len - 2});
}

/* %X, perhaps with the sign doubled, as it stands before `in`; empty: the loop has none. */
static struct sn_bytes variable_of_loop(struct sn_bytes head)
{
	struct sn_bytes word = {0};

	while (head.len) {
		struct sn_bytes next = take_word(&head);

		if (sn_bytes__is_word(next, "in"))
			break;
		word = next;
	}
	return word.len > 1 && *word.at == '%' ? word : (struct sn_bytes){0};
}

/* for [/f HOW] %X in (SET) do COMMAND. What a loop makes of its variable cannot be told. */
static void take_loop(struct sn_bytes command, struct sn_cmd_parts *out)
{
	uint32_t open = find_bracket(command);
	struct sn_bytes head = {command.at, open}, set, rest, variable = variable_of_loop(head);

	out->opaque =
		!variable.len || !take_brackets(sn_bytes__behind(command, open), &set, &rest) || !begins(rest, "do");
	if (out->opaque)
		return;
	out->part[0] = command_of_loop(head, set);
	out->part[1] = without_blanks(sn_bytes__behind(rest, (uint32_t)strlen("do")));
	out->varies = has(out->part[1], "%~") || sn_bytes__find(out->part[1], variable);
	for (uint32_t i = 0; i < out->part[0].len; i++) /* carets before them are gone */
		out->opaque = out->opaque || strchr("&|<>", out->part[0].at[i]) != NULL;
}

/* if [/i] [not] exist FILE COMMAND, A==B COMMAND, A equ B COMMAND; (COMMAND) else COMMAND. */
static void take_condition(struct sn_bytes rest, struct sn_cmd_parts *out)
{
	struct sn_bytes word, tail;

	take_word(&rest);
	do {
		word = take_word(&rest);
	} while (sn_bytes__is_word(word, "/i") || sn_bytes__is_word(word, "not"));
	if (sn_bytes__is_word(word, "exist") || sn_bytes__is_word(word, "defined") ||
	    sn_bytes__is_word(word, "errorlevel") || sn_windows__ends(word, "=="))
		take_word(&rest);
	else if (!has(word, "==") && take_word(&rest).len <= OPERATOR_MAX)
		take_word(&rest);
	out->part[0] = without_blanks(rest);
	if (!take_brackets(out->part[0], &rest, &tail))
		return;
	out->part[0] = rest;
	if (begins(tail, "else"))
		out->part[1] = without_blanks(sn_bytes__behind(tail, (uint32_t)strlen("else")));
	else
		out->opaque = tail.len != 0;
}

/* (COMMAND), where that is all; perhaps in more brackets. */
static bool take_group(struct sn_bytes command, struct sn_cmd_parts *out)
{
	struct sn_bytes inside, rest;

	if (take_brackets(command, &inside, &rest) && !rest.len) {
		out->part[0] = inside;
		return true;
	}
	if (command.len < 4 || *command.at != '(' || command.at[command.len - 1] != ')')
		return false;
	inside = without_blanks((struct sn_bytes){command.at + 1, command.len - 2});
	if (!inside.len || *inside.at != '(' || inside.at[inside.len - 1] != ')')
		return false;
	out->part[0] = inside;
	return true;
}

void sn_cmd__parts(struct sn_bytes command, struct sn_cmd_parts *out)
{
	*out = (struct sn_cmd_parts){.held = true};
	if (begins(command, "for"))
		take_loop(command, out);
	else if (begins(command, "if"))
		take_condition(command, out);
	else
		out->held = take_group(command, out);
}
