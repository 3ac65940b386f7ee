/* SPDX-License-Identifier: Apache-2.0
 *
 * Files, addresses, classes and functions of libraries that a word names.
 */
#include <string.h>

#include "reading.h"
#include "windows_reading.h"

enum { SCHEME_MAX = 24 }; /* bytes of a scheme */

/* What a file is by the end of its name. */
static const struct {
	const char *tail; /* behind the last dot */
	uint32_t kind;
} tails[] = {
	{"js", SN_PAYLOAD_SCRIPT_FILE},
	{"py", SN_PAYLOAD_SCRIPT_FILE},
	{"ax", SN_PAYLOAD_LIBRARY},
	{"exe", SN_PAYLOAD_COMMAND},
	{"com", SN_PAYLOAD_COMMAND},
	{"scr", SN_PAYLOAD_COMMAND},
	{"pif", SN_PAYLOAD_COMMAND},
	{"bat", SN_PAYLOAD_COMMAND},
	{"cmd", SN_PAYLOAD_COMMAND},
	{"dll", SN_PAYLOAD_LIBRARY},
	{"cpl", SN_PAYLOAD_LIBRARY},
	{"ocx", SN_PAYLOAD_LIBRARY},
	{"drv", SN_PAYLOAD_LIBRARY},
	{"vbs", SN_PAYLOAD_SCRIPT_FILE},
	{"vbe", SN_PAYLOAD_SCRIPT_FILE},
	{"jse", SN_PAYLOAD_SCRIPT_FILE},
	{"wsf", SN_PAYLOAD_SCRIPT_FILE},
	{"wsh", SN_PAYLOAD_SCRIPT_FILE},
	{"wsc", SN_PAYLOAD_SCRIPT_FILE},
	{"sct", SN_PAYLOAD_SCRIPT_FILE},
	{"hta", SN_PAYLOAD_SCRIPT_FILE},
	{"ps1", SN_PAYLOAD_SCRIPT_FILE},
	{"inf", SN_PAYLOAD_SCRIPT_FILE},
	{"msi", SN_PAYLOAD_SCRIPT_FILE},
	{"msp", SN_PAYLOAD_SCRIPT_FILE},
	{"mst", SN_PAYLOAD_SCRIPT_FILE},
	{"msc", SN_PAYLOAD_SCRIPT_FILE},
	{"chm", SN_PAYLOAD_SCRIPT_FILE},
	{"xsl", SN_PAYLOAD_SCRIPT_FILE},
	{"url", SN_PAYLOAD_SCRIPT_FILE},
	{"lnk", SN_PAYLOAD_SCRIPT_FILE},
	{"jar", SN_PAYLOAD_SCRIPT_FILE},
	{"reg", SN_PAYLOAD_SCRIPT_FILE},
	{"iqy", SN_PAYLOAD_SCRIPT_FILE},
	{"psm1", SN_PAYLOAD_SCRIPT_FILE},
	{"xbap", SN_PAYLOAD_SCRIPT_FILE},
	{"diagcab", SN_PAYLOAD_SCRIPT_FILE},
	{"library-ms", SN_PAYLOAD_SCRIPT_FILE},
	{"appref-ms", SN_PAYLOAD_SCRIPT_FILE},
	{"application", SN_PAYLOAD_SCRIPT_FILE},
	{"search-ms", SN_PAYLOAD_SCRIPT_FILE},
	{"settingcontent-ms", SN_PAYLOAD_SCRIPT_FILE},
};

/* NONE: the name does not tell. */
static uint32_t kind_by_name(struct sn_bytes path)
{
	uint32_t at = path.len, len;

	while (at && path.at[at - 1] != '.' && path.at[at - 1] != '\\' && path.at[at - 1] != '/')
		at--;
	len = path.len - at;
	if (!at || !len || path.at[at - 1] != '.')
		return SN_PAYLOAD_NONE;
	for (uint32_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++)
		if (*tails[i].tail == sn_bytes__lower(path.at[at]) && strlen(tails[i].tail) == len &&
		    sn_windows__begins(sn_bytes__behind(path, at), tails[i].tail))
			return tails[i].kind;
	return SN_PAYLOAD_NONE;
}

