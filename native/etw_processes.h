/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_etw_processes: who had a process id when, from what a trace has said so far. Of fixed size; all texts are
 * borrowed from the events' data, which must outlive it.
 */
#ifndef SN_ETW_PROCESSES_H
#define SN_ETW_PROCESSES_H
#include "bytes.h"

struct sn_etw_process {
	uint32_t pid;
	uint32_t used;	       /* 0: a free slot */
	uint64_t start;	       /* ns since 1970; 0: before the trace */
	uint64_t end;	       /* the same; 0: none was seen */
	uint64_t sequence;     /* ProcessSequenceNumber, 0: not said */
	struct sn_bytes image; /* UTF-16, the whole path */
	struct sn_bytes line;  /* UTF-16, the command line */
	struct sn_bytes name;  /* bytes, the image's name, perhaps cut off */
};

struct sn_etw_processes;

/* NULL: no memory. */
struct sn_etw_processes *sn_etw_processes__new(void);
void sn_etw_processes__free(struct sn_etw_processes *processes);
/* A process that is new: in place of whoever had the id; where there is no room, of one that ended or is oldest. */
struct sn_etw_process *sn_etw_processes__begin(struct sn_etw_processes *processes, uint32_t pid, uint64_t start);
/* Who had `pid` at `time`, NULL: not known. One that ended is known for another two seconds: a processor's last events
 * can come with later times. */
struct sn_etw_process *sn_etw_processes__at(struct sn_etw_processes *processes, uint32_t pid, uint64_t time);
/* How many had to go for want of room. */
uint64_t sn_etw_processes__forgotten(const struct sn_etw_processes *processes);
/* Takes `path` (UTF-16) of a file that the process mapped for its image, if it has the image's name and none is known.
 */
void sn_etw_process__mapped(struct sn_etw_process *process, struct sn_bytes path);
#endif
