/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "windows_reading.h"

/* Whether `text` begins as the setting says, a * for any run; `skip`: how long that is. */
static bool fits(struct sn_bytes pattern, struct sn_bytes text, uint32_t *skip)
{
	const uint8_t *star = memchr(pattern.at, '*', pattern.len);
	struct sn_bytes tail = {0};

	if (star) {
		tail = sn_bytes__behind(pattern, (uint32_t)(star - pattern.at) + 1);
		pattern.len = (uint32_t)(star - pattern.at);
	}
	if (!sn_bytes__begins(text, pattern))
		return false;
	*skip = pattern.len;
	while (tail.len && *skip <= text.len && !sn_bytes__begins(sn_bytes__behind(text, *skip), tail))
		++*skip;
	*skip += tail.len;
	return *skip <= text.len;
}

static bool has_no_value(uint32_t what)
{
	return what == SN_GIVE_STOP || what == SN_GIVE_VALUE || what == SN_GIVE_FLAG;
}

/* Whether that sign ends a value there: KEY= follows it, or nothing does. */
static bool is_end(struct sn_bytes text, uint8_t sign)
{
	uint32_t key;

	if (!sign || *text.at != sign)
		return false;
	text = sn_bytes__behind(text, 1);
	key = sn_windows__letters(text);
	return !text.len || (key && key < text.len && text.at[key] == '=');
}

/* Without what stands around it: blanks before it and a quote that nothing closes; of @{KEY=VALUE;KEY=VALUE} and of
 * CommandLine=VALUE,KEY=VALUE the one value. */
static struct sn_bytes value_of_setting(struct sn_bytes text, uint32_t skip, uint32_t what)
{
	bool braced = sn_windows__begins(text, "@{");
	uint8_t sign = braced ? ';' : what == SN_GIVE_COMMA_WORDS || what == SN_GIVE_PROGRAM ? ',' : 0;

	text = sn_bytes__behind(text, skip);
	text.len -= braced && text.len && text.at[text.len - 1] == '}';
	for (uint32_t i = 0; sign && i < text.len; i++)
		if (is_end(sn_bytes__behind(text, i), sign))
			text.len = i;
	while (text.len > 1 && (sn_is_blank(*text.at) || (*text.at == '"' && !memchr(text.at + 1, '"', text.len - 1))))
		text = sn_bytes__behind(text, 1);
	return text;
}

bool sn_win__setting(struct sn_win_reading *r, struct sn_bytes text, bool *found)
{
	const struct sn_grammar_entry *setting = r->grammars->settings + r->grammar->settings.first;

	*found = false;
	if (text.len > 1 && *text.at == '\'' && text.at[text.len - 1] == '\'') /* '@{...}', for PowerShell */
		text = (struct sn_bytes){text.at + 1, text.len - 2};
	for (uint32_t i = 0; i < r->grammar->settings.count; i++) {
		struct sn_bytes name = {r->grammars->text + setting[i].name.off, setting[i].name.len};
		struct sn_word word = {0};
		uint32_t skip;

		if (setting[i].give == SN_GIVE_SETTING || setting[i].give == SN_GIVE_BRACED || !fits(name, text, &skip))
			continue;
		*found = true;
		word.text = value_of_setting(text, skip, setting[i].give);
		/* binPath= VALUE */
		if (!word.text.len && !has_no_value(setting[i].give) && !sn_cmdline__word(&r->line, r->unwinder, &word))
			return false;
		if (setting[i].give != SN_GIVE_FALLBACK_SCRIPT || r->instead)
			return sn_win__give(r, setting[i].give, &word);
		sn_win__give(r, setting[i].give, &word);
		r->aside = r->instead != 0;
		return false;
	}
	return false;
}