bool sn_win__ends(struct sn_win_reading *r, uint32_t kind, struct sn_bytes *member, struct sn_bytes value)
{
	if (!value.len)
		return false;
	r->found.outcome = SN_WIN_ENDED;
	r->found.kind = kind;
	*member = value;
	return true;
}

struct sn_bytes sn_win__from(const struct sn_win_reading *r, const struct sn_word *word)
{
	if (!word->before.len)
		return word->text;
	return (struct sn_bytes){word->before.at, (uint32_t)(r->line.end - word->before.at)};
}

/* ---- what a file or an address is ---- */

/* Whether it may begin with a scheme: not with a drive, nor a name. */
static bool has_scheme(struct sn_bytes text)
{
	return text.len > 2 && memchr(text.at + 2, ':', text.len - 2 < SCHEME_MAX ? text.len - 2 : SCHEME_MAX);
}

static bool is_script_text(struct sn_bytes text)
{
	return sn_windows__begins(text, "javascript:") || sn_windows__begins(text, "vbscript:") ||
	       sn_windows__begins(text, "about:<") || sn_windows__begins(text, "about:\\");
}

/* SCHEME://, or one of the schemes of Windows' own without the slashes. */
static bool is_address(struct sn_bytes text)
{
	uint32_t at = 0;

	while (at < text.len && ((text.at[at] | 32) >= 'a' || strchr("0123456789+-.", text.at[at])) &&
	       text.at[at] < 127 && text.at[at] != '\\')
		at++;
	if (at < 2 || at >= text.len || text.at[at] != ':')
		return false;
	return sn_windows__begins(sn_bytes__behind(text, at), "://") ||
	       sn_windows__begins(sn_bytes__behind(text, at), ":\\\\") || sn_windows__begins(text, "ms-") ||
	       sn_windows__begins(text, "search-ms:") || sn_windows__begins(text, "search:");
}

/* mailto:WHOM, which a program that is set up for it opens; not a.txt:STREAM. */
static bool is_for_protocol(struct sn_bytes text)
{
	uint32_t at = sn_windows__letters(text);

	return at > 1 && at < text.len && text.at[at] == ':' && !memchr(text.at, '\\', text.len);
}

/* {8 hexadecimal digits-...}, perhaps behind ::, shell: and the like. */
static bool is_class(struct sn_bytes text)
{
	const uint8_t *open = text.len ? memchr(text.at, '{', text.len) : NULL;
	uint32_t at = open ? (uint32_t)(open - text.at) : 0;

	if (!open || text.len - at < 38 || text.at[at + 37] != '}' || (at && text.at[at - 1] != ':'))
		return false;
	for (uint32_t i = 1; i < 37; i++)
		if (!strchr("0123456789abcdefABCDEF-", text.at[at + i]))
			return false;
	return true;
}

/* HOST/PATH, what stands behind file://. */
static bool is_on_host(struct sn_bytes text)
{
	bool named = text.len > 1 && text.at[1] != ':' &&
		     ((text.at[0] | 32) >= 'a' ? (text.at[0] | 32) <= 'z' : text.at[0] >= '0' && text.at[0] <= '9');

	return named && (memchr(text.at, '/', text.len) || memchr(text.at, '\\', text.len));
}

/* Without what says how to open it: script:, scriptlet:, file:///; file://HOST/PATH as //HOST/PATH. */
static struct sn_bytes without_scheme(struct sn_bytes text)
{
	static const struct {
		const char *name;
		bool names_host; /* by what follows its slashes, which are part of the path then */
	} schemes[] = {{"script:", false}, {"scriptlet:", false}, {"file:///", false}, {"file://", true},
		       {"file:", false},   {"ms-its:", false},	  {"its:", false},     {"mk:@MSITStore:", false}};

