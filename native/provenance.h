/* SPDX-License-Identifier: Apache-2.0
 *
 * The public functions about files and where they come from; part of sensor.h, by the same rules.
 */
#ifndef SN_PROVENANCE_H
#define SN_PROVENANCE_H
#include <stddef.h>
#include <stdint.h>

struct sn_engine;

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
#endif
