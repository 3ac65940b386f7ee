/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_etw_names: what a Windows host calls what its kernel names otherwise: \Device\HarddiskVolume3 is C:, and
 * S-1-5-21-... is CORP\anna. One thread sets, one reads; what is set later goes before.
 */
#ifndef SN_ETW_NAMES_H
#define SN_ETW_NAMES_H
#include "etw_text.h"

enum {
	SN_ETW_PATHS_MAX = 128,
	SN_ETW_ACCOUNTS_MAX = 1024,
	SN_ETW_NAME_MAX = 320, /* bytes of a name */
	SN_ETW_UNKNOWN_MAX = 64,
};

struct sn_etw_names;

/* NULL: no memory. */
struct sn_etw_names *sn_etw_names__new(void);
void sn_etw_names__free(struct sn_etw_names *names);
/* Paths at or below `from` (ASCII; as the kernel writes it, compared without case) begin with `to` (UTF-8) instead.
 * -EINVAL, -ENOSPC. */
int sn_etw_names__set_path(struct sn_etw_names *names, const char *from, const char *to);
/* The same for an account: its SID as S-1-5-18, its name as DOMAIN\name. */
int sn_etw_names__set_account(struct sn_etw_names *names, const char *sid, const char *name);
/* How many were not taken: no room, or too long. Any thread. */
uint64_t sn_etw_names__refused(const struct sn_etw_names *names);
/* A path as users call it: `head` (UTF-8), and behind it `rest` (UTF-16, of the path). */
struct sn_etw_path {
	struct sn_bytes head, rest;
};

/* \??\C:\x is C:\x, and \Device\Mup\server\share is \\server\share whatever was set. */
struct sn_etw_path sn_etw_names__path(const struct sn_etw_names *names, struct sn_bytes path);
/* The name (UTF-8) of a SID (as in memory); empty: not known. Then it is among those that are asked for. */
struct sn_bytes sn_etw_names__account(struct sn_etw_names *names, struct sn_bytes sid);
/* A SID whose name is not known, NUL included, each once in a while: its bytes; 0: none; -ENOSPC. The thread that sets.
 */
int64_t sn_etw_names__unknown(struct sn_etw_names *names, char *buf, size_t size);
#endif