	for (uint32_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		uint32_t len = (uint32_t)strlen(schemes[i].name);

		if (!sn_windows__begins(text, schemes[i].name))
			continue;
		if (schemes[i].names_host && is_on_host(sn_bytes__behind(text, len)))
			len -= 2;
		text = sn_bytes__behind(text, len);
	}
	return text;
}

static uint32_t kind_of_path(struct sn_bytes path, uint32_t base)
{
	uint32_t kind = kind_by_name(path);

	return kind ? kind : base;
}

uint32_t sn_win__kind_of_command(struct sn_bytes path)
{
	return has_scheme(path) && is_address(path) ? SN_PAYLOAD_FROM_URL : kind_of_path(path, SN_PAYLOAD_COMMAND);
}

/* A library's path without what is for the library: x.cpl,@0 and x.dll,,{...} and Driver=x.dll|APILevel=2. */
static struct sn_bytes without_tail(struct sn_bytes path)
{
	const uint8_t *bar = path.len ? memchr(path.at, '|', path.len) : NULL;
	uint32_t at = path.len;

	if (bar)
		path.len = (uint32_t)(bar - path.at);
	for (uint32_t i = 0; i < path.len; i++)
		if (path.at[i] == ',' && kind_by_name((struct sn_bytes){path.at, i}))
			path.len = i;
	while (at && (strchr("@,- ", path.at[at - 1]) || (path.at[at - 1] >= '0' && path.at[at - 1] <= '9')))
		at--;
	for (uint32_t i = at; i < path.len; i++)
		if (path.at[i] == ',') {
			path.len = i;
			break;
		}
	return path;
}

/* file://^C^:^/x, as it was typed for cmd.exe. */
static struct sn_bytes without_carets(struct sn_win_reading *r, struct sn_bytes text)
{
	uint8_t *room = sn_windows__begins(text, "file:") && memchr(text.at, '^', text.len)
				? sn_unwinder__room(r->unwinder, text.len)
				: NULL;
	uint32_t len = 0;

	if (!room)
		return text;
	for (uint32_t i = 0; i < text.len; i++)
		if (text.at[i] != '^')
			room[len++] = text.at[i];
	return (struct sn_bytes){room, len};
}

bool sn_win__give_file(struct sn_win_reading *r, uint32_t base, const struct sn_word *word)
{
	struct sn_bytes text = word->text, path;
	uint32_t kind;
	bool schemed;

	while (text.len && sn_is_blank(*text.at)) /* "  vbscript:..." */
		text = sn_bytes__behind(text, 1);
	schemed = has_scheme(text);
	path = schemed ? without_scheme(without_carets(r, text)) : text;
	if (schemed && is_script_text(text))
		return sn_win__ends(r, SN_PAYLOAD_INLINE_SCRIPT, &r->found.text, sn_win__from(r, word));
	if (is_class(path))
		return base == SN_PAYLOAD_NONE && sn_win__ends(r, SN_PAYLOAD_COM, &r->found.text, path);
	if (schemed && is_address(path))
		return sn_win__ends(r, SN_PAYLOAD_FROM_URL, &r->found.url, path);
	if (schemed && base == SN_PAYLOAD_NONE && is_for_protocol(path))
		return false;
	if (base == SN_PAYLOAD_LIBRARY || base == SN_PAYLOAD_NONE)
		path = without_tail(path);
	kind = kind_of_path(path, base);
	if (!kind || !path.len || *path.at == '{')
		return false;
	if (kind == SN_PAYLOAD_SCRIPT_FILE && word->before.len) {
		r->found.text = sn_win__from(r, word);
		r->found.behind = sn_cmdline__rest(r->line);
	}
	return sn_win__ends(r, kind, &r->found.path, path);
}

/* ---- rundll32 ---- */

