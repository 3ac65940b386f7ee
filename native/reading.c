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

static bool begins(const struct sn_reading *r, const struct sn_grammar_entry *option, struct sn_bytes name)
{
	return option->name.len >= name.len && memcmp(r->grammars->text + option->name.off, name.at, name.len) == 0;
}

/* The first option that begins with `name`; the grammar has them in the order of bytes. NULL: there is none. */
static const struct sn_grammar_entry *first_option(const struct sn_reading *r, struct sn_bytes name)
{
	const struct sn_grammar_entry *option = r->grammars->options + r->grammar->options.first;
	const struct sn_grammar_entry *end = option + r->grammar->options.count;
	uint32_t key = sn_grammar__key(name.at, name.len), rest = SN_GRAMMAR_KEY_REST(name.len);
	uint32_t count = r->grammar->options.count;

	while (count > 1) { /* without a branch that depends on the option */
		option += option[count / 2 - 1].key < key ? count / 2 : 0;
		count -= count / 2;
	}
	for (; option < end && option->key <= (key | rest); option++)
		if ((option->key & ~rest) == key && (name.len <= 4 || begins(r, option, name)))
			return option;
	return NULL;
}

static const struct sn_grammar_entry *exact_option(const struct sn_reading *r, struct sn_bytes name)
{
	const struct sn_grammar_entry *option = first_option(r, name);

	return option && option->name.len == name.len ? option : NULL;
}

/* A long option, perhaps shortened as far as it is still the only one. */
static const struct sn_grammar_entry *long_option(const struct sn_reading *r, struct sn_bytes name)
{
	const struct sn_grammar_entry *end =
		r->grammars->options + r->grammar->options.first + r->grammar->options.count;
	const struct sn_grammar_entry *option = name.len < 3 ? NULL : first_option(r, name);

	if (!option || option->name.len == name.len || option + 1 == end || !begins(r, option + 1, name))
		return option;
	return NULL;
}

static bool has_no_value(uint32_t what)
{
	return what == SN_GIVE_FLAG || what == SN_GIVE_ATTACHED || what == SN_GIVE_OPERAND || what == SN_GIVE_STDIN ||
	       what == SN_GIVE_STOP || what == SN_GIVE_DIRECT;
}

/* `argument` is, or has in it, an option that the grammar does not list. A number (nice -5, --5) is no option. */
static void note_unlisted(struct sn_reading *r, struct sn_bytes argument)
{
	bool sign = argument.len > 2 && (argument.at[1] == '-' || argument.at[1] == '+');
	uint8_t first = argument.at[sign ? 2 : 1];

	if (!(r->grammar->flags & SN_GR_COMPLETE) && !(first >= '0' && first <= '9'))
		r->unlisted = argument;
}

/* The grammar of the subcommand has the arguments behind its name; false: there is none of that name. */
static bool enter_sub(struct sn_reading *r, struct sn_bytes name)
{
	const struct sn_grammar_entry *sub = r->grammars->subs + r->grammar->subs.first;

	for (uint32_t i = 0; i < r->grammar->subs.count; i++)
		if (is_text(r, sub[i].name, name)) {
			r->grammar = r->grammars->programs + sub[i].give;
			r->place = 0;
			r->options = true;
			r->sub_doubt = r->doubt;
			return true;
		}
	return false;
}

/* An option's value that names a subcommand, if there is one of that name. A module that names nothing in turn is what
 * is run. */
static bool give_sub(struct sn_reading *r, uint32_t what, struct sn_bytes name)
{
	if (!enter_sub(r, name))
		return sn_reading__give(r, what, name);
	if (what == SN_GIVE_MODULE) {
		r->fallback = name;
		r->fallback_is = what;
	}
	return false;
}

