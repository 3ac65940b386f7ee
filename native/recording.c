/* SPDX-License-Identifier: Apache-2.0 */
#include "recording.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc32c.h"

enum {
	VERSION = 2, /* 1: execs end before file_size */
	OLD_EXEC = offsetof(struct sn_exec, file_size),
	MAGIC_SIZE = 8,
	PREFIX_SIZE = MAGIC_SIZE + 8, /* magic, version, size of the header */
	FRAME_SIZE = 8,		      /* length, crc */
	HEADER_MAX = 1 << 20,
	BUFFER_SIZE = 1 << 18, /* several of the largest records: one write or read a block */
};

static const char MAGIC[MAGIC_SIZE + 1] = "LINSANG\n";

struct sn_recording {
	struct sn_crc32c crc;
	int fd;
	int writing;
	int error;    /* writing: the first -errno. Reading: what the last sn_recording__next came to, once it ended */
	char *header; /* reading only */
	size_t header_size;
	size_t used;	 /* writing: bytes not yet written. Reading: bytes that are in the buffer */
	size_t at;	 /* reading: the next byte to look at */
	uint64_t offset; /* reading: of buffer[0] in the file */
	uint32_t version;
	uint32_t length; /* of the last record, as it is in the file */
	_Alignas(8) uint8_t buffer[BUFFER_SIZE];
	_Alignas(8) uint8_t widened[SN_RECORD_MAX]; /* reading: a record of version 1 */
};

static struct sn_recording *new_recording(int fd, int writing)
{
	struct sn_recording *recording = calloc(1, sizeof(*recording));

	if (!recording)
		return NULL;
	sn_crc32c__init(&recording->crc);
	recording->fd = fd;
	recording->writing = writing;
	return recording;
}

/* ---- writing ---- */

int sn_recording__flush(struct sn_recording *recording)
{
	size_t done = 0;

	while (!recording->error && done < recording->used) {
		ssize_t n = write(recording->fd, recording->buffer + done, recording->used - done);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno != EINTR)
			recording->error = -errno;
	}
	recording->used = 0;
	return recording->error;
}

static void put(struct sn_recording *recording, const void *bytes, size_t size)
{
	while (size) {
		size_t room = BUFFER_SIZE - recording->used, n = size < room ? size : room;

		memcpy(recording->buffer + recording->used, bytes, n);
		recording->used += n;
		bytes = (const uint8_t *)bytes + n;
		size -= n;
		if (recording->used == BUFFER_SIZE)
			sn_recording__flush(recording);
	}
}

int sn_recording__create(int fd, const char *header, size_t size, struct sn_recording **out)
{
	uint32_t words[2] = {VERSION, (uint32_t)size}, crc;
	struct sn_recording *recording;
	int rc;

	if (size > HEADER_MAX)
		return -EINVAL;
	recording = new_recording(fd, 1);
	if (!recording)
		return -ENOMEM;
	put(recording, MAGIC, MAGIC_SIZE);
	put(recording, words, sizeof(words));
	crc = sn_crc32c__update(&recording->crc, 0, recording->buffer, PREFIX_SIZE);
	crc = sn_crc32c__update(&recording->crc, crc, header, size);
	put(recording, header, size);
	put(recording, &crc, sizeof(crc));
	/* a file that cannot be written is found out now, not at the first full block */
	rc = sn_recording__flush(recording);
	if (rc)
		sn_recording__close(recording);
	else
		*out = recording;
	return rc;
}

int sn_recording__append(struct sn_recording *recording, const void *record, size_t size)
{
	uint32_t frame[2] = {(uint32_t)size, 0};

	if (recording->error)
		return recording->error;
	if (size > SN_RECORD_MAX)
		return -EINVAL;
	frame[1] = sn_crc32c__update(&recording->crc, 0, frame, sizeof(*frame));
	frame[1] = sn_crc32c__update(&recording->crc, frame[1], record, size);
	put(recording, frame, sizeof(frame));
	put(recording, record, size);
	return recording->error;
}

/* ---- reading ---- */

static void compact(struct sn_recording *recording)
{
	memmove(recording->buffer, recording->buffer + recording->at, recording->used - recording->at);
	recording->offset += recording->at;
	recording->used -= recording->at;
	recording->at = 0;
}

/* Makes `need` bytes available at buffer + at: 1, 0 at the end of the file, -errno. need <= BUFFER_SIZE */
static int fill(struct sn_recording *recording, size_t need)
{
	if (recording->used - recording->at >= need)
		return 1;
	compact(recording);
	while (recording->used < need) {
		ssize_t n = read(recording->fd, recording->buffer + recording->used, BUFFER_SIZE - recording->used);

		if (n > 0)
			recording->used += (size_t)n;
		else if (!n)
			return 0;
		else if (errno != EINTR)
			return -errno;
	}
	return 1;
}

/* The header may be larger than the buffer. */
static int read_header(struct sn_recording *recording, uint32_t crc)
{
	size_t done = 0;
	uint32_t stored;

	while (done < recording->header_size) {
		size_t want = recording->header_size - done, n;
		int rc = fill(recording, 1);

		if (rc <= 0)
			return rc ? rc : -EINVAL;
		n = recording->used - recording->at;
		n = n < want ? n : want;
		memcpy(recording->header + done, recording->buffer + recording->at, n);
		recording->at += n;
		done += n;
	}
	if (fill(recording, sizeof(stored)) != 1)
		return -EINVAL;
	memcpy(&stored, recording->buffer + recording->at, sizeof(stored));
	recording->at += sizeof(stored);
	crc = sn_crc32c__update(&recording->crc, crc, recording->header, recording->header_size);
	/* from here on all lengths are multiples of 8, so every record is given out 8-aligned */
	compact(recording);
	return crc == stored ? 0 : -EINVAL;
}

