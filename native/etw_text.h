/* SPDX-License-Identifier: Apache-2.0
 *
 * What Windows' events hold as JSON: columns, UTF-16, SIDs, the data of registry values as Sysmon prints them.
 */
#ifndef SN_ETW_TEXT_H
#define SN_ETW_TEXT_H
#include "etw.h"
#include "json_write.h"

/* A FILETIME, 100 ns since 1601, as ns since 1970; 0: it is none that can be one. */
uint64_t sn_etw__filetime_ns(uint64_t filetime);

enum { SN_ETW_SID_MAX = 200 }; /* a SID as text: two short numbers and 15 of ten digits, and NUL */

/* UTF-16 as a string; a lone surrogate as the escape that stands for it. An odd byte at the end is left out. */
void sn_etw__write_wide(struct sn_writer *w, struct sn_bytes text);
/* The same without the quotes. */
void sn_etw__write_wide_inner(struct sn_writer *w, struct sn_bytes text);
/* A sound SID as S-1-5-18 and a NUL into SN_ETW_SID_MAX bytes: its length. */
uint32_t sn_etw__sid_text(char *out, struct sn_bytes sid);
/* A decoded column as a member: its name and value. Numbers are numbers, pointers 0x1f, FILETIMEs RFC 3339, SIDs
 * S-1-5-18. One that this version has not, a time that is none, a user that is not said, and a BLOB are left out. */
void sn_etw__write_column(struct sn_writer *w, const struct sn_etw_decoded *decoded, uint32_t column);
/* "Details" of a registry value: text, DWORD (0x00000001), QWORD (0x00000000-0x00000001), Binary Data. Nothing where
 * not all of its `size` bytes are in `data`, or of a type that has no such form. */
void sn_etw__write_details(struct sn_writer *w, uint64_t type, uint64_t size, struct sn_bytes data);
#endif
