/* SPDX-License-Identifier: Apache-2.0
 *
 * The data of a Windows event as its columns, by etw_layout.def. No allocation: columns point into the data.
 */
#ifndef SN_ETW_H
#define SN_ETW_H
#include <stddef.h>

#include "bytes.h"
#include "etw_event.h"

enum sn_etw_provider {
#define SN_ETW_PROVIDER(key, name, guid) SN_ETW_##key,
#include "etw_layout.def"
	SN_ETW_PROVIDERS
};

enum sn_etw_type {
	SN_ETW_U8,
	SN_ETW_U16,
	SN_ETW_U32,
	SN_ETW_I32,
	SN_ETW_U64,
	SN_ETW_PTR,
	SN_ETW_TIME,
	SN_ETW_SID,
	SN_ETW_USER,
	SN_ETW_WTEXT,
	SN_ETW_WPATH,
	SN_ETW_ATEXT,
	SN_ETW_IP4,
	SN_ETW_IP6,
	SN_ETW_PORT,
	SN_ETW_BLOB,
	SN_ETW_BOOL,
	SN_ETW_NS, /* of no column: ns since 1970 */
	SN_ETW_TYPES,
};

/* Number of a column of a layout: SN_ETW_PROCESS_START_ImageName and its like, from 0 in each layout. */
#define SN_ETW_COLUMN(layout, since, type, name) SN_ETW_##layout##_##name,
#define SN_ETW_LAYOUT(layout, columns)		 enum { columns SN_ETW_##layout##_COLUMNS };
#include "etw_layout.def"
#undef SN_ETW_COLUMN
enum { SN_ETW_COLUMNS_MAX = 18 };

/* Numbers of all columns: SN_ETW_FIRST_PROCESS_START is that of the layout's first, the others are behind it. */
#define SN_ETW_LAYOUT(layout, columns)                                                                                 \
	SN_ETW_FIRST_##layout, SN_ETW_LAST_##layout = SN_ETW_FIRST_##layout + SN_ETW_##layout##_COLUMNS - 1,
enum {
#include "etw_layout.def"
	SN_ETW_ALL_COLUMNS
};

struct sn_etw_column {
	uint16_t type;	       /* enum sn_etw_type */
	uint16_t there;	       /* 0: this version has it not */
	uint64_t number;       /* of all but texts, addresses, SIDs and BLOB; I32 sign-extended */
	struct sn_bytes bytes; /* the others: without NUL, of USER the SID alone, len 0 for none */
};

/* Rows of events. */
#define SN_ETW_EVENT(...) +1
enum {
	SN_ETW_KINDS = 0
#include "etw_layout.def"
};

struct sn_etw_decoded {
	enum sn_etw_provider provider;
	uint32_t kind;	/* number of its row in etw_layout.def, from 0 */
	uint32_t first; /* number of the layout's first column */
	uint32_t count; /* columns of the layout */
	uint32_t rest;	/* bytes behind the last column that is known */
	struct sn_etw_column column[SN_ETW_COLUMNS_MAX];
};

/* 0; -ENOENT: an event that is not decoded (nor is one of a manifest with a classic header, or the other way about);
 * -ENOSYS: one that is, in a version that is not known; -EBADMSG: its data end within a column. */
int sn_etw__decode(const struct sn_etw_event *event, struct sn_etw_decoded *out);
/* Which one it is, -1: none that is known. */
int sn_etw__provider_of(const struct sn_guid *guid);
/* Whether its events are told apart by their opcodes: the kernel logger's, which have no manifest. */
int sn_etw__is_classic(enum sn_etw_provider provider);
/* Whether events of that number, or opcode, are decoded in any version. */
int sn_etw__reads(enum sn_etw_provider provider, uint16_t id);
/* Whether the session says that it has lost events. */
int sn_etw__is_loss(const struct sn_etw_event *event);
/* The name of a column, by its number among all, or of the event's provider. */
const char *sn_etw__column_name(uint32_t number);
const char *sn_etw__provider_name(enum sn_etw_provider provider);
#endif
