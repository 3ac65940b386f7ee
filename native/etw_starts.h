/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_etw_starts: processes that have started and whose other event may still come, first come first.
 *
 *   waiting: a ring of SN_ETW_STARTS_MAX     data: one ring of bytes, a start's first event before its second
 *   | first | ... | last |                   [ first's | third's | first's twin | ... ]
 *
 * The events' data are copied, and their columns point into the copy, unless the start goes at once; the room of a
 * start is free again when it and all before it are gone. One thread; nothing is allocated after sn_etw_starts__new.
 */
#ifndef SN_ETW_STARTS_H
#define SN_ETW_STARTS_H
#include <stddef.h>

#include "etw.h"

enum {
	SN_ETW_STARTS_MAX = 256,
	SN_ETW_STARTS_BYTES = 1 << 20, /* touched as it is used; more than the data of four events can be */
};

struct sn_etw_start_id {
	uint32_t pid, parent;
	uint64_t time;
};

struct sn_etw_start {
	struct sn_etw_start_id id; /* its time and `index` are those of the event that came first */
	uint64_t index;
	uint64_t from; /* of its data, in bytes since the begin */
	/* by `classic`; NULL: not there */
	const struct sn_etw_event *event[2];
	const struct sn_etw_decoded *decoded[2];
	struct sn_etw_event own_event[2];
	struct sn_etw_decoded own_decoded[2];
};

struct sn_etw_starts;

/* NULL: no memory. */
struct sn_etw_starts *sn_etw_starts__new(void);
void sn_etw_starts__free(struct sn_etw_starts *starts);
/* Whether there is room for one more with so many bytes of data, or for these behind one that waits. */
int sn_etw_starts__has_room(const struct sn_etw_starts *starts, size_t bytes);
/* Adds one, behind all others. There must be room. */
void sn_etw_starts__add(struct sn_etw_starts *starts, const struct sn_etw_start_id *id, int classic,
			const struct sn_etw_event *event, const struct sn_etw_decoded *decoded);
/* Gives the first, which is then to go, its other event: both are borrowed until it is dropped. */
void sn_etw_starts__end(struct sn_etw_start *first, int classic, const struct sn_etw_event *event,
			const struct sn_etw_decoded *decoded);
/* Gives one that waits its other event. There must be room. */
void sn_etw_starts__pair(struct sn_etw_starts *starts, struct sn_etw_start *start, int classic,
			 const struct sn_etw_event *event, const struct sn_etw_decoded *decoded);
/* The first, NULL: none waits. Valid until the next is added after it was dropped. */
struct sn_etw_start *sn_etw_starts__first(struct sn_etw_starts *starts);
void sn_etw_starts__drop_first(struct sn_etw_starts *starts);
/* The one of the same pid and parent, at most `apart` ns before or after, whose event `classic` is not there; NULL:
 * none. */
struct sn_etw_start *sn_etw_starts__twin(struct sn_etw_starts *starts, const struct sn_etw_start_id *of, int classic,
					 uint64_t apart);
#endif
