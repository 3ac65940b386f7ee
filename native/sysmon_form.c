/* SPDX-License-Identifier: Apache-2.0
 *
 * Roots of keys as Sysmon's documentation lists them; words from Microsoft's pages of the audit events 4657, 4688 and
 * 5156, and from msobjs.dll's messages; forms of data as events 13 have them.
 */
#include "sysmon_form.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *field, *from, *to;
} words[] = {
	{"Initiated", "%%14593", "true"},
	{"Initiated", "Outbound", "true"},
	{"Initiated", "%%14592", "false"},
	{"Initiated", "Inbound", "false"},
	{"Protocol", "6", "tcp"},
	{"Protocol", "17", "udp"},
	{"IntegrityLevel", "S-1-16-0", "Untrusted"},
	{"IntegrityLevel", "S-1-16-4096", "Low"},
	{"IntegrityLevel", "S-1-16-8192", "Medium"},
	{"IntegrityLevel", "S-1-16-12288", "High"},
	{"IntegrityLevel", "S-1-16-16384", "System"},
	{"EventType", "%%1904", "SetValue"},
	{"EventType", "%%1905", "SetValue"},
	{"EventType", "%%1906", "DeleteValue"},
	{"User", "S-1-5-18", "NT AUTHORITY\\SYSTEM"},
	{"User", "S-1-5-19", "NT AUTHORITY\\LOCAL SERVICE"},
	{"User", "S-1-5-20", "NT AUTHORITY\\NETWORK SERVICE"},
};

/* # is a digit; what comes first goes before. */
static const struct {
	const char *prefix, *to;
} roots[] = {
	{"\\REGISTRY\\MACHINE\\SOFTWARE\\CLASSES", "HKCR"},
	{"\\REGISTRY\\MACHINE\\SYSTEM\\CONTROLSET###", "HKLM\\System\\CurrentControlSet"},
	{"\\REGISTRY\\MACHINE\\SYSTEM\\CURRENTCONTROLSET", "HKLM\\System\\CurrentControlSet"},
	{"\\REGISTRY\\MACHINE", "HKLM"},
	{"\\REGISTRY\\USER", "HKU"},
};

static int is_text(const char *text, size_t len, const char *known)
{
	return strlen(known) == len && memcmp(known, text, len) == 0;
}

int sn_sysmon__is_none(enum sn_how how, const char *text, size_t len)
{
	if (how == SN_HOW_KEY || how == SN_HOW_DATA)
		return 0;
	return is_text(text, len, "-") || (how == SN_HOW_COPY && is_text(text, len, "0x0"));
}

const char *sn_sysmon__word(const char *field, const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (is_text(text, len, words[i].from) && strcmp(words[i].field, field) == 0)
			return words[i].to;
	return NULL;
}

/* ---- keys ---- */

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* The bytes of the text that are `prefix`, as whole components of a path; 0: it begins otherwise. */
static size_t begins(const char *text, size_t len, const char *prefix, size_t backslash)
{
	size_t at = 0;

	for (; *prefix; prefix++) {
		size_t step = *prefix == '\\' ? backslash : 1;

		if (len - at < step)
			return 0;
		if (*prefix == '#' ? text[at] < '0' || text[at] > '9' : upper(text[at]) != *prefix)
			return 0;
		at += step;
	}
	return at == len || text[at] == '\\' ? at : 0;
}

static char *put(char *out, const char *text, size_t len)
{
	memcpy(out, text, len);
	return out + len;
}

static char *put_name(char *out, const char *name, size_t backslash)
{
	for (; *name; name++) {
		*out++ = *name;
		if (*name == '\\' && backslash == 2)
			*out++ = '\\';
	}
	return out;
}

/* The end of the next component. */
static size_t component(const char *text, size_t len, size_t at)
{
	while (at < len && text[at] != '\\')
		at++;
	return at;
}

