/* SPDX-License-Identifier: Apache-2.0
 *
 * fields.def made into tables: one for the code, one for Python's schema and the documentation.
 */
#include <stddef.h>

#include "schema.h"
#include "sensor.h"

typedef struct sn_exec exec_record;
typedef struct sn_exec process_record;
typedef struct sn_fork fork_record;
typedef struct sn_exit exit_record;
typedef struct sn_connect connect_record;
typedef struct sn_connect result_record;
typedef struct sn_loss loss_record;
typedef struct sn_file file_record;
typedef struct sn_load load_record;
typedef struct sn_etw etw_record;
typedef struct sn_line line_record;

#define RECORD_EXEC    exec_record
#define RECORD_PROCESS process_record
#define RECORD_FORK    fork_record
#define RECORD_EXIT    exit_record
#define RECORD_CONNECT connect_record
#define RECORD_RESULT  result_record
#define RECORD_LOSS    loss_record
#define RECORD_FILE    file_record
#define RECORD_LOAD    load_record
#define RECORD_ETW     etw_record
#define RECORD_LINE    line_record

#define TYPES_EXEC    (1 << SN_EXEC | 1 << SN_PROCESS)
#define TYPES_PROCESS (1 << SN_PROCESS)
#define TYPES_FORK    (1 << SN_FORK)
#define TYPES_EXIT    (1 << SN_EXIT)
#define TYPES_CONNECT (1 << SN_CONNECT | 1 << SN_CONNECT_RESULT | 1 << SN_SOCKET)
#define TYPES_RESULT  (1 << SN_CONNECT_RESULT)
#define TYPES_LOSS    (1 << SN_LOSS)
#define TYPES_FILE    (1 << SN_FILE)
#define TYPES_LOAD    (1 << SN_LOAD)
#define TYPES_ETW     (1 << SN_ETW)
#define TYPES_LINE    (1 << SN_LINE)
#define TYPES_START   (1 << SN_WIN_START)
#define TYPES_MODULE  (1 << SN_WIN_LOAD)

#define MEMBER_OFFSET(type, member) offsetof(RECORD_##type, member)
#define MEMBER_SIZE(type, member)   sizeof(((RECORD_##type *)0)->member)
#define FLAG_OFFSET(type, member)   offsetof(struct sn_header, flags)
#define FLAG_SIZE(type, member)	    sizeof(uint32_t)

/* The flag that says that a text is cut. */
enum {
	CUT_image = SN_F_IMAGE_TRUNCATED,
	CUT_script = SN_F_SCRIPT_TRUNCATED,
	CUT_cwd = SN_F_CWD_TRUNCATED,
	CUT_path = 0,
	CUT_text = 0
};

/* kind -> where the value is, how long, and its flag */
#define OFFSET_U16     MEMBER_OFFSET
#define OFFSET_U32     MEMBER_OFFSET
#define OFFSET_U64     MEMBER_OFFSET
#define OFFSET_I32     MEMBER_OFFSET
#define OFFSET_KNOWN16 MEMBER_OFFSET
#define OFFSET_KNOWN32 MEMBER_OFFSET
#define OFFSET_KNOWN64 MEMBER_OFFSET
#define OFFSET_ID32    MEMBER_OFFSET
#define OFFSET_TEXT    MEMBER_OFFSET
#define OFFSET_ARGV    MEMBER_OFFSET
#define OFFSET_NAME    MEMBER_OFFSET
#define OFFSET_ADDR    MEMBER_OFFSET
#define OFFSET_PROTO   MEMBER_OFFSET
#define OFFSET_DEV     MEMBER_OFFSET
#define OFFSET_GUID    MEMBER_OFFSET
#define OFFSET_HEX     MEMBER_OFFSET
#define OFFSET_FLAG    FLAG_OFFSET

#define SIZE_U16     MEMBER_SIZE
#define SIZE_U32     MEMBER_SIZE
#define SIZE_U64     MEMBER_SIZE
#define SIZE_I32     MEMBER_SIZE
#define SIZE_KNOWN16 MEMBER_SIZE
#define SIZE_KNOWN32 MEMBER_SIZE
#define SIZE_KNOWN64 MEMBER_SIZE
#define SIZE_ID32    MEMBER_SIZE
#define SIZE_TEXT    MEMBER_SIZE
#define SIZE_ARGV    MEMBER_SIZE
#define SIZE_NAME    MEMBER_SIZE
#define SIZE_ADDR    MEMBER_SIZE
#define SIZE_PROTO   MEMBER_SIZE
#define SIZE_DEV     MEMBER_SIZE
#define SIZE_GUID    MEMBER_SIZE
#define SIZE_HEX     MEMBER_SIZE
#define SIZE_FLAG    FLAG_SIZE

