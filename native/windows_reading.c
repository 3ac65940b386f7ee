/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_reading.h"

#include <string.h>

/* ---- names ---- */

static struct sn_bytes name_of(const struct sn_grammars *grammars, const struct sn_grammar_entry *entry)
{
	return (struct sn_bytes){grammars->text + entry->name.off, entry->name.len};
}

const struct sn_grammar *sn_win__sub(const struct sn_grammars *grammars, const struct sn_grammar *grammar,
				     struct sn_bytes name)
{
	const struct sn_grammar_entry *sub = grammars->subs + grammar->subs.first;

	for (uint32_t i = 0; i < grammar->subs.count; i++)
		if (sn_bytes__equal(name_of(grammars, &sub[i]), name))
			return grammars->programs + sub[i].give;
	return NULL;
}

/* The option of that name or, where they may be shortened, the first that begins so. */
static const struct sn_grammar_entry *find_option(const struct sn_win_reading *r, struct sn_bytes name)
{
	const struct sn_grammar_entry *option = r->grammars->options + r->grammar->options.first;
	const struct sn_grammar_entry *end = option + r->grammar->options.count;
	uint32_t key = sn_grammar__key(name.at, name.len), rest = SN_GRAMMAR_KEY_REST(name.len);

	for (uint32_t count = r->grammar->options.count; count > 1; count -= count / 2)
		option += option[count / 2 - 1].key < key ? count / 2 : 0;
	for (; option < end && option->key <= (key | rest); option++) {
		struct sn_bytes own = name_of(r->grammars, option);

		if (own.len < name.len || memcmp(own.at, name.at, name.len) != 0)
			continue;
		return own.len == name.len || (r->grammar->flags & SN_GR_PREFIX) ? option : NULL;
	}
	return NULL;
}

/* ---- options ---- */

/* Dashes that typesetters use, and wide signs: many programs are given a plain one in place of them. 0: it is none. */
static uint32_t wide_dash(struct sn_bytes text, bool slash)
{
	uint32_t code;

	if (text.len <= 3 || (text.at[0] & 0xf0) != 0xe0)
		return 0;
	code = (text.at[0] & 15U) << 12 | (text.at[1] & 63U) << 6 | (text.at[2] & 63U);
	if ((code >= 0x2010 && code <= 0x2015) || code == 0x2212 || code == 0xff0d)
		return 3;
	return slash && (code == 0x2044 || code == 0x2215 || code == 0xff0f) ? 3 : 0;
}

/* //HOST/SHARE, not //OPTION nor //OPTION:VALUE/MORE. */
static bool is_network(struct sn_bytes text)
{
	uint32_t at = 2;

	while (at < text.len && !strchr("/\\:=", text.at[at]))
		at++;
	return at > 2 && at + 1 < text.len && (text.at[at] == '/' || text.at[at] == '\\');
}

/* Bytes of what makes a word an option: - or --, / or //, or one of those above. 0: it is none. */
static uint32_t dashes(const struct sn_win_reading *r, struct sn_bytes text)
{
	bool slash = !(r->grammar->flags & SN_GR_DASH);

	if (text.len < 2 || (text.at[0] != '-' && (text.at[0] != '/' || !slash)))
		return wide_dash(text, slash);
	if (text.at[1] != text.at[0])
		return 1;
	return text.at[0] == '/' && is_network(text) ? 0 : 2;
}

static bool has_no_value(uint32_t what)
{
	return what == SN_GIVE_FLAG || what == SN_GIVE_ATTACHED || what == SN_GIVE_STDIN || what == SN_GIVE_STOP ||
	       what == SN_GIVE_HANDED;
}

static bool enter_sub(struct sn_win_reading *r, struct sn_bytes name)
{
	const struct sn_grammar *sub = sn_win__sub(r->grammars, r->grammar, name);

	if (!sub)
		return false;
	r->grammar = sub;
	r->place = 0;
	return true;
}