/* Gives the option its value: `attached` if there is any, else the next argument. */
static bool take_value(struct sn_reading *r, uint32_t what, bool is_attached, struct sn_bytes attached)
{
	if (what == SN_GIVE_OPERAND || what == SN_GIVE_USER || what == SN_GIVE_DIRECT)
		r->operand = what == SN_GIVE_OPERAND ? SN_GIVE_SHELL : SN_GIVE_COMMAND;
	if (what == SN_GIVE_STDIN)
		r->from_stdin = true;
	if (what == SN_GIVE_STOP) {
		r->stopped = true;
		r->at = r->end;
	}
	if (has_no_value(what))
		return false;
	if (what == SN_GIVE_ATTACHED_SHELL)
		return is_attached && sn_reading__give(r, SN_GIVE_SHELL, attached);
	if (what == SN_GIVE_PAIR && !is_attached && !sn_reading__next(r, &attached))
		return false;
	if (!is_attached && !sn_reading__next(r, &attached))
		return false;
	if (what == SN_GIVE_MODULE || what == SN_GIVE_SUB)
		return give_sub(r, what, attached);
	return sn_reading__give(r, what, attached);
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
	if (!option && r->grammar->settings.count && sn_reading__setting(r, argument))
		return true; /* its value stands right behind it */
	if (!option && !equals)
		note_unlisted(r, argument);
	if (!option)
		return false;
	return take_value(r, option->give, equals != NULL,
			  sn_bytes__behind(argument, equals ? name.len + 1 : argument.len));
}

/* -abc: letters until one takes the rest, or the next argument, for its value. Behind one that is not listed none is
 * sure to be an option. A bundle has no dash. */
static bool take_letters(struct sn_reading *r, struct sn_bytes argument, bool bundle)
{
	struct sn_bytes letters = bundle ? argument : sn_bytes__behind(argument, 1);

	for (uint32_t i = 0; i < letters.len; i++) {
		uint8_t name[2] = {'-', letters.at[i]};
		const struct sn_grammar_entry *option = sn_grammar__has_letter(r->grammar, name[1])
								? exact_option(r, (struct sn_bytes){name, 2})
								: NULL;
		bool rest = !bundle && i + 1 < letters.len;

		if (!option) {
			if (!bundle)
				note_unlisted(r, argument);
			continue;
		}
		if (has_no_value(option->give) && option->give != SN_GIVE_ATTACHED) {
			take_value(r, option->give, false, letters);
			continue;
		}
		if (r->unlisted.len)
			r->doubt = r->sub_doubt = r->unlisted;
		if (take_value(r, option->give, rest, sn_bytes__behind(letters, i + 1)))
			return true;
		if (!bundle)
			return false;
	}
	return false;
}

enum { ODD = 3 }; /* a dash and two letters */

static bool take_option(struct sn_reading *r, struct sn_bytes argument)
{
	const struct sn_grammar_entry *option;

	if (argument.at[0] == '+') {
		option = exact_option(r, argument);
		if (!option) /* +text */
			return take_value(r, exact_option(r, (struct sn_bytes){argument.at, 1})->give, true,
					  sn_bytes__behind(argument, 1));
		return take_value(r, option->give, false, argument);
	}
	if ((r->grammar->flags & SN_GR_WORDS) || argument.at[1] == '-')
		return take_word(r, argument);
	option = (r->grammar->flags & SN_GR_ODD) && argument.len > 2 ? exact_option(r, argument) : NULL;
	if (option)
		return take_value(r, option->give, false, argument);
	/* zip -TTid */
	option = (r->grammar->flags & SN_GR_ODD) && argument.len > ODD
			 ? exact_option(r, (struct sn_bytes){argument.at, ODD})
			 : NULL;
	if (option && !has_no_value(option->give))
		return take_value(r, option->give, true, sn_bytes__behind(argument, ODD));
	return take_letters(r, argument, false);
}

/* ---- a command line ---- */

static bool is_option(const struct sn_reading *r, struct sn_bytes argument)
{
	if (!r->options || argument.len < 2 || argument.at[0] != '+')
		return r->options && argument.len > 1 && argument.at[0] == '-';
	return exact_option(r, argument) || exact_option(r, (struct sn_bytes){argument.at, 1});
}

/* As `what`, the word of its place. A script that the arguments behind it belong to has them. */
static bool give_positional(struct sn_reading *r, uint32_t what, struct sn_bytes argument)
{
	bool names = what == SN_GIVE_COMMAND || what == SN_GIVE_SCRIPT || what == SN_GIVE_PROGRAM;

	if (names && !argument.len) { /* nothing has an empty name, and what follows is not it */
		r->at = r->end;
		return false;
	}
	/* sed -e PROGRAM FILE: with the program as an option there is none among the places */
	if (r->code.len && (what == SN_GIVE_SCRIPT || r->place == 1) && what != SN_GIVE_CODES)
		return false;
	if (!sn_reading__give(r, what, argument))
		return false;
	if (what == SN_GIVE_SCRIPT && !(r->grammar->flags & SN_GR_PERMUTE))
		r->found.argv = (struct sn_bytes){argument.at, (uint32_t)(r->end - argument.at)};
	return true;
}

