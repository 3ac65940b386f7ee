/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_names.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "sysmon_form.h"

enum { SID_BYTES = 8 + 4 * 15, LAST = 16 };

struct path {
	uint32_t from_len, to_len;
	char from[64];
	uint8_t to[SN_ETW_NAME_MAX];
};

struct account {
	uint32_t sid_len, name_len;
	char sid[SN_ETW_SID_MAX];
	uint8_t name[SN_ETW_NAME_MAX];
};

/* Who was asked for. */
struct last {
	uint8_t sid[SID_BYTES];
	uint32_t sid_len, accounts, asked; /* among how many, before how many more were asked for */
	struct sn_bytes name;
};

struct sn_etw_names {
	_Atomic uint32_t paths, accounts; /* how many are whole */
	struct path path[SN_ETW_PATHS_MAX];
	struct account account[SN_ETW_ACCOUNTS_MAX];
	struct last last[LAST];	  /* the reader of events' alone: by a SID's last number */
	_Atomic uint64_t refused; /* by the thread that sets */
	/* asked for: the reader of events writes, the other thread takes */
	_Atomic uint32_t asked, taken;
	char unknown[SN_ETW_UNKNOWN_MAX][SN_ETW_SID_MAX];
};

/* Accounts that every Windows has. */
static const char *const known[] = {"S-1-5-18", "S-1-5-19", "S-1-5-20"};

struct sn_etw_names *sn_etw_names__new(void)
{
	struct sn_etw_names *names = calloc(1, sizeof(*names));

	for (size_t i = 0; names && i < sizeof(known) / sizeof(*known); i++)
		sn_etw_names__set_account(names, known[i], sn_sysmon__word("User", known[i], strlen(known[i])));
	return names;
}

void sn_etw_names__free(struct sn_etw_names *names)
{
	free(names);
}

/* Its bytes, 0: too long or empty. */
static uint32_t put_name(uint8_t *to, const char *name)
{
	size_t len = strlen(name);

	if (len > SN_ETW_NAME_MAX)
		return 0;
	memcpy(to, name, len);
	return (uint32_t)len;
}

static int set_path(struct sn_etw_names *names, const char *from, const char *to)
{
	uint32_t count = atomic_load_explicit(&names->paths, memory_order_relaxed);
	size_t len = strlen(from);
	struct path *path;

	if (count == SN_ETW_PATHS_MAX)
		return -ENOSPC;
	path = &names->path[count];
	path->to_len = put_name(path->to, to);
	if (!len || len > sizeof(path->from) || !path->to_len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		path->from[i] = (char)sn_bytes__lower((uint8_t)from[i]);
	path->from_len = (uint32_t)len;
	atomic_store_explicit(&names->paths, count + 1, memory_order_release);
	return 0;
}

static int set_account(struct sn_etw_names *names, const char *sid, const char *name)
{
	uint32_t count = atomic_load_explicit(&names->accounts, memory_order_relaxed);
	size_t len = strlen(sid);
	struct account *account;

	if (count == SN_ETW_ACCOUNTS_MAX)
		return -ENOSPC;
	account = &names->account[count];
	account->name_len = put_name(account->name, name);
	if (!len || len >= sizeof(account->sid) || !account->name_len)
		return -EINVAL;
	memcpy(account->sid, sid, len);
	account->sid_len = (uint32_t)len;
	atomic_store_explicit(&names->accounts, count + 1, memory_order_release);
	return 0;
}

static int counted(struct sn_etw_names *names, int rc)
{
	if (rc)
		atomic_fetch_add_explicit(&names->refused, 1, memory_order_relaxed);
	return rc;
}

int sn_etw_names__set_path(struct sn_etw_names *names, const char *from, const char *to)
{
	return counted(names, set_path(names, from, to));
}

int sn_etw_names__set_account(struct sn_etw_names *names, const char *sid, const char *name)
{
	return counted(names, set_account(names, sid, name));
}

uint64_t sn_etw_names__refused(const struct sn_etw_names *names)
{
	return atomic_load_explicit(&names->refused, memory_order_relaxed);
}

/* ---- paths ---- */

#ifdef __SSE2__
/* Whether eight units of UTF-16 are eight bytes (lower case), A to Z being a to z. */
static inline int begin_alike(const uint8_t *path, const char *head)
{
	__m128i units = _mm_loadu_si128((const __m128i *)path);
	__m128i wanted = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)head), _mm_setzero_si128());
	__m128i is_upper = _mm_and_si128(_mm_cmpgt_epi16(units, _mm_set1_epi16('A' - 1)),
					 _mm_cmplt_epi16(units, _mm_set1_epi16('Z' + 1)));

	units = _mm_or_si128(units, _mm_and_si128(is_upper, _mm_set1_epi16('a' - 'A')));
	return _mm_movemask_epi8(_mm_cmpeq_epi16(units, wanted)) == 0xffff;
}
#endif

