/* SPDX-License-Identifier: Apache-2.0
 *
 * The match thread's side of what happens to files: a ring of its own, and who did it.
 *
 * A record of the file source says that a pid did something between two times. Who had the pid then, and what program
 * it ran, only the process table can tell, and only once it has come so far:
 *
 *   captured   every record of a probe that was submitted before it is in the ring (the capture thread says so)
 *   drained    every event of a file before it is in the file ring (the file source says so)
 *
 * So a file record is judged when the process records before it have been, and *settled* means: both.
 */
#ifndef SN_FILE_EVENTS_H
#define SN_FILE_EVENTS_H
#include <stdbool.h>

#include "connections.h"
#include "ring.h"
#include "writers.h"

struct sn_engine;

struct sn_file_events {
	struct sn_ring *ring;  /* file source to match thread */
	struct sn_ring *loads; /* capture thread to match thread: what was mapped executable */
	struct sn_writers *writers;
	struct sn_connections *connections;
	_Atomic uint64_t captured, drained; /* CLOCK_BOOTTIME, ns */
	_Atomic uint64_t unsure;	    /* records whose process or program could not be told */
	_Atomic uint64_t own;		    /* of loads: the program itself, or what its exec brought with it */
};

int sn_file_events__new(struct sn_file_events *files);
void sn_file_events__free(struct sn_file_events *files);
/* Judges what happened to files before `until`, a time that the ring of processes has been read to; returns how many
 * records. Match thread. */
uint32_t sn_file_events__pump(struct sn_engine *engine, uint64_t until);
/* The same for either ring: `attribute` names the process of a record, and says whether it is to be judged at all. */
uint32_t sn_file_events__judge(struct sn_engine *engine, struct sn_ring *ring, uint64_t until,
			       bool (*attribute)(struct sn_engine *engine, void *record));
/* `drained` was read before the ring was found empty. Match thread. */
void sn_file_events__settle(struct sn_engine *engine, uint64_t drained);
/* For sources: how far they have come. */
struct sn_file_events *sn_engine__file_events(struct sn_engine *engine);
#endif
