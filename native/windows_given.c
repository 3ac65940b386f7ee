/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "reading.h"
#include "windows_cmd.h"
#include "windows_powershell.h"
#include "windows_reading.h"

static bool leads_to(struct sn_win_reading *r, enum sn_win_outcome outcome, struct sn_bytes text)
{
	if (!text.len)
		return false;
	r->found.outcome = outcome;
	r->found.text = text;
	return true;
}

/* The word and all behind it, each as its program gets it, with single blanks between. */
static struct sn_bytes join(struct sn_win_reading *r, const struct sn_word *word)
{
	uint32_t rest = (uint32_t)(r->line.end - r->line.at), len = word->text.len;
	uint8_t *room = rest ? sn_unwinder__room(r->unwinder, len + rest) : NULL;
	struct sn_word next;

	if (!room)
		return rest ? (struct sn_bytes){0} : word->text;
	memcpy(room, word->text.at, len);
	while (sn_cmdline__word(&r->line, r->unwinder, &next)) {
		room[len++] = ' ';
		memcpy(room + len, next.text.at, next.text.len);
		len += next.text.len;
	}
	return (struct sn_bytes){room, len};
}

static bool give_braced(struct sn_win_reading *r, const struct sn_word *word)
{
	struct sn_bytes text = sn_win__from(r, word);
	const uint8_t *close;
	bool found;

	if (!word->before.len && text.at + text.len == r->line.at) /* -a{REGSVR x.dll} */
		text.len = (uint32_t)(r->line.end - text.at);
	while (text.len && (*text.at == '{' || *text.at == '"' || sn_is_blank(*text.at)))
		text = sn_bytes__behind(text, 1);
	close = text.len ? memchr(text.at, '}', text.len) : NULL;
	if (close)
		text.len = (uint32_t)(close - text.at);
	while (text.len && (text.at[text.len - 1] == '"' || sn_is_blank(text.at[text.len - 1])))
		text.len--;
	return sn_win__setting(r, text, &found);
}

static bool give_behind_comma(struct sn_win_reading *r, struct sn_bytes value)
{
	const uint8_t *comma = value.len ? memchr(value.at, ',', value.len) : NULL;
	const uint8_t *end;

	if (comma)
		value = sn_bytes__behind(value, (uint32_t)(comma - value.at) + 1);
	end = value.len ? memchr(value.at, ';', value.len) : NULL;
	if (end)
		value.len = (uint32_t)(end - value.at);
	end = value.len ? memchr(value.at, '*', value.len) : NULL; /* of two loggers the first */
	if (end)
		value.len = (uint32_t)(end - value.at);
	return sn_win__give_file(r, SN_PAYLOAD_LIBRARY, &(struct sn_word){.text = value});
}

static bool give_before_comma(struct sn_win_reading *r, const struct sn_word *word)
{
	bool quoted = word->before.len && *word->before.at == '"';
	struct sn_bytes value = quoted ? sn_bytes__behind(word->before, 1) : word->text;
	const uint8_t *end = value.len ? memchr(value.at, quoted ? '"' : ',', value.len) : NULL;

	if (end)
		value.len = (uint32_t)(end - value.at);
	return sn_win__give_file(r, SN_PAYLOAD_SCRIPT_FILE, &(struct sn_word){.text = value});
}

/* Whether what a program is given begins with its own name, as a whole command line does. */
static bool is_whole_line(struct sn_bytes path, struct sn_bytes arguments)
{
	struct sn_cmdline line = sn_cmdline__of(arguments);
	uint8_t first[SN_GRAMMAR_NAME_MAX], own[SN_GRAMMAR_NAME_MAX];
	uint32_t len = sn_windows__name(path, own);

	return len && sn_windows__name(sn_cmdline__program(&line), first) == len && memcmp(first, own, len) == 0;
}

