/* SPDX-License-Identifier: Apache-2.0 */
#include "reading.h"

#include <string.h>

bool sn_reading__next(struct sn_reading *r, struct sn_bytes *argument)
{
	if (r->at >= r->end)
		return false;
	*argument = sn_bytes__first((struct sn_bytes){r->at, (uint32_t)(r->end - r->at)});
	r->at += argument->len;
	r->at += r->at < r->end; /* its NUL */
	return true;
}

static bool is_text(const struct sn_reading *r, struct sn_grammar_text name, struct sn_bytes bytes)
{
	return name.len == bytes.len && memcmp(r->grammars->text + name.off, bytes.at, bytes.len) == 0;
}

/* ---- options ---- */

static const struct sn_grammar_entry *exact_option(const struct sn_reading *r, struct sn_bytes name)
{
	const struct sn_grammar_entry *option = r->grammars->options + r->grammar->options.first;

	for (uint32_t i = 0; i < r->grammar->options.count; i++)
		if (is_text(r, option[i].name, name))
			return &option[i];
	return NULL;
}

/* A long option, perhaps shortened as far as it is still the only one. */
static const struct sn_grammar_entry *long_option(const struct sn_reading *r, struct sn_bytes name)
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
static bool take_value(struct sn_reading *r, uint32_t what, bool is_attached, struct sn_bytes attached)
{
	if (what == SN_GIVE_OPERAND)
		r->operand = SN_GIVE_SHELL;
	if (what == SN_GIVE_STDIN)
		r->from_stdin = true;
	if (has_no_value(what))
		return false;
	if (is_attached)
		return sn_reading__give(r, what, attached);
	if (what == SN_GIVE_PAIR && !sn_reading__next(r, &attached))
		return false;
	return sn_reading__next(r, &attached) && sn_reading__give(r, what, attached);
}

static bool take_word(struct sn_reading *r, struct sn_bytes argument)
{
	const uint8_t *equals = memchr(argument.at, '=', argument.len);
	struct sn_bytes name = {argument.at, equals ? (uint32_t)(equals - argument.at) : argument.len};
	const struct sn_grammar_entry *option;

	/* --ex is -ex to programs whose options are words */
	option = (r->grammar->flags & SN_GR_WORDS) ? exact_option(r, name) : long_option(r, name);
	if (!option && (r->grammar->flags & SN_GR_WORDS) && name.len > 2 && name.at[1] == '-')
		option = exact_option(r, sn_bytes__behind(name, 1));
	if (!option)
		return false;
	return take_value(r, option->give, equals != NULL,
			  sn_bytes__behind(argument, equals ? name.len + 1 : argument.len));
}

/* -abc: letters until one takes the rest, or the next argument, for its value. `letters` has no dash. */
static bool take_letters(struct sn_reading *r, struct sn_bytes letters, bool bundle)
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
		if (take_value(r, option->give, rest, sn_bytes__behind(letters, i + 1)))
			return true;
		if (!bundle)
			return false;
	}
	return false;
}

static bool take_option(struct sn_reading *r, struct sn_bytes argument)
{
	const struct sn_grammar_entry *option;

	if (argument.at[0] == '+' || (r->grammar->flags & SN_GR_WORDS) || argument.at[1] == '-')
		return take_word(r, argument);
	option = argument.len > 2 ? exact_option(r, argument) : NULL;
	if (option)
		return take_value(r, option->give, false, argument);
	return take_letters(r, sn_bytes__behind(argument, 1), false);
}

/* ---- a command line ---- */

static bool is_option(const struct sn_reading *r, struct sn_bytes argument)
{
	return r->options && argument.len > 1 &&
	       (argument.at[0] == '-' || (argument.at[0] == '+' && exact_option(r, argument) != NULL));
}

static bool enter_sub(struct sn_reading *r, struct sn_bytes name)
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

static bool take_positional(struct sn_reading *r, struct sn_bytes argument)
{
	const struct sn_grammar *grammar = r->grammar;
	const uint32_t *places = r->grammars->places + grammar->places.first;
	uint32_t what;

	if (r->operand) {
		uint32_t what = r->operand;

		r->operand = 0;
		return sn_reading__give(r, what, argument);
	}
	if (!grammar->places.count || r->from_stdin)
		return false;
	r->options = r->options && (grammar->flags & SN_GR_PERMUTE);
	what = places[r->place < grammar->places.count ? r->place : grammar->places.count - 1];
	if (what == SN_GIVE_ASSIGN && memchr(argument.at, '=', argument.len))
		return sn_reading__setting(r, argument);
	if (what == SN_GIVE_SUB && enter_sub(r, argument))
		return false;
	if ((what == SN_GIVE_ASSIGN || what == SN_GIVE_SUB) && r->place + 1 < grammar->places.count)
		what = places[++r->place];
	r->place++;
	return sn_reading__give(r, what, argument);
}

/* Reads the arguments behind the program's name. */
static void read_arguments(struct sn_reading *r)
{
	struct sn_bytes argument;
	bool first = true;

	while (sn_reading__next(r, &argument)) {
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

void sn_reading__run(struct sn_reading *r, const struct sn_grammar *grammar, struct sn_bytes argv)
{
	struct sn_bytes name = sn_bytes__first(argv);

	r->grammar = grammar;
	r->at = argv.at + (name.len < argv.len ? name.len + 1 : argv.len);
	r->end = argv.at + argv.len;
	r->options = true;
	r->from_stdin = false;
	r->operand = 0;
	r->place = 0;
	r->found = (struct sn_found){.outcome = NOTHING};
	read_arguments(r);
}