size_t sn_sysmon__key(char *out, const char *text, size_t len, size_t backslash)
{
	static const char classes[] = "\\SOFTWARE\\CLASSES", user[] = "HKU";
	size_t at = 0, sid, more;
	char *to = out;

	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots) && !at; i++) {
		at = begins(text, len, roots[i].prefix, backslash);
		if (!at)
			continue;
		to = put_name(to, roots[i].to, backslash);
		if (strcmp(roots[i].to, user) != 0 || at == len)
			break;
		/* a user's classes are a hive of their own, which a link in the user's leads to */
		sid = component(text, len, at + backslash);
		more = begins(text + sid, len - sid, classes, backslash);
		if (!more)
			break;
		to = put(to, text + at, sid - at);
		to = put(to, "_Classes", strlen("_Classes"));
		at = sid + more;
	}
	return (size_t)(put(to, text + at, len - at) - out);
}

/* ---- data ---- */

enum type { NONE, SZ, EXPAND_SZ, BINARY, DWORD, QWORD = 11, TYPES }; /* winnt.h; those between are lists and the like */

/* Decimal, or behind 0x hexadecimal. */
static int read_number(const char *text, size_t len, uint64_t *number)
{
	uint32_t base = len > 2 && text[0] == '0' && text[1] == 'x' ? 16 : 10;

	*number = 0;
	for (size_t i = base == 16 ? 2 : 0; i < len; i++) {
		char c = upper(text[i]);
		uint32_t digit = c >= 'A' ? (uint32_t)(c - 'A') + 10 : (uint32_t)(c - '0');

		if (c < '0' || digit >= base || *number > (UINT64_MAX - digit) / base)
			return 0;
		*number = *number * base + digit;
	}
	return len != 0;
}

/* %%1872 and what follows it, in winnt.h's order, or its name; TYPES: it is none. */
static enum type type_of(const char *type, size_t len)
{
	static const char *const names[] = {
		[NONE] = "REG_NONE",	 [SZ] = "REG_SZ",	[EXPAND_SZ] = "REG_EXPAND_SZ",
		[BINARY] = "REG_BINARY", [DWORD] = "REG_DWORD", [QWORD] = "REG_QWORD"};
	const uint64_t first = 1872;
	uint64_t number;

	if (len > 2 && memcmp(type, "%%", 2) == 0 && read_number(type + 2, len - 2, &number) && number >= first)
		return number - first < TYPES ? (enum type)(number - first) : TYPES;
	for (int i = NONE; i < TYPES; i++)
		if (names[i] && is_text(type, len, names[i]))
			return (enum type)i;
	return len > 4 && memcmp(type, "REG_", 4) == 0 ? BINARY : TYPES;
}

size_t sn_sysmon__number(char out[SN_SYSMON_DETAILS_MAX], uint64_t number, int is_64)
{
	if (is_64)
		return (size_t)snprintf(out, SN_SYSMON_DETAILS_MAX, "QWORD (0x%08x-0x%08x)", (uint32_t)(number >> 32),
					(uint32_t)number);
	return (size_t)snprintf(out, SN_SYSMON_DETAILS_MAX, "DWORD (0x%08x)", (uint32_t)number);
}

size_t sn_sysmon__details(char out[SN_SYSMON_DETAILS_MAX], const char *type, size_t type_len, const char *text,
			  size_t len)
{
	enum type is = type_of(type, type_len);
	const char *word = SN_SYSMON_BINARY;
	uint64_t number;

	if (is == TYPES)
		return 0;
	if (is == DWORD || is == QWORD) {
		if (!read_number(text, len, &number) || (is == DWORD && number > UINT32_MAX))
			return 0;
		return sn_sysmon__number(out, number, is == QWORD);
	}
	if (is == SZ || is == EXPAND_SZ) {
		if (len)
			return 0;
		word = SN_SYSMON_EMPTY;
	}
	memcpy(out, word, strlen(word));
	return strlen(word);
}
