/* SPDX-License-Identifier: Apache-2.0
 *
 * Who writes into the pipe that a shell reads its commands from: `curl http://x/ | sh` typed at a prompt or written in
 * a script is two programs that no text announces, but a pipe that one of them writes and the other reads. Either may
 * be started first. Fixed in size: whoever shares a slot drives the older one out.
 */
#ifndef SN_PIPES_H
#define SN_PIPES_H
#include <stdint.h>

#include "bytes.h"
#include "grammar.h"

enum {
	SN_PIPES = 256,
	SN_PIPE_TEXT = 200, /* of what writes it; longer ones are cut */
};

struct sn_pipe {
	uint32_t inode; /* 0: free */
	uint8_t text_len;
	uint8_t reader_len; /* 0: nobody waits for its commands */
	uint8_t text[SN_PIPE_TEXT];
	uint8_t reader[SN_GRAMMAR_NAME_MAX];
};

struct sn_pipes {
	struct sn_pipe slot[SN_PIPES];
};

/* What is known of it; NULL: nothing, or `inode` is 0. */
const struct sn_pipe *sn_pipes__find(const struct sn_pipes *pipes, uint32_t inode);
/* A program with these arguments, each ended by NUL, writes into it; it reads from `before`, which may be NULL. */
void sn_pipes__written(struct sn_pipes *pipes, uint32_t inode, const struct sn_pipe *before, struct sn_bytes argv);
/* A program of that name waits for commands out of it. */
void sn_pipes__read(struct sn_pipes *pipes, uint32_t inode, struct sn_bytes name);
/* "WRITER | READER" into `room`, at least SN_PIPE_TEXT + 3 + SN_GRAMMAR_NAME_MAX bytes. */
struct sn_bytes sn_pipe__line(const struct sn_pipe *pipe, struct sn_bytes reader, uint8_t *room);
#endif
