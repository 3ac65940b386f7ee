/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_programs: what the writers of files were, the latest SN_PROGRAMS_KEPT of them. A program is one process
 * between two execs; it has a number, and keeps its texts until a program so many numbers later takes its place.
 *
 * The match thread writes; any thread may call sn_programs__name.
 */
#ifndef SN_WRITER_PROGRAMS_H
#define SN_WRITER_PROGRAMS_H
#include "process_table.h"
#include "sensor.h"

enum { SN_PROGRAMS_KEPT = 1024 };

struct sn_programs *sn_programs__new(void);
void sn_programs__free(struct sn_programs *programs);
/* Number of the program that a process runs now; 0 when it is not known. */
uint64_t sn_programs__of(struct sn_programs *programs, const struct sn_table *table, const struct sn_process *process);
/* Fills in image and command line; leaves them empty when they are no longer there. */
void sn_programs__name(const struct sn_programs *programs, uint64_t number, struct sn_file_writer *out);
/* Fills in what it was told to fetch, if anything. */
void sn_programs__name_url(const struct sn_programs *programs, uint64_t number, struct sn_file_writer *out);
#endif
