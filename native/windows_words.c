/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_words.h"

#include <string.h>

#include "reading.h"

/* What a word without quotes ends at. */
static const bool ends_plain[256] = {[' '] = true, ['\t'] = true, ['\n'] = true, ['\r'] = true, ['"'] = true};

static void skip_blanks(struct sn_cmdline *line)
{
	while (line->at < line->end && sn_is_blank(*line->at))
		line->at++;
}

/* Backslashes before a quote: two are one, an odd one makes it a plain quote. Else they stand for themselves. */
static uint8_t *copy_backslashes(struct sn_cmdline *line, uint8_t *out)
{
	uint32_t count = 0;

	while (line->at < line->end && *line->at == '\\') {
		line->at++;
		count++;
	}
	if (line->at < line->end && *line->at == '"') {
		memset(out, '\\', count / 2);
		out += count / 2;
		if (count % 2) {
			*out++ = '"';
			line->at++;
		}
		return out;
	}
	memset(out, '\\', count);
	return out + count;
}

/* To `out`; the line is then behind the word. */
static uint8_t *unquote(struct sn_cmdline *line, uint8_t *out)
{
	bool quoted = false;

	while (line->at < line->end && (quoted || !sn_is_blank(*line->at))) {
		if (*line->at == '\\') {
			out = copy_backslashes(line, out);
		} else if (*line->at != '"') {
			*out++ = *line->at++;
		} else if (quoted && line->end - line->at > 1 && line->at[1] == '"') {
			*out++ = '"';
			line->at += 2;
		} else {
			quoted = !quoted;
			line->at++;
		}
	}
	return out;
}

/* Where a word ends that has quotes only around it: then `*inside` is what they hold. NULL: it is not so simple. */
static const uint8_t *end_of_plain(const struct sn_cmdline *line, struct sn_bytes *inside)
{
	const uint8_t *at = line->at, *close;

	if (*at != '"') {
		while (at < line->end && !ends_plain[*at])
			at++;
		*inside = (struct sn_bytes){line->at, (uint32_t)(at - line->at)};
		return at < line->end && *at == '"' ? NULL : at;
	}
	close = memchr(at + 1, '"', (size_t)(line->end - at - 1));
	if (!close || close[-1] == '\\' || (close + 1 < line->end && !sn_is_blank(close[1])))
		return NULL;
	*inside = (struct sn_bytes){at + 1, (uint32_t)(close - at - 1)};
	return close + 1;
}

bool sn_cmdline__word(struct sn_cmdline *line, struct sn_unwinder *unwinder, struct sn_word *word)
{
	const uint8_t *from, *end;
	uint8_t *room;

	skip_blanks(line);
	if (line->at >= line->end)
		return false;
	from = line->at;
	end = end_of_plain(line, &word->text);
	if (end) {
		line->at = end;
	} else {
		room = sn_unwinder__room(unwinder, (uint32_t)(line->end - from));
		if (!room) {
			line->at = line->end;
			return false;
		}
		word->text = (struct sn_bytes){room, (uint32_t)(unquote(line, room) - room)};
		unwinder->used -= (uint32_t)(line->end - from) - word->text.len;
	}
	word->before = (struct sn_bytes){from, (uint32_t)(line->at - from)};
	return true;
}

bool sn_windows__begins(struct sn_bytes text, const char *head)
{
	return sn_bytes__begins(text, (struct sn_bytes){(const uint8_t *)head, (uint32_t)strlen(head)});
}

bool sn_windows__ends(struct sn_bytes text, const char *tail)
{
	uint32_t len = (uint32_t)strlen(tail);

	return text.len >= len && sn_windows__begins(sn_bytes__behind(text, text.len - len), tail);
}

static const bool is_slash[256] = {['\\'] = true, ['/'] = true};

struct sn_bytes sn_windows__basename(struct sn_bytes path)
{
	const uint8_t *at = path.len ? path.at + path.len : path.at, *end = at;

	while (at > path.at && !is_slash[at[-1]])
		at--;
	return (struct sn_bytes){at, (uint32_t)(end - at)};
}

