/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts of files, for whoever looks them up: what the match thread asks, and what it is told (enrichment.c). A part of
 * sensor.h.
 */
#ifndef SN_QUESTIONS_H
#define SN_QUESTIONS_H
#include <stddef.h>
#include "event.h"

struct sn_engine;

/* A file as the kernel knew it at its exec: one that changes is another file. Windows names it by its path, which
 * windows_enrichment.c makes a key of. */
struct sn_file_key {
	uint64_t inode, bytes;
	uint64_t mtime, ctime; /* ns since the epoch */
	uint32_t dev;	       /* major << 20 | minor */
	uint32_t pad;
};

enum sn_asked { SN_ASKED_IMAGE = 1, SN_ASKED_PAYLOAD = 2 };

/* Of an exec or a load, CLOCK_BOOTTIME and process as in its record; of a start or a load on Windows, where times are
 * ns since 1970 and no process is named. */
struct sn_question {
	uint32_t size; /* whole, multiple of 8 */
	uint32_t of;   /* enum sn_asked: of the executed file, whose key follows, or of the one that `path` names */
	uint64_t number;
	uint64_t time;
	uint64_t start;
	struct sn_file_key file; /* SN_ASKED_IMAGE; of what was mapped only its inode, else 0 */
	uint32_t pid, mnt_ns;
	struct sn_span path, cwd; /* as the process names them; empty: not known */
	struct sn_span program;	  /* Windows, of a payload: path of the program that was made to run it */
	uint32_t is_library;	  /* with it: 1: its loader looks for the file */
	uint32_t pad;
};

enum sn_facts_state {
	SN_FACTS_NONE = 0,  /* nobody looks, or there is no file: absent */
	SN_FACTS_LATE = 1,  /* not there yet */
	SN_FACTS_LOST = 2,  /* nobody can tell */
	SN_FACTS_KNOWN = 3, /* as follows; a text that is empty is absent */
};

/* In the order of fields.def's FACT_*, IDENTITY apart. */
enum sn_fact {
	SN_FACT_TRUST,
	SN_FACT_PACKAGE,
	SN_FACT_PACKAGE_VERSION,
	SN_FACT_OWNER,
	SN_FACT_WRITABLE,
	SN_FACT_FILESYSTEM,
	SN_FACT_MOUNT_FLAGS, /* each ended by NUL, but for the last */
	SN_FACT_AGE,	     /* no text: `changed` */
	SN_FACT_PRIVILEGE,   /* as MOUNT_FLAGS */
	SN_FACT_FIRST_SEEN,  /* no text: `first` */
	SN_FACT_WRITER_IMAGE,
	SN_FACT_WRITER_COMMAND_LINE,
	SN_FACT_WRITER_USER,
	SN_FACT_WRITER_PROCESS_ID,
	SN_FACT_WRITER_URL,
	SN_FACT_WRITER_DESTINATION_IP,
	SN_FACT_WRITTEN_AGE, /* no text: `written` */
	SN_FACT_IDENTITY,    /* the grammar's name of the program that it is */
	SN_FACT_SIGNED,	     /* from here on of Windows' programs, as Sysmon writes them: true or false */
	SN_FACT_SIGNATURE,
	SN_FACT_SIGNATURE_STATUS,
	SN_FACT_ORIGINAL_NAME,
	SN_FACT_COMPANY,
	SN_FACT_PRODUCT,
	SN_FACT_DESCRIPTION,
	SN_FACT_FILE_VERSION,
	SN_FACT_HASHES,
	SN_FACTS,
};

enum { SN_FACTS_MAX = 1280 /* bytes of one struct sn_facts with its texts */ };

/* Times: CLOCK_BOOTTIME, ns; INT64_MIN: none. */
struct sn_facts {
	uint32_t size;	 /* whole, multiple of 8 */
	uint32_t state;	 /* enum sn_facts_state */
	uint32_t lost;	 /* bit 1 << enum sn_fact of each that nobody can tell */
	uint32_t cut;	 /* and of each text that goes on */
	int64_t changed; /* content or status */
	int64_t first;	 /* the exec that first brought this content here; execs until then see it for the first time */
	int64_t written; /* by its writer */
	uint64_t writer_start;
	struct sn_span text[SN_FACTS];
};

enum sn_told {
	SN_TOLD_FACTS = 1, /* answers `number`, 0: unasked; followed by struct sn_facts */
	SN_TOLD_PROGRAM =
		2, /* `file`, whatever its ctime, is the program of that grammar; followed by its name, not ended */
	SN_TOLD_FORGET = 3, /* all of these so far */
};

struct sn_told_head {
	uint32_t size; /* whole; of SN_TOLD_FACTS a multiple of 8 */
	uint32_t what; /* enum sn_told */
	uint64_t number;
	uint64_t time; /* CLOCK_BOOTTIME, ns */
	struct sn_file_key file;
};

/* Whole struct sn_question, as many as have room in the 8-aligned buf: the bytes. 0 after timeout_ms or
 * sn_engine__end_questions. One thread. -ENOTSUP: without options.facts. */
int64_t sn_engine__questions(struct sn_engine *engine, void *buf, size_t size, int timeout_ms);
/* Any thread: one sn_engine__questions returns. */
void sn_engine__end_questions(struct sn_engine *engine);
/* A struct sn_told_head with what follows, to the match thread. One thread. -EINVAL: not sound; -ENOBUFS: the match
 * thread is behind, try again; -ENOTSUP. */
int sn_engine__tell(struct sn_engine *engine, const void *told, size_t size);
/* On the caller's thread, while the engine does not run (else -EBUSY): takes in what was told and judges the events
 * that waited for it, with `all` the others too, as if their time was up: also starts of processes that wait for what
 * other events of Windows say of them. */
int sn_engine__settle(struct sn_engine *engine, int all);
#endif