static int read_prefix(struct sn_recording *recording)
{
	uint32_t words[2], crc;
	int rc = fill(recording, PREFIX_SIZE);

	if (rc <= 0)
		return rc ? rc : -EINVAL;
	memcpy(words, recording->buffer + MAGIC_SIZE, sizeof(words));
	if (memcmp(recording->buffer, MAGIC, MAGIC_SIZE) != 0 || !words[0] || words[0] > VERSION ||
	    words[1] > HEADER_MAX)
		return -EINVAL;
	recording->version = words[0];
	crc = sn_crc32c__update(&recording->crc, 0, recording->buffer, PREFIX_SIZE);
	recording->at = PREFIX_SIZE;
	recording->header_size = words[1];
	recording->header = malloc(words[1] ? words[1] : 1);
	return recording->header ? read_header(recording, crc) : -ENOMEM;
}

int sn_recording__open(int fd, struct sn_recording **out)
{
	struct sn_recording *recording = new_recording(fd, 0);
	int rc;

	if (!recording)
		return -ENOMEM;
	rc = read_prefix(recording);
	if (rc)
		sn_recording__close(recording);
	else
		*out = recording;
	return rc;
}

int64_t sn_recording__header(struct sn_recording *recording, char *buf, size_t size)
{
	if (size < recording->header_size)
		return -ENOSPC;
	if (recording->header_size)
		memcpy(buf, recording->header, recording->header_size);
	return (int64_t)recording->header_size;
}

/* 1 and the record at buffer + at + FRAME_SIZE, or how the file ends here. */
static int read_record(struct sn_recording *recording, uint32_t *length)
{
	uint32_t frame[2], crc;
	int rc = fill(recording, FRAME_SIZE);

	if (rc <= 0)
		return rc || recording->used == recording->at ? rc : -ENODATA;
	memcpy(frame, recording->buffer + recording->at, sizeof(frame));
	if (frame[0] < sizeof(struct sn_header) || frame[0] > SN_RECORD_MAX || frame[0] % 8)
		return -EBADMSG;
	rc = fill(recording, FRAME_SIZE + frame[0]);
	if (rc <= 0)
		return rc ? rc : -ENODATA;
	crc = sn_crc32c__update(&recording->crc, 0, frame, sizeof(*frame));
	crc = sn_crc32c__update(&recording->crc, crc, recording->buffer + recording->at + FRAME_SIZE, frame[0]);
	*length = frame[0];
	return crc == frame[1] ? 1 : -EBADMSG;
}

static void move_span(struct sn_span *span, uint32_t by)
{
	if (span->len)
		span->off += by;
}

/* A record of version 1 as it is now. What was not known then is 0; one that does not fit any more stays as it is. */
static const void *widen(struct sn_recording *recording, const void *record, uint32_t *length)
{
	const uint32_t by = sizeof(struct sn_exec) - OLD_EXEC;
	struct sn_exec *exec = (struct sn_exec *)recording->widened;
	struct sn_header header;

	memcpy(&header, record, sizeof(header));
	if ((header.type != SN_EXEC && header.type != SN_PROCESS) || *length < OLD_EXEC || *length > SN_RECORD_MAX - by)
		return record;
	memcpy(exec, record, OLD_EXEC);
	memset(recording->widened + OLD_EXEC, 0, by);
	memcpy(exec + 1, (const uint8_t *)record + OLD_EXEC, *length - OLD_EXEC);
	move_span(&exec->image, by);
	move_span(&exec->script, by);
	move_span(&exec->cwd, by);
	move_span(&exec->argv, by);
	exec->h.size += by;
	*length += by;
	return exec;
}

int sn_recording__next(struct sn_recording *recording, const void **record, uint64_t *offset)
{
	uint32_t length = 0;
	int rc;

	*record = NULL;
	*offset = recording->offset + recording->at;
	/* beyond damage nothing is trusted: the end stays where it was first found */
	if (recording->error)
		return recording->error;
	rc = read_record(recording, &length);
	*offset = recording->offset + recording->at;
	if (rc == 1) {
		*record = recording->buffer + recording->at + FRAME_SIZE;
		recording->at += FRAME_SIZE + length;
		recording->length = length;
		if (recording->version < VERSION)
			*record = widen(recording, *record, &length);
		return sn_record__check(*record, length) ? (recording->error = -EBADMSG) : 1;
	}
	recording->error = rc;
	return rc;
}

int sn_recording__ready(const struct sn_recording *recording)
{
	size_t left = recording->used - recording->at;
	uint32_t length;

	if (recording->error || left < FRAME_SIZE)
		return recording->error != 0;
	memcpy(&length, recording->buffer + recording->at, sizeof(length));
	return length > SN_RECORD_MAX || left - FRAME_SIZE >= length;
}

void sn_recording__unread(struct sn_recording *recording)
{
	recording->at -= FRAME_SIZE + recording->length;
}

void sn_recording__close(struct sn_recording *recording)
{
	if (!recording)
		return;
	if (recording->writing)
		sn_recording__flush(recording);
	free(recording->header);
	free(recording);
}
