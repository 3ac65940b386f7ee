/* SPDX-License-Identifier: Apache-2.0
 *
 * The public functions about files and where they come from; part of sensor.h, by the same rules.
 */
#ifndef SN_PROVENANCE_H
#define SN_PROVENANCE_H
#include <stddef.h>
#include <stdint.h>

struct sn_engine;
struct sn_capture;

/* ---- who wrote a file (writers.c) ---- */
struct sn_writers;

/* The engine's own. */
struct sn_writers *sn_engine__writers(struct sn_engine *engine);

/* The files of `upper` are also those of `dev`: an overlay shows the inodes of its upper layer. -ENOSPC. */
int sn_engine__alias(struct sn_engine *engine, uint32_t dev, uint32_t upper);

struct sn_writer_query {
	uint64_t inode;
	uint64_t changed; /* st_ctime of the file, ns since the epoch; 0 not known */
	uint64_t time;	  /* of the exec, CLOCK_BOOTTIME, ns: what was surely written later does not count */
	uint32_t dev;	  /* as sn_exec.dev */
	uint32_t pad;
};

enum {
	SN_WRITER_IMAGE_MAX = 256,
	SN_WRITER_COMMAND_LINE_MAX = 512,
	SN_WRITER_URL_MAX = 256,
	/* sn_file_writer.cut */
	SN_CUT_IMAGE = 1,
	SN_CUT_COMMAND_LINE = 2,
	SN_CUT_URL = 4,
};

struct sn_file_writer {
	uint64_t time;	   /* of the write, CLOCK_BOOTTIME, ns: not later than this */
	uint64_t start;	   /* of the writer; 0: only its pid is known */
	uint32_t pid, uid; /* uid 4294967295: not known */
	uint32_t how;	   /* SN_F_WRITTEN, SN_F_CREATED, ...: all that was done to the file since its last content */
	uint32_t cut;	   /* texts that go on beyond what is there */
	uint16_t family, dport; /* the writer's last outside connection before the write; family 0: none */
	uint32_t pad;
	uint8_t daddr[16];
	uint32_t image_len, command_line_len, url_len; /* 0: not known; url: none */
	uint32_t pad2;
	char image[SN_WRITER_IMAGE_MAX]; /* no NUL */
	char command_line[SN_WRITER_COMMAND_LINE_MAX];
	char url[SN_WRITER_URL_MAX]; /* the first in its arguments */
};

/* Any thread; waits until all that happened to files before query->time is known. 1 found; 0 nobody wrote it lately;
 * -EAGAIN that is not known within timeout_ms; -ENODATA unknown: events were lost that may tell, or it has changed
 * since in a way that was not seen. */
int sn_writers__find(struct sn_writers *writers, const struct sn_writer_query *query, int timeout_ms,
		     struct sn_file_writer *out);

/* ---- recent connections (connections.c) ---- */
struct sn_connections;

struct sn_connection {
	uint64_t time, last; /* first and last attempt, CLOCK_BOOTTIME, ns */
	uint64_t start;	     /* of the process */
	uint32_t pid;
	uint32_t count; /* attempts one after another that were the same */
	int32_t error;	/* of the last one: 0 connected, else errno; -1 not known (yet), as always for UDP */
	uint16_t family, protocol, dport, pad;
	uint8_t daddr[16];
	char name[16]; /* of the program: as much of its file name as fits, NUL-padded */
};

const struct sn_connections *sn_engine__connections(const struct sn_engine *engine);
/* Those of a process and of its descendants (to the fourth generation) between two times, oldest first; the newest
 * `max` of them. Any thread. */
uint32_t sn_connections__of(const struct sn_connections *connections, uint32_t pid, uint64_t start, uint64_t from,
			    uint64_t until, struct sn_connection *out, uint32_t max);
/* Nothing after this time has been forgotten; 0: nothing at all. */
uint64_t sn_connections__forgotten(const struct sn_connections *connections);

/* ---- what happens to files (source_fanotify.c; Linux) ---- */
struct sn_files;

/* events = filtered + gone + unresolved + recorded + dropped + overflows. */
struct sn_files_stats {
	uint64_t events, overflows;
	uint64_t filtered;   /* no plain file, neither executable nor in one of the places, or the sensor's own */
	uint64_t gone;	     /* deleted before it could be looked at */
	uint64_t unresolved; /* it or its path could not be found */
	uint64_t recorded, dropped; /* dropped: no room in the ring when the source was stopped */
	uint64_t priority_refused;
};

/* -EPERM, -ENOSYS: fanotify cannot be used. `capture` tells how far the events of processes have come. */
int sn_files__open(struct sn_engine *engine, struct sn_capture *capture, struct sn_files **out);
void sn_files__close(struct sn_files *files);
/* A folder below which every file counts. Before the run. -ENOSPC. */
int sn_files__place(struct sn_files *files, const char *path);
/* Watches the whole file system that is mounted on `path`; `dev` as in sn_exec. Any thread. -EEXIST: it is watched;
 * -errno of fanotify_mark; -ENOSPC. */
int sn_files__watch(struct sn_files *files, const char *path, uint32_t dev);
/* Its thread: until sn_files__stop. */
int sn_files__run(struct sn_files *files);
void sn_files__stop(struct sn_files *files);
void sn_files__stats(struct sn_files *files, struct sn_files_stats *out);
#endif