/* The program that an option has named, with its arguments. */
static bool give_fallback(struct sn_win_reading *r)
{
	struct sn_bytes path = r->fallback.text;
	uint8_t *room, *at;

	if (!r->arguments.len)
		return sn_win__give_file(r, SN_PAYLOAD_COMMAND, &r->fallback);
	if (is_whole_line(path, r->arguments))
		return leads_to(r, SN_WIN_LINE, r->arguments);
	room = at = sn_unwinder__room(r->unwinder, path.len + r->arguments.len + 3);
	if (!room)
		return false;
	*at++ = '"';
	memcpy(at, path.at, path.len);
	at += path.len;
	*at++ = '"';
	*at++ = ' ';
	memcpy(at, r->arguments.at, r->arguments.len);
	return leads_to(r, SN_WIN_LINE, (struct sn_bytes){room, path.len + r->arguments.len + 3});
}

/* The library that an option has named, or what it was told to run. */
static bool give_fallback_library(struct sn_win_reading *r)
{
	struct sn_bytes name = sn_windows__basename(r->fallback.text);

	if (r->handed.len && (sn_windows__begins(name, "scrobj.dll") || sn_windows__ends(name, "scrobj")))
		return sn_win__give_file(r, SN_PAYLOAD_SCRIPT_FILE, &(struct sn_word){.text = r->handed});
	return sn_win__give_file(r, SN_PAYLOAD_LIBRARY, &r->fallback);
}

/* A path without quotes may go on behind a blank: C:\Program Files\x.inf. An archive's part is no part of its name,
 * nor is the @ of a file with arguments. */
static bool give_script(struct sn_win_reading *r, struct sn_word word)
{
	struct sn_bytes whole = sn_cmdline__rest(r->line), part = {(const uint8_t *)"::/", 3};
	const uint8_t *in_archive = sn_bytes__find(word.text, part);
	struct sn_bytes base = sn_windows__basename(word.text);

	while (whole.len && sn_is_blank(whole.at[whole.len - 1]))
		whole.len--;
	if (word.text.len > 1 && *word.text.at == '@') {
		word.text = sn_bytes__behind(word.text, 1);
	} else if (in_archive) {
		word.text.len = (uint32_t)(in_archive - word.text.at);
	} else if (word.before.at == word.text.at && word.text.len > 3 && word.text.at[1] == ':' && base.len &&
		   !memchr(base.at, '.', base.len) && !memchr(word.text.at, '/', word.text.len) && whole.len &&
		   !memchr(whole.at, '"', whole.len) && sn_windows__ends(whole, ".inf")) {
		word.text.len = (uint32_t)(whole.at + whole.len - word.text.at);
		r->line.at = r->line.end;
	}
	return sn_win__give_file(r, SN_PAYLOAD_SCRIPT_FILE, &word);
}

void sn_win__conclude(struct sn_win_reading *r)
{
	if (r->found.outcome != SN_WIN_NOTHING || !r->instead || r->stopped)
		return;
	if (r->instead == SN_GIVE_FALLBACK_SCRIPT)
		give_script(r, r->fallback);
	else if (r->instead == SN_GIVE_FALLBACK_LIBRARY)
		give_fallback_library(r);
	else
		give_fallback(r);
}

static bool has_marker(const struct sn_win_reading *r, struct sn_bytes text)
{
	const struct sn_grammar_text *marker = r->grammars->markers + r->grammar->markers.first;

	for (uint32_t i = 0; i < r->grammar->markers.count; i++)
		if (sn_bytes__find(text, (struct sn_bytes){r->grammars->text + marker[i].off, marker[i].len}))
			return true;
	return r->grammar->markers.count == 0;
}

/* A quoted word with blanks in it may be a whole command line; else the words behind it are the program's. */
static bool give_command(struct sn_win_reading *r, const struct sn_word *word)
{
	bool whole = !word->before.len || (*word->before.at == '"' && !sn_windows__is_one_path(word->text));

	return leads_to(r, SN_WIN_LINE, whole ? word->text : sn_win__from(r, word));
}

/* "COMMAND",FOLDER,CLASS or 'COMMAND': what the quotes hold. */
static struct sn_bytes before_comma(const struct sn_win_reading *r, const struct sn_word *word)
{
	bool single = word->before.len && *word->before.at == '\'';
	struct sn_bytes inside = single ? sn_win__from(r, word) : word->before;
	const uint8_t *close;

