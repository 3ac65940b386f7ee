// sources: etw_names.c etw_text.c json_write.c json.c sysmon_form.c text.c bytes.c
/* sn_etw_names: what was set against two lists that are looked through from their ends, on random operations; SIDs
 * that nobody named are asked for, each once as long as it is among the last. */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "etw_names.h"

enum { STEPS = 20000, TEXT = 400, SID_TEXT = 16 };

static const char *const froms[] = {"\\Device\\HarddiskVolume1", "\\Device\\HarddiskVolume11", "\\Device\\Harddisk",
				    "\\SystemRoot", "\\Device\\Mup\\server"};
static const char *const tails[] = {"", "\\", "\\a", "1\\a", "\\Windows\\b.exe", "x"};
enum { FROMS = sizeof(froms) / sizeof(*froms), TAILS = sizeof(tails) / sizeof(*tails), USERS = 100 };

struct set {
	char from[TEXT], to[TEXT];
};

static struct set paths[SN_ETW_PATHS_MAX], accounts[SN_ETW_ACCOUNTS_MAX];
static uint32_t path_count, account_count;
static uint64_t seed = 1;

static uint32_t below(uint32_t n)
{
	return random_below(&seed, n);
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* ---- paths ---- */

static int has_head(const char *path, const char *head)
{
	size_t i = 0;

	for (; head[i]; i++)
		if (lower((uint8_t)path[i]) != lower((uint8_t)head[i]))
			return 0;
	return !path[i] || path[i] == '\\';
}

static void named(char *out, const char *path)
{
	for (uint32_t i = path_count; i > 0; i--) {
		if (has_head(path, paths[i - 1].from)) {
			snprintf(out, TEXT, "%s%s", paths[i - 1].to, path + strlen(paths[i - 1].from));
			return;
		}
	}
	snprintf(out, TEXT, "%s%s", has_head(path, "\\Device\\Mup") ? "\\" : "",
		 path + (has_head(path, "\\Device\\Mup") ? strlen("\\Device\\Mup") : 0));
}

static void set_path(struct sn_etw_names *names)
{
	struct set set;
	int rc;

	snprintf(set.from, TEXT, "%s", froms[below(FROMS)]);
	snprintf(set.to, TEXT, "%c:\\\"%u\xc3\xa9", 'A' + below(26), below(1000));
	rc = sn_etw_names__set_path(names, set.from, set.to);
	CHECK(rc == (path_count == SN_ETW_PATHS_MAX ? -ENOSPC : 0));
	if (!rc)
		paths[path_count++] = set;
}

static void ask_path(const struct sn_etw_names *names)
{
	char path[TEXT], wanted[TEXT], got[TEXT];
	uint8_t wide[2 * TEXT];
	struct sn_etw_path found;
	uint32_t len;

	snprintf(path, TEXT, "%s%s", froms[below(FROMS)], tails[below(TAILS)]);
	for (uint32_t i = 0; path[i]; i++) {
		path[i] = below(2) ? path[i] : (char)lower((uint8_t)path[i]);
		wide[2 * i] = (uint8_t)path[i];
		wide[2 * i + 1] = 0;
	}
	found = sn_etw_names__path(names, (struct sn_bytes){wide, 2 * (uint32_t)strlen(path)});
	memcpy(got, found.head.at, found.head.len);
	len = found.head.len + sn_etw__utf8((uint8_t *)got + found.head.len, found.rest);
	named(wanted, path);
	CHECK(len == strlen(wanted) && memcmp(got, wanted, len) == 0);
}

/* ---- accounts ---- */

static uint32_t sid_of(uint8_t sid[12], char text[TEXT])
{
	uint8_t last = (uint8_t)below(USERS);

	memcpy(sid, (uint8_t[]){1, 1, 0, 0, 0, 0, 0, 5, last, 0, 0, 0}, 12);
	snprintf(text, TEXT, "S-1-5-%u", last);
	return last;
}

static const char *account_of(const char *sid)
{
	for (uint32_t i = account_count; i > 0; i--)
		if (strcmp(accounts[i - 1].from, sid) == 0)
			return accounts[i - 1].to;
	return NULL;
}

static void set_account(struct sn_etw_names *names)
{
	struct set set;
	uint8_t sid[12];
	int rc;

	sid_of(sid, set.from);
	snprintf(set.to, TEXT, "CORP\\user%u", below(1000));
	rc = sn_etw_names__set_account(names, set.from, set.to);
	CHECK(rc == (account_count == SN_ETW_ACCOUNTS_MAX ? -ENOSPC : 0));
	if (!rc)
		accounts[account_count++] = set;
}

/* Who is asked for, first first; those that were are known as long as they are among the last 64. */
static char asked[STEPS][SID_TEXT];
static uint32_t asks, taken;

static int is_asked(const char *sid)
{
	for (uint32_t i = asks > SN_ETW_UNKNOWN_MAX ? asks - SN_ETW_UNKNOWN_MAX : 0; i < asks; i++)
		if (strcmp(asked[i], sid) == 0)
			return 1;
	return 0;
}

static void ask_account(struct sn_etw_names *names)
{
	char text[TEXT];
	const char *wanted;
	struct sn_bytes got;
	uint8_t sid[12];

	sid_of(sid, text);
	wanted = account_of(text);
	got = sn_etw_names__account(names, (struct sn_bytes){sid, sizeof(sid)});
	CHECK(got.len == (wanted ? strlen(wanted) : 0) && (!wanted || memcmp(got.at, wanted, got.len) == 0));
	if (!wanted && !is_asked(text) && asks - taken < SN_ETW_UNKNOWN_MAX)
		memcpy(asked[asks++], text, SID_TEXT);
}

static void take_unknown(struct sn_etw_names *names)
{
	char text[TEXT];
	int64_t n = sn_etw_names__unknown(names, text, sizeof(text));

	CHECK(n == (taken == asks ? 0 : (int64_t)strlen(asked[taken]) + 1));
	if (n)
		CHECK(strcmp(text, asked[taken++]) == 0);
}

int main(void)
{
	struct sn_etw_names *names = sn_etw_names__new();
	static char long_name[SN_ETW_NAME_MAX + 2];

	CHECK(names);
	while (account_count < 3) { /* those that every Windows has */
		static const char *const known[] = {"S-1-5-18", "NT AUTHORITY\\SYSTEM",
						    "S-1-5-19", "NT AUTHORITY\\LOCAL SERVICE",
						    "S-1-5-20", "NT AUTHORITY\\NETWORK SERVICE"};
		struct set *set = &accounts[account_count];

		snprintf(set->from, TEXT, "%s", known[2 * account_count]);
		snprintf(set->to, TEXT, "%s", known[2 * account_count++ + 1]);
	}
	memset(long_name, 'x', SN_ETW_NAME_MAX + 1);
	CHECK(sn_etw_names__set_path(names, "\\a", long_name) == -EINVAL);
	CHECK(sn_etw_names__set_path(names, "", "C:") == -EINVAL);
	CHECK(sn_etw_names__set_account(names, "S-1-5-1", "") == -EINVAL);
	CHECK(sn_etw_names__set_account(names, long_name, "x") == -EINVAL);
	for (uint32_t step = 0; step < STEPS; step++) {
		uint32_t what = below(1000);

		if (what < 10)
			set_path(names);
		else if (what < 60)
			set_account(names);
		else if (what < 400)
			ask_path(names);
		else if (what < 800)
			ask_account(names);
		else
			take_unknown(names);
	}
	CHECK(path_count == SN_ETW_PATHS_MAX && account_count > USERS && asks > 3);
	sn_etw_names__free(names);
	return 0;
}
