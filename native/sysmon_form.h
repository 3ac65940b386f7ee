/* SPDX-License-Identifier: Apache-2.0
 *
 * How Sysmon writes what Windows' audit log and its kernel write otherwise. Texts in and out are bytes, or with
 * `backslash` 2 the inside of a JSON string, where two stand for one.
 */
#ifndef SN_SYSMON_FORM_H
#define SN_SYSMON_FORM_H
#include <stddef.h>
#include <stdint.h>

/* How a field is made: see SN_MAP in taxonomy.def. */
enum sn_how {
	SN_HOW_COPY,
	SN_HOW_HEX,
	SN_HOW_PATH,
	SN_HOW_KEY,
	SN_HOW_ARGS,
	SN_HOW_ENTRY,
	SN_HOW_WORD,
	SN_HOW_KNOWN,
	SN_HOW_DATA,
};

enum { SN_SYSMON_DETAILS_MAX = 40 };

/* Whether the text stands for none there: the audit log writes a dash, and 0x0 for a logon that is not another one. */
int sn_sysmon__is_none(enum sn_how how, const char *text, size_t len);
/* What the field is for a word of the audit log, by its message's number or its text; NULL for what is none. */
const char *sn_sysmon__word(const char *field, const char *text, size_t len);
/* A key as the kernel names it, into `out`, which has room for as much: its bytes. */
size_t sn_sysmon__key(char *out, const char *text, size_t len, size_t backslash);
/* Data of a registry value from its type and its text in the audit log: the bytes of `out`; 0: it stays as it is. */
size_t sn_sysmon__details(char out[SN_SYSMON_DETAILS_MAX], const char *type, size_t type_len, const char *text,
			  size_t len);
/* The same of a number, and of what is none and no text. */
size_t sn_sysmon__number(char out[SN_SYSMON_DETAILS_MAX], uint64_t number, int is_64);
#define SN_SYSMON_BINARY  "Binary Data"
#define SN_SYSMON_EMPTY	  "(Empty)"
#define SN_SYSMON_DEFAULT "(Default)"
#endif
