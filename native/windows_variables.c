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
};

struct sn_bytes sn_cmd_variable__common(struct sn_bytes name)
{
	for (uint32_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (strlen(common[i].name) == name.len && sn_windows__begins(name, common[i].name))
			return (struct sn_bytes){(const uint8_t *)common[i].value, (uint32_t)strlen(common[i].value)};
	return (struct sn_bytes){0};
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
