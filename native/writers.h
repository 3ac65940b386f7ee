/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_writers: who last wrote a file, by (device, inode), for files that were written lately.
 *
 *   file[set][way] by (dev, inode): how, when, ctime, where from, program ──► program[number % KEPT]: texts
 *
 * A program is one process between two execs (writer_programs.h). Both tables have a fixed size; the file that was
 * touched longest ago in its set gives way, and so does the oldest program.
 *
 * A shell that opens the file for a command that it then runs (`curl x > f`) is who creates and closes it: the writer
 * is the program that it started, wrote something and ended between the two.
 *
 * Content counts: who moved the file, linked it or changed its attributes is kept only when nobody is known to have
 * written it. The ctime that the file had after the last event says whether anything happened since that was not seen,
 * or whether the inode is another file's by now: then the answer is *unknown*, never an older writer.
 *
 * `settled` is how far the table has come: everything that happened to files before it is in. Lost events are an
 * interval of time; a file that changed within it and was not written since has an unknown writer.
 *
 * The match thread writes; any thread may call sn_writers__find (sensor.h).
 */
#ifndef SN_WRITERS_H
#define SN_WRITERS_H
#include "connections.h"
#include "process_table.h"
#include "sensor.h"

struct sn_writers_stats {
	uint64_t seen;	    /* records taken in */
	uint64_t forgotten; /* files that gave way to others */
	uint64_t nameless;  /* records whose process or program could not be told */
	uint64_t lost;	    /* times that events were lost */
};

struct sn_writers *sn_writers__new(void);
void sn_writers__free(struct sn_writers *writers);
/* Takes in a SN_FILE record that passed sn_record__check, its process named as far as it can be. */
void sn_writers__see(struct sn_writers *writers, const struct sn_table *table, const struct sn_connections *connections,
		     const struct sn_file *file);
/* A process is about to become another program: before the table hears of it. */
void sn_writers__exec(struct sn_writers *writers, const struct sn_table *table, const struct sn_exec *exec);
/* Whether somebody is known to have written the file lately. Any thread, at once. */
int sn_writers__knows(const struct sn_writers *writers, uint32_t dev, uint64_t inode);
/* A process is about to end: before the table hears of it. */
void sn_writers__exit(struct sn_writers *writers, const struct sn_table *table, const struct sn_exit *exit);
/* Everything that happened before `until` (CLOCK_BOOTTIME, ns) has been taken in. */
void sn_writers__settle(struct sn_writers *writers, uint64_t until);
/* How sn_writers__find asks for that: `ask(source)` from any thread; NULL: there is no source. */
void sn_writers__set_source(struct sn_writers *writers, void (*ask)(void *source), void *source);
/* Files of device `upper` are also asked for under `dev`: an overlay shows the inodes of its upper layer. */
int sn_writers__alias(struct sn_writers *writers, uint32_t dev, uint32_t upper);
void sn_writers__stats(const struct sn_writers *writers, struct sn_writers_stats *out);
#endif
