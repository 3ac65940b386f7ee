/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_etw_event: an event of Windows as it was written, whichever way it came: from a session's callback
 * (EVENT_RECORD), out of an .etl file or as a record. What its data mean is in etw_layout.def.
 */
#ifndef SN_ETW_EVENT_H
#define SN_ETW_EVENT_H
#include <stdint.h>
#include <string.h>

#include "event.h"

/* As Windows' GUID lies in memory. */
struct sn_guid {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
};
#define SN_GUID(a, b, c, ...)                                                                                          \
	{                                                                                                              \
		a, b, c,                                                                                               \
		{                                                                                                      \
			__VA_ARGS__                                                                                    \
		}                                                                                                      \
	}

struct sn_etw_event {
	struct sn_guid provider;
	uint16_t id; /* of a classic event the opcode, which is what tells those apart */
	uint8_t version;
	uint8_t classic; /* 1: from before manifests, as the kernel logger writes them */
	uint8_t pointer; /* bytes of a pointer in the data: 8 or 4 */
	uint32_t pid;	 /* of the thread that wrote it; UINT32_MAX: not said */
	uint32_t tid;
	uint64_t time;	     /* ns since 1970-01-01 UTC */
	uint64_t index;	     /* whatever number whoever gave it has for it */
	const uint8_t *data; /* of whoever gave the event */
	uint32_t size;
};

/* Of a sound record. Its data stay where they are. */
static inline struct sn_etw_event sn_etw_event__of(const struct sn_etw *etw, uint64_t index)
{
	struct sn_etw_event event = {.id = etw->id,
				     .version = (uint8_t)etw->version,
				     .classic = etw->classic != 0,
				     .pointer = (uint8_t)etw->pointer,
				     .pid = etw->h.pid,
				     .tid = etw->tid,
				     .time = etw->h.time,
				     .index = index,
				     .data = (const uint8_t *)etw + etw->data.off,
				     .size = etw->data.len};

	memcpy(&event.provider, etw->provider, sizeof(event.provider));
	return event;
}
#endif