/* The part up to a comma or a blank that is not quoted, which `line` is then behind. */
static struct sn_bytes part(struct sn_cmdline *line)
{
	bool quoted = line->at < line->end && *line->at == '"';
	struct sn_bytes text = {line->at + quoted, 0};

	while (text.at + text.len < line->end &&
	       (quoted ? text.at[text.len] != '"' : !sn_is_blank(text.at[text.len]) && text.at[text.len] != ','))
		text.len++;
	line->at = text.at + text.len;
	line->at += quoted && line->at < line->end;
	return text;
}

/* #+44, #-65492 and #65580 are #44: what stands there is read as a number of 16 bits. */
static uint32_t put_ordinal(struct sn_bytes function, uint8_t *small)
{
	uint32_t at = 1, number = 0, len = 1, digits = 10000;
	bool minus = function.len > 1 && function.at[1] == '-';

	at += function.len > 1 && (minus || function.at[1] == '+');
	for (; at < function.len && function.at[at] >= '0' && function.at[at] <= '9'; at++)
		number = number * 10 + (function.at[at] - '0');
	number = (minus ? 0 - number : number) & 0xffff;
	small[0] = '#';
	while (digits > 1 && digits > number)
		digits /= 10;
	for (; digits; digits /= 10)
		small[len++] = (uint8_t)('0' + number / digits % 10);
	return len;
}

static void find_function(struct sn_win_reading *r, struct sn_bytes library, struct sn_bytes function)
{
	uint8_t room[SN_GRAMMAR_NAME_MAX + 4], small[SN_GRAMMAR_NAME_MAX];
	uint32_t len = sn_windows__name(library, room);
	const struct sn_grammar *grammar = sn_grammars__named(r->grammars, room, len);

	if (!len || function.len > sizeof(small))
		return;
	if (!grammar) {
		memcpy(room + len, ".dll", 4);
		grammar = sn_grammars__named(r->grammars, room, len + 4);
	}
	if (*function.at == '#')
		function.len = put_ordinal(function, small);
	else
		for (uint32_t i = 0; i < function.len; i++)
			small[i] = sn_bytes__lower(function.at[i]);
	if (!grammar)
		return;
	r->found.link = sn_win__sub(r->grammars, grammar, (struct sn_bytes){small, function.len});
	if (!r->found.link && (small[function.len - 1] == 'w' || small[function.len - 1] == 'a')) /* its two forms */
		r->found.link = sn_win__sub(r->grammars, grammar, (struct sn_bytes){small, function.len - 1});
}

bool sn_win__give_export(struct sn_win_reading *r, const struct sn_word *word)
{
	struct sn_bytes whole = sn_win__from(r, word), library, function;
	struct sn_cmdline line = sn_cmdline__of(whole);

	if (is_script_text(word->text))
		return sn_win__ends(r, SN_PAYLOAD_INLINE_SCRIPT, &r->found.text, whole);
	library = part(&line);
	if (library.len && *whole.at == '"' && !(line.at < line.end && *line.at == ',') &&
	    memchr(library.at, ',', library.len)) { /* "x.dll,Function" */
		struct sn_cmdline inside = sn_cmdline__of(library);

		library = part(&inside);
		inside.at += inside.at < inside.end;
		function = part(&inside);
	} else {
		while (line.at < line.end && (sn_is_blank(*line.at) || *line.at == ','))
			line.at++;
		function = part(&line);
	}
	if (!library.len || !function.len)
		return false;
	r->found.text = whole;
	r->found.behind = sn_cmdline__rest(line);
	if (r->found.behind.len && *r->found.behind.at == ',')
		r->found.behind = sn_bytes__behind(r->found.behind, 1);
	find_function(r, library, function);
	return sn_win__ends(r, SN_PAYLOAD_EXPORT, &r->found.path, library);
}

bool sn_win__give_class(struct sn_win_reading *r, const struct sn_word *word)
{
	return is_class(word->text) && sn_win__ends(r, SN_PAYLOAD_COM, &r->found.text, word->text);
}
