/* SPDX-License-Identifier: Apache-2.0
 *
 * What Windows' events hold as text: numbers, times, UTF-16, SIDs, the data of registry values as Sysmon prints them.
 */
#ifndef SN_ETW_TEXT_H
#define SN_ETW_TEXT_H
#include "etw.h"
#include "json_write.h"
#include "sysmon_form.h"

/* A FILETIME, 100 ns since 1601, as ns since 1970; 0: it is none that can be one. */
uint64_t sn_etw__filetime_ns(uint64_t filetime);

enum {
	SN_ETW_SID_MAX = 200,	/* a SID as text: two short numbers and 15 of ten digits, and NUL */
	SN_ETW_PLAIN_MAX = 200, /* a value that is no text */
};

/* Whether JSON has it as a number. */
static inline int sn_etw__is_number(uint32_t type)
{
	return type <= SN_ETW_U64 || type == SN_ETW_PORT;
}

/* A value that is neither text nor BLOB into SN_ETW_PLAIN_MAX bytes: its length. Numbers are decimal, pointers 0x1f,
 * times RFC 3339, SIDs S-1-5-18; a time or SID must be one. */
uint32_t sn_etw__plain(char *out, const struct sn_etw_column *value);
/* UTF-16 as UTF-8: its length, at most SN_ETW_UTF8_ROOM. A lone surrogate is what sn_json__unescape makes of its
 * escape. An odd byte at the end is left out. */
uint32_t sn_etw__utf8(uint8_t *out, struct sn_bytes text);
#define SN_ETW_UTF8_ROOM(bytes) ((bytes) / 2 * 3)
/* UTF-16 as the inside of a JSON string; a lone surrogate as the escape that stands for it. */
void sn_etw__write_wide_inner(struct sn_writer *w, struct sn_bytes text);
/* A sound SID as S-1-5-18 and a NUL into SN_ETW_SID_MAX bytes: its length. */
uint32_t sn_etw__sid_text(char *out, struct sn_bytes sid);
/* "Details" of a registry value, as `out` of WTEXT or ATEXT: text, DWORD (0x00000001), QWORD (0x00000000-0x00000001),
 * Binary Data for all else; what is made lies in `room`. 0: not all of its `size` bytes are in `data`. */
int sn_etw__details(struct sn_etw_column *out, char room[SN_SYSMON_DETAILS_MAX], uint64_t type, uint64_t size,
		    struct sn_bytes data);
#endif
