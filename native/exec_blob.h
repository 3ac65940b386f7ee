/* SPDX-License-Identifier: Apache-2.0
 *
 * A struct sn_exec with its strings, packed into a blob: what the process table keeps of an exec.
 */
#ifndef SN_EXEC_BLOB_H
#define SN_EXEC_BLOB_H
#include "blob_store.h"
#include "event.h"

enum { SN_EXEC_PARTS = 6 };

/* A blob about to be stored. The parts point into the record and into `exec`: use it before either goes or moves. */
struct sn_exec_packing {
	struct sn_exec exec; /* spans and flags as they will be stored */
	struct sn_blob_part part[SN_EXEC_PARTS];
	size_t size;
};

/* Packs a checked record, keeping at most `argv_room` bytes of argv: three quarters from its front, the rest from its
 * end, as the probes do. */
void sn_exec_packing__fill(struct sn_exec_packing *packing, const struct sn_exec *record, size_t argv_room);
#endif