/* An option's name behind one dash, up to where a value is attached. */
static struct sn_bytes option_name(const struct sn_win_reading *r, struct sn_bytes text, uint8_t *name)
{
	bool lower = !(r->grammar->flags & SN_GR_CASE);
	uint32_t len = 0;

	name[len++] = '-';
	while (len < SN_GRAMMAR_NAME_MAX && text.len && *text.at != ':' && *text.at != '=') {
		name[len++] = lower ? sn_bytes__lower(*text.at) : *text.at;
		text = sn_bytes__behind(text, 1);
	}
	return (struct sn_bytes){name, len};
}

/* Whether the next word is an option that the grammar lists. */
static bool is_listed_next(const struct sn_win_reading *r)
{
	uint8_t room[SN_GRAMMAR_NAME_MAX];
	struct sn_bytes word = sn_cmdline__rest(r->line);
	uint32_t len = 0, skip;

	while (word.len && sn_is_blank(*word.at))
		word = sn_bytes__behind(word, 1);
	skip = dashes(r, word);
	while (skip && skip + len < word.len && len < SN_GRAMMAR_NAME_MAX && !sn_is_blank(word.at[skip + len]))
		len++;
	return skip && find_option(r, option_name(r, (struct sn_bytes){word.at + skip, len}, room));
}

/* Gives the option its value: `attached` if there is any, else the next word. */
static bool take_value(struct sn_win_reading *r, uint32_t what, bool is_attached, struct sn_word attached)
{
	if (what == SN_GIVE_STDIN)
		r->from_stdin = true;
	if (what == SN_GIVE_HANDED)
		r->handed = attached.text;
	if (what == SN_GIVE_STOP) {
		r->stopped = true;
		r->line.at = r->line.end;
	}
	if (has_no_value(what))
		return false;
	if (is_attached)
		return sn_win__give(r, what, &attached);
	if (what != SN_GIVE_ARGUMENTS && is_listed_next(r))
		return false; /* its value is missing */
	if (what == SN_GIVE_PAIR && !sn_cmdline__word(&r->line, r->unwinder, &attached))
		return false;
	return sn_cmdline__word(&r->line, r->unwinder, &attached) && sn_win__give(r, what, &attached);
}

static bool take_option(struct sn_win_reading *r, const struct sn_word *word, uint32_t skip)
{
	uint8_t room[SN_GRAMMAR_NAME_MAX];
	struct sn_bytes text = sn_bytes__behind(word->text, skip), name = option_name(r, text, room);
	const struct sn_grammar_entry *option = find_option(r, name);
	struct sn_word attached = {0};
	uint32_t used = name.len - 1;
	bool is_attached = text.len > used;
	const uint8_t *slash = *word->text.at == '/' ? memchr(name.at, '/', name.len) : NULL;

	if (!option && slash && slash > name.at + 1) { /* /s/n/i:VALUE */
		uint32_t len = (uint32_t)(slash - name.at);
		const struct sn_grammar_entry *first = find_option(r, (struct sn_bytes){name.at, len});

		if (first && first->give == SN_GIVE_FLAG) {
			struct sn_word rest = {.text = sn_bytes__behind(text, len - 1)};

			return take_option(r, &rest, 1);
		}
	}
	if (!option && (r->grammar->flags & SN_GR_GLUED) && name.len > 2) {
		option = find_option(r, (struct sn_bytes){name.at, 2});
		/* /fomus FILE: more letters of the same */
		is_attached =
			!option || option->give != SN_GIVE_FALLBACK_SCRIPT || sn_windows__letters(text) < text.len;
		used = is_attached ? 1 : text.len;
	} else {
		used += is_attached;
	}
	if (!option) {
		if (!is_attached && !(r->grammar->flags & SN_GR_COMPLETE))
			r->unlisted = word->text;
		return false;
	}
	if (option->give == SN_GIVE_SUB && enter_sub(r, name_of(r->grammars, option)))
		return false;
	attached.text = sn_bytes__behind(text, used);
	return take_value(r, option->give, is_attached, attached);
}

