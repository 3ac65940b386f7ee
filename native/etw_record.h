/* SPDX-License-Identifier: Apache-2.0
 *
 * EVENT_RECORD as Windows lays it out on 64-bit machines, so that the callback builds and is tested everywhere;
 * etw_system_windows.c holds it against the system's header.
 */
#ifndef SN_ETW_RECORD_H
#define SN_ETW_RECORD_H
#include "etw_event.h"

enum { SN_ETW_32_BIT = 0x20 }; /* of EVENT_HEADER.Flags */

struct sn_event_record {
	uint16_t size, header_type;
	uint16_t flags;
	uint16_t event_property;
	uint32_t thread_id;
	uint32_t process_id;
	uint64_t time_stamp; /* FILETIME, unless the consumer asked for raw times */
	struct sn_guid provider;
	uint16_t id;
	uint8_t version, channel, level, opcode;
	uint16_t task;
	uint64_t keyword;
	uint64_t processor_time;
	uint8_t activity[16];
	uint32_t buffer_context;
	uint16_t extended_count;
	uint16_t user_data_length;
	const void *extended;
	const uint8_t *user_data;
	void *user_context; /* EVENT_TRACE_LOGFILE.Context */
};
#endif