/* Whether a UTF-16 path begins with `head` (lower case) as a whole component. */
static int begins(struct sn_bytes path, const char *head, uint32_t len)
{
	uint32_t i = 0;

	if (path.len / 2 < len)
		return 0;
#ifdef __SSE2__
	for (; i + 8 <= len; i += 8)
		if (!begin_alike(path.at + 2 * i, head + i))
			return 0;
	/* the last ones together with some before them */
	if (i < len && len > 8) {
		if (!begin_alike(path.at + 2 * (len - 8), head + len - 8))
			return 0;
		i = len;
	}
#endif
	for (; i < len; i++)
		if (path.at[2 * i + 1] || sn_bytes__lower(path.at[2 * i]) != (uint8_t)head[i])
			return 0;
	return path.len / 2 == len || (path.at[2 * len] == '\\' && !path.at[2 * len + 1]);
}

/* `path` with `head` in place of its first `units`. */
static struct sn_etw_path behind(struct sn_bytes path, uint32_t units, const void *head, uint32_t len)
{
	return (struct sn_etw_path){{head, len}, sn_bytes__behind(path, 2 * units)};
}

struct sn_etw_path sn_etw_names__path(const struct sn_etw_names *names, struct sn_bytes path)
{
	static const char dos[] = "\\??", unc[] = "\\??\\unc", mup[] = "\\device\\mup", backslash[] = "\\";
	enum { DOS = sizeof(dos) - 1, UNC = sizeof(unc) - 1, MUP = sizeof(mup) - 1, COLON_AT = 5 };
	uint32_t count = atomic_load_explicit(&names->paths, memory_order_acquire);

	for (uint32_t i = count; i > 0; i--) {
		const struct path *known_path = &names->path[i - 1];

		if (begins(path, known_path->from, known_path->from_len))
			return behind(path, known_path->from_len, known_path->to, known_path->to_len);
	}
	if (begins(path, unc, UNC))
		return behind(path, UNC, backslash, 1);
	if (begins(path, mup, MUP))
		return behind(path, MUP, backslash, 1);
	if (begins(path, dos, DOS) && path.len / 2 > COLON_AT && path.at[2 * COLON_AT] == ':' &&
	    !path.at[2 * COLON_AT + 1])
		return behind(path, DOS + 1, "", 0);
	return behind(path, 0, "", 0);
}

/* ---- accounts ---- */

/* Asked for once as long as it is among the last that were. 0: there is no room to ask. */
static int ask(struct sn_etw_names *names, const char *sid)
{
	uint32_t asked = atomic_load_explicit(&names->asked, memory_order_relaxed);

	for (uint32_t i = 0; i < SN_ETW_UNKNOWN_MAX; i++)
		if (strcmp(names->unknown[i], sid) == 0)
			return 1;
	if (asked - atomic_load_explicit(&names->taken, memory_order_acquire) == SN_ETW_UNKNOWN_MAX)
		return 0;
	memcpy(names->unknown[asked % SN_ETW_UNKNOWN_MAX], sid, strlen(sid) + 1);
	atomic_store_explicit(&names->asked, asked + 1, memory_order_release);
	return 1;
}

/* Whether `*name` will stay what it is until there are more accounts, or others are asked for. */
static int find_account(struct sn_etw_names *names, struct sn_bytes sid, uint32_t count, struct sn_bytes *name)
{
	char text[SN_ETW_SID_MAX];
	uint32_t len = sn_etw__sid_text(text, sid);

	for (uint32_t i = count; i > 0; i--) {
		const struct account *account = &names->account[i - 1];

		if (account->sid_len == len && memcmp(account->sid, text, len) == 0) {
			*name = (struct sn_bytes){account->name, account->name_len};
			return 1;
		}
	}
	*name = (struct sn_bytes){0};
	return ask(names, text);
}

struct sn_bytes sn_etw_names__account(struct sn_etw_names *names, struct sn_bytes sid)
{
	uint32_t count = atomic_load_explicit(&names->accounts, memory_order_acquire);
	struct last *last = &names->last[(sid.at[sid.len - 4] ^ sid.at[sid.len - 3]) % LAST];

	if (last->accounts == count && last->sid_len == sid.len && memcmp(last->sid, sid.at, sid.len) == 0 &&
	    (last->name.len || last->asked == atomic_load_explicit(&names->asked, memory_order_relaxed)))
		return last->name;
	last->sid_len = find_account(names, sid, count, &last->name) ? sid.len : 0;
	last->accounts = count;
	last->asked = atomic_load_explicit(&names->asked, memory_order_relaxed);
	memcpy(last->sid, sid.at, last->sid_len);
	return last->name;
}

int64_t sn_etw_names__unknown(struct sn_etw_names *names, char *buf, size_t size)
{
	uint32_t taken = atomic_load_explicit(&names->taken, memory_order_relaxed);
	const char *sid = names->unknown[taken % SN_ETW_UNKNOWN_MAX];

	if (taken == atomic_load_explicit(&names->asked, memory_order_acquire))
		return 0;
	if (strlen(sid) + 1 > size)
		return -ENOSPC;
	memcpy(buf, sid, strlen(sid) + 1);
	atomic_store_explicit(&names->taken, taken + 1, memory_order_release);
	return (int64_t)strlen(buf) + 1;
}