#define NO_FLAG(member)	    0
#define HEADER_FLAG(member) SN_F_##member
#define CUT_FLAG(member)    CUT_##member
#define FLAG_OF_U16	    NO_FLAG
#define FLAG_OF_U32	    NO_FLAG
#define FLAG_OF_U64	    NO_FLAG
#define FLAG_OF_I32	    NO_FLAG
#define FLAG_OF_KNOWN16	    NO_FLAG
#define FLAG_OF_KNOWN32	    NO_FLAG
#define FLAG_OF_KNOWN64	    NO_FLAG
#define FLAG_OF_ID32	    NO_FLAG
#define FLAG_OF_TEXT	    CUT_FLAG
#define FLAG_OF_ARGV	    NO_FLAG
#define FLAG_OF_NAME	    NO_FLAG
#define FLAG_OF_ADDR	    NO_FLAG
#define FLAG_OF_PROTO	    NO_FLAG
#define FLAG_OF_DEV	    NO_FLAG
#define FLAG_OF_GUID	    NO_FLAG
#define FLAG_OF_HEX	    NO_FLAG
#define FLAG_OF_FLAG	    HEADER_FLAG

const struct sn_field sn_fields[] = {
#define SN_FIELD(type, kind, member, json, sigma, help)                                                                \
	{json,                                                                                                         \
	 sigma,                                                                                                        \
	 TYPES_##type,                                                                                                 \
	 SN_KIND_##kind,                                                                                               \
	 OFFSET_##kind(type, member),                                                                                  \
	 sizeof(json) - 1,                                                                                             \
	 FLAG_OF_##kind(member)},
#include "fields.def"
	{NULL, NULL, 0, 0, 0, 0, 0},
};

const struct sn_derived sn_derived_fields[] = {
#define SN_DERIVED(type, value, sigma, help) {sigma, TYPES_##type, SN_VALUE_##value},
#include "fields.def"
	{NULL, 0, 0},
};

const struct sn_type_info sn_types[SN_TYPES] = {
	[0] = {"", 0, 0},
	[SN_EXEC] = {"exec", sizeof(struct sn_exec), offsetof(struct sn_exec, uid)},
	[SN_FORK] = {"fork", sizeof(struct sn_fork), offsetof(struct sn_fork, uid)},
	[SN_EXIT] = {"exit", sizeof(struct sn_exit), 0},
	[SN_CONNECT] = {"connect", sizeof(struct sn_connect), offsetof(struct sn_connect, uid)},
	[SN_CONNECT_RESULT] = {"connect_result", sizeof(struct sn_connect), offsetof(struct sn_connect, uid)},
	[SN_PROCESS] = {"process", sizeof(struct sn_exec), offsetof(struct sn_exec, uid)},
	[SN_SOCKET] = {"socket", sizeof(struct sn_connect), offsetof(struct sn_connect, uid)},
	[SN_LOSS] = {"loss", sizeof(struct sn_loss), 0},
	[SN_FILE] = {"file", sizeof(struct sn_file), offsetof(struct sn_file, uid)},
	[SN_LOAD] = {"load", sizeof(struct sn_load), offsetof(struct sn_load, uid)},
	[SN_ETW] = {"etw", sizeof(struct sn_etw), 0},
	[SN_LINE] = {"line", sizeof(struct sn_line), 0},
};

static const struct sn_field_info infos[] = {
#define SN_FIELD(type, kind, member, json, sigma, help)                                                                \
	{#type, #kind, #member, json, sigma, help, OFFSET_##kind(type, member), SIZE_##kind(type, member)},
#define SN_DERIVED(type, value, sigma, help) {#type, "DERIVED", #value, "", sigma, help, 0, 0},
#include "fields.def"
};

const struct sn_field_info *sn_schema__field(uint32_t number)
{
	return number < sizeof(infos) / sizeof(*infos) ? &infos[number] : NULL;
}