	if (!inside.len || (*inside.at != '"' && !single))
		return word->text;
	inside = sn_bytes__behind(inside, 1);
	close = inside.len ? memchr(inside.at, single ? '\'' : '"', inside.len) : NULL;
	if (!close || (!single && (close + 1 == inside.at + inside.len || close[1] != ',')))
		return word->text;
	return (struct sn_bytes){inside.at, (uint32_t)(close - inside.at)};
}

/* 'C:\a b.exe' -x, as schtasks takes it: with double quotes. */
static struct sn_bytes with_double_quotes(struct sn_win_reading *r, struct sn_bytes text)
{
	uint8_t *room = text.len && *text.at == '\'' ? sn_unwinder__room(r->unwinder, text.len) : NULL;

	if (!room)
		return text;
	for (uint32_t i = 0; i < text.len; i++)
		room[i] = text.at[i] == '\'' ? '"' : text.at[i];
	return (struct sn_bytes){room, text.len};
}

/* With 0xHH as the character that it stands for. */
static struct sn_bytes without_hex(struct sn_win_reading *r, struct sn_bytes text)
{
	uint8_t *room = sn_bytes__find(text, (struct sn_bytes){(const uint8_t *)"0x", 2})
				? sn_unwinder__room(r->unwinder, text.len)
				: NULL,
		*out = room;

	if (!room)
		return text;
	while (text.len) {
		uint32_t high = UINT32_MAX, low = UINT32_MAX;

		if (text.len >= 4 && text.at[0] == '0' && text.at[1] == 'x') {
			high = sn_bytes__hex_digit(text.at[2]);
			low = sn_bytes__hex_digit(text.at[3]);
		}
		*out++ = high < 16 && low < 16 ? (uint8_t)(high << 4 | low) : *text.at;
		text = sn_bytes__behind(text, high < 16 && low < 16 ? 4 : 1);
	}
	return (struct sn_bytes){room, (uint32_t)(out - room)};
}

/* Text of one kind or another. */
static bool give_text(struct sn_win_reading *r, uint32_t what, const struct sn_word *word)
{
	switch ((enum sn_give)what) {
	case SN_GIVE_COMMAND:
		return give_command(r, word);
	case SN_GIVE_WORDS:
		return leads_to(r, SN_WIN_LINE,
				r->grammar->flags & SN_GR_HEX ? without_hex(r, word->text)
							      : with_double_quotes(r, word->text));
	case SN_GIVE_COMMA_WORDS:
		return leads_to(r, SN_WIN_LINE, before_comma(r, word));
	case SN_GIVE_CMD:
		return leads_to(r, SN_WIN_CMD, sn_cmd__text(word->before));
	case SN_GIVE_SHELL:
		if (memchr(word->text.at, ' ', word->text.len) && sn_windows__is_one_path(word->text))
			return sn_win__give_file(r, SN_PAYLOAD_COMMAND, word);
		return leads_to(r, SN_WIN_CMD, word->text);
	case SN_GIVE_SHELL_REST:
		return leads_to(r, SN_WIN_CMD, sn_win__from(r, word));
	case SN_GIVE_POWERSHELL:
		if (word->text.len == 1 && *word->text.at == '-') {
			r->from_stdin = true;
			return false;
		}
		return leads_to(r, SN_WIN_POWERSHELL, join(r, word));
	case SN_GIVE_ENCODED:
		return leads_to(r, SN_WIN_POWERSHELL, sn_powershell__decode(word->text, r->unwinder));
	case SN_GIVE_CODE:
		return has_marker(r, word->text) &&
		       sn_win__ends(r, SN_PAYLOAD_INLINE_SCRIPT, &r->found.text, word->text);
	default:
		return false;
	}
}

/* A program, too, where it is loaded as a library is. */
static bool give_library(struct sn_win_reading *r, const struct sn_word *word)
{
	bool given = sn_win__give_file(r, SN_PAYLOAD_LIBRARY, word);

	if (given && r->found.kind == SN_PAYLOAD_COMMAND)
		r->found.kind = SN_PAYLOAD_LIBRARY;
	return given;
}

/* In quotes; without them, or where they hold a part of the first word only, all that follows. */
static void take_arguments(struct sn_win_reading *r, const struct sn_word *word)
{
	bool whole = !word->before.len || (*word->before.at == '"' && word->before.at[word->before.len - 1] == '"');

	r->arguments = whole ? word->text : sn_win__from(r, word);
	if (!whole)
		r->line.at = r->line.end;
}

