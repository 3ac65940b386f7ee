/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_variables.h"

#include <string.h>

/* Values that they have on every machine that nobody has set up in another way. */
static const struct {
	const char *name, *value;
} common[] = {
	{"comspec", "C:\\Windows\\System32\\cmd.exe"},
	{"systemroot", "C:\\Windows"},
	{"windir", "C:\\Windows"},
	{"systemdrive", "C:"},
	{"programfiles", "C:\\Program Files"},
	{"programfiles(x86)", "C:\\Program Files (x86)"},
	{"programdata", "C:\\ProgramData"},
	{"allusersprofile", "C:\\ProgramData"},
	{"public", "C:\\Users\\Public"},
	{"commonprogramfiles", "C:\\Program Files\\Common Files"},
	{"os", "Windows_NT"},
	{"pathext", ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC"},
};

struct sn_bytes sn_cmd_variable__common(struct sn_bytes name)
{
	for (uint32_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (strlen(common[i].name) == name.len && sn_windows__begins(name, common[i].name))
			return (struct sn_bytes){(const uint8_t *)common[i].value, (uint32_t)strlen(common[i].value)};
	return (struct sn_bytes){0};
}

/* A whole number, which `text` is then behind. */
static bool take_number(struct sn_bytes *text, int32_t *number)
{
	enum { MOST = 9999 };
	bool minus = text->len && *text->at == '-';
	uint32_t digits = 0;

	if (minus)
		*text = sn_bytes__behind(*text, 1);
	for (*number = 0; text->len && *text->at >= '0' && *text->at <= '9' && *number <= MOST; digits++) {
		*number = *number * 10 + (*text->at - '0');
		*text = sn_bytes__behind(*text, 1);
	}
	if (minus)
		*number = -*number;
	return digits > 0;
}

static int32_t between(int32_t number, int32_t most)
{
	return number < 0 ? 0 : number > most ? most : number;
}

/* FROM, or FROM,LENGTH; either counts from the end where it is below zero. */
static bool take_part(struct sn_bytes how, struct sn_bytes *value)
{
	int32_t len = (int32_t)value->len, from, count = len;

	if (!take_number(&how, &from))
		return false;
	from = between(from < 0 ? len + from : from, len);
	if (how.len && *how.at == ',') {
		how = sn_bytes__behind(how, 1);
		if (!take_number(&how, &count))
			return false;
	}
	count = count < 0 ? between(len + count, len) - from : count;
	*value = sn_bytes__behind(*value, (uint32_t)from);
	value->len = (uint32_t)between(count, (int32_t)value->len);
	return how.len == 0;
}

static uint32_t put_text(struct sn_bytes text, uint8_t *out, size_t room)
{
	if (text.len > room)
		return SN_VARIABLE_NONE;
	if (text.len)
		memcpy(out, text.at, text.len);
	return text.len;
}

/* With `with` in place of each `what`; `*what`: of all up to the first. */
static uint32_t put_replaced(struct sn_bytes value, struct sn_bytes what, struct sn_bytes with, uint8_t *out,
			     size_t room)
{
	bool first = what.len > 1 && *what.at == '*', done = false;
	uint32_t used = 0;

	what = sn_bytes__behind(what, first);
	for (uint32_t i = 0; first && i < value.len; i++)
		if (sn_bytes__begins(sn_bytes__behind(value, i), what)) {
			value = sn_bytes__behind(value, i);
			break;
		}
	while (value.len) {
		bool here = !(first && done) && sn_bytes__begins(value, what);
		struct sn_bytes next = here ? with : (struct sn_bytes){value.at, 1};

		if (put_text(next, out + used, room - used) == SN_VARIABLE_NONE)
			return SN_VARIABLE_NONE;
		used += next.len;
		done = done || here;
		value = sn_bytes__behind(value, here ? what.len : 1);
	}
	return used;
}

uint32_t sn_cmd_variable__put(struct sn_bytes value, struct sn_bytes how, uint8_t *out, size_t room)
{
	const uint8_t *sign = how.len ? memchr(how.at + (how.len > 1), '=', how.len - (how.len > 1)) : NULL;
	struct sn_bytes what;

	if (!how.len)
		return put_text(value, out, room);
	if (*how.at == '~')
		return take_part(sn_bytes__behind(how, 1), &value) ? put_text(value, out, room) : SN_VARIABLE_NONE;
	if (!sign || sign == how.at)
		return SN_VARIABLE_NONE;
	what = (struct sn_bytes){how.at, (uint32_t)(sign - how.at)};
	return put_replaced(value, what, sn_bytes__behind(how, what.len + 1), out, room);
}

struct sn_bytes sn_cmd_variables__own(const struct sn_cmd_variables *variables, struct sn_bytes name)
{
	for (uint32_t i = variables->count; i--;)
		if (variables->own[i].name.len == name.len && sn_bytes__begins(name, variables->own[i].name))
			return variables->own[i].value;
	return (struct sn_bytes){0};
}

void sn_cmd_variables__set(struct sn_cmd_variables *variables, struct sn_bytes command)
{
	struct sn_bytes rest = sn_bytes__behind(command, (uint32_t)strlen("set")), name;
	const uint8_t *sign;

	while (rest.len && sn_is_blank(*rest.at))
		rest = sn_bytes__behind(rest, 1);
	if (rest.len && *rest.at == '"') { /* what stands behind the last quote is left out */
		rest = sn_bytes__behind(rest, 1);
		while (rest.len && rest.at[rest.len - 1] != '"')
			rest.len--;
		rest.len -= rest.len != 0;
	}
	sign = rest.len ? memchr(rest.at, '=', rest.len) : NULL;
	/* /a and /p are worked out and asked for */
	if (!sign || *rest.at == '/' || variables->count == SN_CMD_VARIABLES)
		return;
	name = (struct sn_bytes){rest.at, (uint32_t)(sign - rest.at)};
	if (!name.len || name.len > SN_VARIABLE_MAX)
		return;
	variables->own[variables->count].name = name;
	variables->own[variables->count++].value = sn_bytes__behind(rest, name.len + 1);
}