static bool take_positional(struct sn_reading *r, struct sn_bytes argument)
{
	const struct sn_grammar *grammar = r->grammar;
	const uint32_t *places = r->grammars->places + grammar->places.first;
	uint32_t what;

	if (r->operand) {
		what = r->operand;
		r->operand = 0;
		if (!give_positional(r, what, argument))
			return false;
		if (what == SN_GIVE_SHELL && !r->cut)
			r->found.operands = (struct sn_bytes){r->at, (uint32_t)(r->end - r->at)};
		return true;
	}
	if (!grammar->places.count || r->from_stdin)
		return false;
	r->options = r->options && (grammar->flags & SN_GR_PERMUTE);
	what = places[r->place < grammar->places.count ? r->place : grammar->places.count - 1];
	if (what == SN_GIVE_ASSIGN && memchr(argument.at, '=', argument.len)) {
		if (!sn_reading__setting(r, argument))
			return false;
		if (places[r->place + 1 < grammar->places.count ? r->place + 1 : r->place] == SN_GIVE_COMMAND)
			r->carrier = (struct sn_bytes){r->at, (uint32_t)(r->end - r->at)};
		return true;
	}
	if (what == SN_GIVE_SUB && enter_sub(r, argument))
		return false;
	if ((what == SN_GIVE_ASSIGN || what == SN_GIVE_SUB) && r->place + 1 < grammar->places.count)
		what = places[++r->place];
	r->place++;
	return give_positional(r, what, argument);
}

/* What was found is in doubt with `option`, if there is one. */
static void settle(struct sn_reading *r, struct sn_bytes option)
{
	if (option.len)
		r->found = (struct sn_found){.outcome = DOUBTFUL, .text = option};
}

/* True: the reading has come to its end. */
static bool read_option(struct sn_reading *r, struct sn_bytes argument)
{
	r->unlisted = (struct sn_bytes){0};
	if (!take_option(r, argument))
		return false;
	settle(r, r->sub_doubt);
	return true;
}

static bool read_positional(struct sn_reading *r, struct sn_bytes argument)
{
	if (r->unlisted.len)
		r->doubt = r->unlisted;
	r->unlisted = (struct sn_bytes){0};
	if (!take_positional(r, argument))
		return false;
	settle(r, r->doubt);
	return true;
}

/* Where a grammar lists them, -- and - are options of its own; else -- ends the options. */
static bool read_dashes(struct sn_reading *r, struct sn_bytes argument)
{
	const struct sn_grammar_entry *listed;

	if (!r->options || argument.len == 0 || argument.len > 2 || argument.at[0] != '-' ||
	    argument.at[argument.len - 1] != '-')
		return false;
	listed = exact_option(r, argument);
	if (argument.len == 1 && !listed)
		return false;
	r->unlisted = (struct sn_bytes){0};
	if (argument.len == 2 && !listed)
		r->behind = r->at;
	r->options = listed && (argument.len == 2 || (r->grammar->flags & SN_GR_PERMUTE));
	return true;
}

/* Reads the arguments behind the program's name. */
static void read_arguments(struct sn_reading *r)
{
	struct sn_bytes argument;

	if (r->at < r->end && (r->grammar->flags & SN_GR_BUNDLE) && *r->at != '-' && sn_reading__next(r, &argument) &&
	    take_letters(r, argument, true))
		return;
	while (sn_reading__next(r, &argument)) {
		if (read_dashes(r, argument))
			continue;
		if (is_option(r, argument) ? read_option(r, argument) : read_positional(r, argument))
			return;
	}
}

void sn_reading__run(struct sn_reading *r, const struct sn_grammar *grammar, struct sn_bytes argv)
{
	struct sn_bytes name = sn_bytes__first(argv);

	r->grammar = grammar;
	r->at = sn_bytes__rest(argv, name).at;
	r->end = argv.at + argv.len;
	r->options = true;
	r->from_stdin = r->stopped = false;
	r->fallback_is = SN_GIVE_FALLBACK;
	r->operand = 0;
	r->place = 0;
	r->behind = NULL;
	r->code_runs = false;
	r->code = r->fallback = r->unlisted = r->doubt = r->sub_doubt = r->carrier = (struct sn_bytes){0};
	r->found = (struct sn_found){.outcome = NOTHING};
	read_arguments(r);
	sn_reading__conclude(r);
}