static bool is_in_folder(struct sn_bytes file)
{
	return file.len && (memchr(file.at, '\\', file.len) || memchr(file.at, '/', file.len));
}

static bool is_elsewhere(struct sn_bytes file)
{
	return (file.len > 2 && (sn_windows__begins(file, "\\\\") || sn_windows__begins(file, "//")) &&
		file.at[2] != '?' && file.at[2] != '.') ||
	       sn_bytes__find(file, (struct sn_bytes){(const uint8_t *)"://", 3});
}

static bool ends_there(struct sn_bytes part)
{
	struct sn_bytes base = sn_windows__basename(part);

	return base.len && memchr(base.at, '.', base.len);
}

/* Of a.mst;b.mst the first that is of another computer, else the first; :a.mst lies in a package. */
static bool take_of_list(struct sn_win_reading *r, const struct sn_word *word)
{
	struct sn_bytes rest = word->text, chosen = {0};
	bool elsewhere = false, kept;

	while (rest.len && !elsewhere) {
		const uint8_t *end = memchr(rest.at, ';', rest.len);
		struct sn_bytes part = {rest.at, end ? (uint32_t)(end - rest.at) : rest.len};

		if (!ends_there(part)) { /* C:\\a;b\\c.msi */
			end = NULL;
			part = rest;
		}
		rest = sn_bytes__behind(rest, part.len + (end != NULL));
		elsewhere = is_elsewhere(part);
		if (elsewhere || (!chosen.len && part.len && *part.at != ':'))
			chosen = part;
	}
	kept = r->instead == SN_GIVE_FALLBACK_SCRIPT &&
	       (is_elsewhere(r->fallback.text) || (!elsewhere && !r->aside)); /* a.msi TRANSFORMS=b.mst */
	if (!chosen.len || kept)
		return false;
	r->fallback = (struct sn_word){.text = chosen, .before = word->before};
	r->instead = SN_GIVE_FALLBACK_SCRIPT;
	r->aside = false;
	return false;
}

bool sn_win__give(struct sn_win_reading *r, uint32_t what, const struct sn_word *word)
{
	bool found;

	switch ((enum sn_give)what) {
	case SN_GIVE_OPEN:
		return sn_win__give_file(r, SN_PAYLOAD_NONE, word);
	case SN_GIVE_SCRIPT:
		return give_script(r, *word);
	case SN_GIVE_FILE:
		return sn_win__give_file(r, is_in_folder(word->text) ? SN_PAYLOAD_SCRIPT_FILE : SN_PAYLOAD_NONE, word);
	case SN_GIVE_PROGRAM:
		return sn_win__give_file(r, SN_PAYLOAD_COMMAND, word);
	case SN_GIVE_LIBRARY:
		return give_library(r, word);
	case SN_GIVE_URL:
		return sn_win__ends(r, SN_PAYLOAD_FROM_URL, &r->found.url, word->text);
	case SN_GIVE_MODULE:
		return sn_win__ends(r, SN_PAYLOAD_SCRIPT_FILE, &r->found.text, word->text);
	case SN_GIVE_EXPORT:
		return sn_win__give_export(r, word);
	case SN_GIVE_COM:
		return sn_win__give_class(r, word);
	case SN_GIVE_BRACED:
		return give_braced(r, word);
	case SN_GIVE_BEHIND_COMMA:
		return give_behind_comma(r, word->text);
	case SN_GIVE_COMMA:
		return give_before_comma(r, word);
	case SN_GIVE_FALLBACK_SCRIPT:
		return take_of_list(r, word);
	case SN_GIVE_FALLBACK:
	case SN_GIVE_FALLBACK_LIBRARY:
		if (r->instead == what && !is_elsewhere(word->text))
			return false;
		r->fallback = *word;
		r->instead = what;
		return false;
	case SN_GIVE_ARGUMENTS:
		take_arguments(r, word);
		return false;
	case SN_GIVE_SETTING:
		return sn_win__setting(r, word->text, &found);
	case SN_GIVE_STOP:
		r->stopped = true;
		r->line.at = r->line.end;
		return false;
	default:
		return give_text(r, what, word);
	}
}