/* As the system that starts it looks for it: the shortest part before a blank that is a program. */
static const uint8_t *end_of_path(const struct sn_cmdline *line, const uint8_t *first)
{
	struct sn_bytes word = {line->at, (uint32_t)(first - line->at)};

	if (word.len < 3 || (word.at[1] != ':' && word.at[1] != '\\') ||
	    memchr(sn_windows__basename(word).at, '.', sn_windows__basename(word).len))
		return first;
	for (const uint8_t *at = first; at <= line->end; at++) {
		if (at < line->end && *at == '"')
			return first;
		if ((at == line->end || sn_is_blank(*at)) &&
		    sn_windows__ends((struct sn_bytes){line->at, (uint32_t)(at - line->at)}, ".exe"))
			return at;
	}
	return first;
}

struct sn_bytes sn_cmdline__program(struct sn_cmdline *line)
{
	const uint8_t *at;
	struct sn_bytes name;

	skip_blanks(line);
	at = line->at;
	if (at < line->end && *at == '"') {
		const uint8_t *close = memchr(at + 1, '"', (size_t)(line->end - at - 1));

		close = close ? close : line->end;
		name = (struct sn_bytes){at + 1, (uint32_t)(close - at - 1)};
		line->at = close + (close < line->end);
		return name;
	}
	while (at < line->end && !sn_is_blank(*at))
		at++;
	at = end_of_path(line, at);
	name = (struct sn_bytes){line->at, (uint32_t)(at - line->at)};
	line->at = at;
	return name;
}

bool sn_windows__is_one_path(struct sn_bytes text)
{
	static const char *const programs[] = {".exe", ".com", ".bat", ".cmd", ".scr", ".dll", ".cpl", ".vbs", ".ps1"};
	struct sn_bytes first = text;
	bool whole = false;

	for (first.len = 0; first.len < text.len && !sn_is_blank(text.at[first.len]);)
		first.len++;
	if (first.len == text.len)
		return true;
	if (!memchr(first.at, '\\', first.len))
		return false;
	for (uint32_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (sn_windows__ends(first, programs[i]))
			return false;
		whole = whole || sn_windows__ends(text, programs[i]);
	}
	return whole;
}

/* The name in a path, without .exe, dots and blanks behind it. */
static struct sn_bytes name_in(struct sn_bytes path)
{
	struct sn_bytes name = sn_windows__basename(path);
	const uint8_t *tail;

	while (name.len && (name.at[name.len - 1] == '.' || name.at[name.len - 1] == ' '))
		name.len--;
	if (name.len <= 4)
		return name;
	tail = name.at + name.len - 4;
	if (tail[0] == '.' && (tail[1] | 32) == 'e' && (tail[2] | 32) == 'x' && (tail[3] | 32) == 'e')
		name.len -= 4;
	return name;
}

static bool is_short(struct sn_bytes name)
{
	return name.len > 2 && name.at[name.len - 2] == '~' && name.at[name.len - 1] >= '1' &&
	       name.at[name.len - 1] <= '9';
}

/* As grammars are named; `base`: name_in of a path. */
static uint32_t copy_name(struct sn_bytes base, uint8_t *name)
{
	if (base.len > SN_GRAMMAR_NAME_MAX)
		return 0;
	for (uint32_t i = 0; i < base.len; i++)
		name[i] = sn_bytes__lower(base.at[i]);
	if (is_short(base))
		name[base.len - 1] = '1';
	return base.len;
}

uint32_t sn_windows__name(struct sn_bytes path, uint8_t *name)
{
	return copy_name(name_in(path), name);
}

const struct sn_grammar *sn_windows__find(const struct sn_grammars *grammars, struct sn_bytes path)
{
	uint8_t name[SN_GRAMMAR_NAME_MAX];
	struct sn_bytes base = name_in(path);
	uint32_t shape;

	if (!base.len || base.len > SN_GRAMMAR_NAME_MAX)
		return NULL;
	shape = sn_grammar__shape(base.len, *base.at, base.at[base.len / 2],
				  is_short(base) ? '1' : base.at[base.len - 1]);
	if (!(grammars->shapes[shape / 64] >> shape % 64 & 1))
		return NULL;
	return sn_grammars__named(grammars, name, copy_name(base, name));
}