/* ---- positional words ---- */

static bool take_sub(struct sn_win_reading *r, struct sn_bytes text)
{
	uint8_t name[SN_GRAMMAR_NAME_MAX];

	if (text.len > sizeof(name))
		return false;
	for (uint32_t i = 0; i < text.len; i++)
		name[i] = sn_bytes__lower(text.at[i]);
	return enter_sub(r, (struct sn_bytes){name, text.len});
}

/* Takes a word by a place that only some words have. 1 or 0 as sn_win__give, -1: the next place counts. */
static int take_conditional(struct sn_win_reading *r, uint32_t what, const struct sn_word *word)
{
	bool fits, gives;

	switch ((enum sn_give)what) {
	case SN_GIVE_SUB:
		return take_sub(r, word->text) ? 0 : -1;
	case SN_GIVE_ASSIGN:
		gives = sn_win__setting(r, word->text, &fits);
		return fits ? gives : -1;
	case SN_GIVE_TITLE:
		return word->before.len && *word->before.at == '"' ? 0 : -1;
	default:
		return -1;
	}
}

static bool is_conditional(uint32_t what)
{
	return what == SN_GIVE_SUB || what == SN_GIVE_ASSIGN || what == SN_GIVE_TITLE;
}

static bool take_positional(struct sn_win_reading *r, const struct sn_word *word)
{
	const struct sn_grammar *grammar = r->grammar;
	const uint32_t *places = r->grammars->places + grammar->places.first;
	uint32_t last = grammar->places.count - 1, place = r->place, what;

	if (!grammar->places.count || r->from_stdin)
		return false;
	for (;; place++) {
		int taken;

		what = places[place < last ? place : last];
		taken = is_conditional(what) ? take_conditional(r, what, word) : -1;
		if (taken >= 0 && what != SN_GIVE_SUB)
			r->place = place + 1;
		if (taken >= 0)
			return taken;
		if (!is_conditional(what) || place >= last)
			break;
	}
	r->place = place + 1;
	return !is_conditional(what) && sn_win__give(r, what, word);
}

/* True: the reading has come to its end. */
static bool take_word(struct sn_win_reading *r, const struct sn_word *word)
{
	uint32_t skip = r->options ? dashes(r, word->text) : 0;

	if (skip == 2 && word->text.len == 2) { /* -- */
		r->options = *word->text.at != '-';
		return false;
	}
	if (skip) {
		r->unlisted = (struct sn_bytes){0};
		return take_option(r, word, skip);
	}
	if (r->unlisted.len)
		r->doubt = r->unlisted;
	r->unlisted = (struct sn_bytes){0};
	if (!take_positional(r, word))
		return false;
	if (r->doubt.len)
		r->found = (struct sn_win_found){.outcome = SN_WIN_DOUBTFUL, .text = r->doubt};
	return true;
}

void sn_win__read(struct sn_win_reading *r, const struct sn_grammar *grammar, struct sn_cmdline line)
{
	struct sn_word word;

	r->grammar = grammar;
	r->line = line;
	r->options = true;
	r->stopped = r->from_stdin = r->aside = false;
	r->place = r->instead = 0;
	r->arguments = r->handed = r->unlisted = r->doubt = (struct sn_bytes){0};
	r->found = (struct sn_win_found){.outcome = SN_WIN_NOTHING};
	if (grammar->places.count && r->grammars->places[grammar->places.first] == SN_GIVE_CMD) {
		sn_win__give(r, SN_GIVE_CMD, &(struct sn_word){.before = sn_cmdline__rest(line)});
		return;
	}
	while (sn_cmdline__word(&r->line, r->unwinder, &word))
		if (take_word(r, &word))
			return;
	sn_win__conclude(r);
}
