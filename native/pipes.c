/* SPDX-License-Identifier: Apache-2.0 */
#include "pipes.h"

#include <stddef.h>
#include <string.h>

static const uint8_t bar[3] = {' ', '|', ' '};

const struct sn_pipe *sn_pipes__find(const struct sn_pipes *pipes, uint32_t inode)
{
	const struct sn_pipe *pipe = &pipes->slot[inode % SN_PIPES];

	return inode && pipe->inode == inode ? pipe : NULL;
}

static struct sn_pipe *take(struct sn_pipes *pipes, uint32_t inode)
{
	struct sn_pipe *pipe = &pipes->slot[inode % SN_PIPES];

	if (pipe->inode != inode)
		*pipe = (struct sn_pipe){.inode = inode};
	return pipe;
}

/* As much of `bytes` as there is room for; NULs between arguments become blanks. */
static uint32_t append(uint8_t *room, uint32_t used, uint32_t size, struct sn_bytes bytes)
{
	for (uint32_t i = 0; i < bytes.len && used < size; i++)
		room[used++] = bytes.at[i] ? bytes.at[i] : ' ';
	return used;
}

void sn_pipes__written(struct sn_pipes *pipes, uint32_t inode, const struct sn_pipe *before, struct sn_bytes argv)
{
	uint8_t text[SN_PIPE_TEXT];
	struct sn_pipe *pipe;
	uint32_t used = 0;

	if (before && before->text_len) {
		used = append(text, used, sizeof(text), (struct sn_bytes){before->text, before->text_len});
		used = append(text, used, sizeof(text), (struct sn_bytes){bar, sizeof(bar)});
	}
	if (argv.len && !argv.at[argv.len - 1])
		argv.len--;
	used = append(text, used, sizeof(text), argv);
	pipe = take(pipes, inode); /* perhaps in the place of `before` */
	pipe->text_len = (uint8_t)used;
	memcpy(pipe->text, text, used);
}

void sn_pipes__read(struct sn_pipes *pipes, uint32_t inode, struct sn_bytes name)
{
	struct sn_pipe *pipe = take(pipes, inode);

	pipe->reader_len = (uint8_t)append(pipe->reader, 0, sizeof(pipe->reader), name);
}

struct sn_bytes sn_pipe__line(const struct sn_pipe *pipe, struct sn_bytes reader, uint8_t *room)
{
	uint32_t size = SN_PIPE_TEXT + sizeof(bar) + SN_GRAMMAR_NAME_MAX;
	uint32_t used = append(room, 0, size, (struct sn_bytes){pipe->text, pipe->text_len});

	used = append(room, used, size, (struct sn_bytes){bar, sizeof(bar)});
	return (struct sn_bytes){room, append(room, used, size, reader)};
}
