/* SPDX-License-Identifier: Apache-2.0
 *
 * Records for tests, built in one call.
 */
#ifndef SN_TEST_RECORDS_H
#define SN_TEST_RECORDS_H
#include <string.h>

#include "event.h"

struct identity {
	uint32_t pid;
	uint64_t start;
};

static inline struct sn_header make_header(uint16_t type, size_t size, struct identity who, uint64_t time)
{
	return (struct sn_header){
		.size = (uint32_t)size, .type = type, .time = time, .start = who.start, .pid = who.pid};
}

static inline struct sn_fork make_fork(struct identity who, struct identity creator, uint64_t time)
{
	return (struct sn_fork){.h = make_header(SN_FORK, sizeof(struct sn_fork), who, time),
				.creator_pid = creator.pid,
				.creator_start = creator.start,
				.ppid = creator.pid,
				.parent_start = creator.start};
}

static inline struct sn_exit make_exit(struct identity who, uint64_t time)
{
	return (struct sn_exit){.h = make_header(SN_EXIT, sizeof(struct sn_exit), who, time)};
}

/* Appends to the record that begins at `exec`; the buffer behind it must be large enough. */
static inline struct sn_span add_bytes(struct sn_exec *exec, const void *bytes, uint32_t len)
{
	struct sn_span span = {len ? exec->h.size : 0, len};

	memcpy((uint8_t *)exec + exec->h.size, bytes, len);
	exec->h.size += len;
	return span;
}

/* type SN_EXEC or SN_PROCESS, without strings: add them, then finish. */
static inline void start_exec(struct sn_exec *exec, uint16_t type, struct identity who, uint64_t time)
{
	*exec = (struct sn_exec){.h = make_header(type, sizeof(*exec), who, time)};
}

static inline void finish_exec(struct sn_exec *exec)
{
	while (exec->h.size % 8)
		((uint8_t *)exec)[exec->h.size++] = 0;
}
#endif
