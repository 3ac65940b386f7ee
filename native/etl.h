/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_etl: the events of an event trace log (.etl) in the order of their times. Windows writes a buffer a
 * processor, so neighbours in the file are no neighbours in time.
 *
 * The file is buffers of one size (WMI_BUFFER_HEADER, then events, each padded to 8); the first event of the first is
 * the TRACE_LOGFILE_HEADER. Formats: Microsoft's evntrace.h and evntcons.h, and
 * https://www.geoffchappell.com/studies/windows/km/ntoskrnl/api/etw/tracelog/ for what these do not say.
 */
#ifndef SN_ETL_H
#define SN_ETL_H
#include <stddef.h>

#include "bytes.h"
#include "etw_event.h"

struct sn_etl;

/* All uint64_t. */
struct sn_etl_stats {
	uint64_t events;      /* that sn_etl__next gives */
	uint64_t buffers;     /* read */
	uint64_t compressed;  /* buffers that are compressed: not read */
	uint64_t damaged;     /* buffers with bytes that are no event: what stands behind these is not read */
	uint64_t unknown;     /* events of a kind that is not known: WPP messages, instance headers */
	uint64_t cut_off;     /* bytes at the end that are no whole buffer, or that its header says there were */
	uint64_t events_lost; /* what the session lost, as its header says */
	uint64_t buffers_lost;
};

/* `bytes` are the caller's until sn_etl__close. -EINVAL: no event trace log; -ENOMEM. */
int sn_etl__open(const void *bytes, size_t size, struct sn_etl **out);
void sn_etl__close(struct sn_etl *etl);
/* 1: an event, its data in the caller's bytes; 0: the end. */
int sn_etl__next(struct sn_etl *etl, struct sn_etw_event *event);
/* What describes the event that sn_etl__next gave last (etw_described.h), in the caller's bytes; empty: nothing. */
void sn_etl__description(const struct sn_etl *etl, struct sn_bytes *schema, struct sn_bytes *traits);
/* sn_etl__next begins anew. */
void sn_etl__rewind(struct sn_etl *etl);
void sn_etl__stats(const struct sn_etl *etl, struct sn_etl_stats *out);
#endif
