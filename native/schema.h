/* SPDX-License-Identifier: Apache-2.0
 *
 * fields.def as tables, for the code that walks the fields of a record: record_json.c and view.c.
 */
#ifndef SN_SCHEMA_H
#define SN_SCHEMA_H
#include <stdint.h>

#include "event.h"

enum sn_kind {
	SN_KIND_U16,
	SN_KIND_U32,
	SN_KIND_U64,
	SN_KIND_I32,
	SN_KIND_KNOWN16,
	SN_KIND_KNOWN32,
	SN_KIND_KNOWN64,
	SN_KIND_ID32,
	SN_KIND_TEXT,
	SN_KIND_ARGV,
	SN_KIND_NAME,
	SN_KIND_ADDR,
	SN_KIND_PROTO,
	SN_KIND_FLAG,
	SN_KIND_DEV,
	SN_KIND_GUID,
	SN_KIND_HEX,
};

enum sn_derived_value {
	SN_VALUE_HEADER,
	SN_VALUE_USER,
	SN_VALUE_IMAGE,
	SN_VALUE_ARGV,
	SN_VALUE_CWD,
	SN_VALUE_PARENT_IMAGE,
	SN_VALUE_PARENT_ARGV,
	SN_VALUE_PARENT_USER,
	SN_VALUE_TRUE,
	SN_VALUE_PROXY_CHAIN,
	SN_VALUE_PROXY_DEPTH,
	SN_VALUE_PROXY_FUNCTION,
	SN_VALUE_PAYLOAD_IMAGE,
	SN_VALUE_PAYLOAD_COMMAND_LINE,
	SN_VALUE_PAYLOAD_KIND,
	SN_VALUE_PAYLOAD_PATH,
	SN_VALUE_PAYLOAD_URL,
	SN_VALUE_FACT_IMAGE_TRUST,
	SN_VALUE_FACT_IMAGE_PACKAGE,
	SN_VALUE_FACT_IMAGE_PACKAGE_VERSION,
	SN_VALUE_FACT_IMAGE_OWNER,
	SN_VALUE_FACT_IMAGE_WRITABLE,
	SN_VALUE_FACT_IMAGE_FILESYSTEM,
	SN_VALUE_FACT_IMAGE_MOUNT_FLAGS,
	SN_VALUE_FACT_IMAGE_AGE,
	SN_VALUE_FACT_IMAGE_PRIVILEGE,
	SN_VALUE_FACT_IMAGE_FIRST_SEEN,
	SN_VALUE_FACT_IMAGE_WRITER_IMAGE,
	SN_VALUE_FACT_IMAGE_WRITER_COMMAND_LINE,
	SN_VALUE_FACT_IMAGE_WRITER_USER,
	SN_VALUE_FACT_IMAGE_WRITER_PROCESS_ID,
	SN_VALUE_FACT_IMAGE_WRITER_URL,
	SN_VALUE_FACT_IMAGE_WRITER_DESTINATION_IP,
	SN_VALUE_FACT_IMAGE_WRITTEN_AGE,
	SN_VALUE_FACT_PAYLOAD_TRUST,
	SN_VALUE_FACT_PAYLOAD_PACKAGE,
	SN_VALUE_FACT_PAYLOAD_PACKAGE_VERSION,
	SN_VALUE_FACT_PAYLOAD_OWNER,
	SN_VALUE_FACT_PAYLOAD_WRITABLE,
	SN_VALUE_FACT_PAYLOAD_FILESYSTEM,
	SN_VALUE_FACT_PAYLOAD_MOUNT_FLAGS,
	SN_VALUE_FACT_PAYLOAD_AGE,
	SN_VALUE_FACT_PAYLOAD_PRIVILEGE,
	SN_VALUE_FACT_PAYLOAD_FIRST_SEEN,
	SN_VALUE_FACT_PAYLOAD_WRITER_IMAGE,
	SN_VALUE_FACT_PAYLOAD_WRITER_COMMAND_LINE,
	SN_VALUE_FACT_PAYLOAD_WRITER_USER,
	SN_VALUE_FACT_PAYLOAD_WRITER_PROCESS_ID,
	SN_VALUE_FACT_PAYLOAD_WRITER_URL,
	SN_VALUE_FACT_PAYLOAD_WRITER_DESTINATION_IP,
	SN_VALUE_FACT_PAYLOAD_WRITTEN_AGE,
	SN_VALUE_PROXY_IDENTITY,
	SN_VALUE_RENAMED_PROXY,
};

struct sn_field {
	const char *json;
	const char *sigma;
	uint16_t types;	 /* bit 1 << enum sn_type for each record that has it */
	uint16_t kind;	 /* enum sn_kind */
	uint16_t offset; /* of the member in the record; of header.flags for SN_KIND_FLAG */
	uint16_t json_len;
	uint32_t flag; /* SN_KIND_FLAG: the bit; SN_KIND_TEXT: the flag that says it is cut, or 0 */
};

struct sn_derived {
	const char *sigma;
	uint16_t types;
	uint16_t value; /* enum sn_derived_value */
};

/* By enum sn_type: name in JSON, size of the fixed part, and where the process's uid is (0: nowhere). [0] is no type.
 */
struct sn_type_info {
	const char *name;
	uint32_t size;
	uint32_t uid;
};

extern const struct sn_type_info sn_types[SN_TYPES];

/* In the order of fields.def; the last has a NULL name. */
extern const struct sn_field sn_fields[];
extern const struct sn_derived sn_derived_fields[];
#endif
