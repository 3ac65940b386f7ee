// sources: recording.c record.c crc32c.c
/* The reader of recordings: any file ends, and every record that it gives is sound and lies where it says. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "crc32c.h"
#include "recording.h"

/* Right checksums, so that the fuzzer gets past them: over what is there of each frame. */
static void mend(uint8_t *file, size_t size)
{
	static struct sn_crc32c crc;
	static int ready;
	uint32_t length, sum;
	size_t at;

	if (!ready)
		sn_crc32c__init(&crc);
	ready = 1;
	memcpy(file, "LINSANG\n", 8);
	file[8] = file[8] & 1 ? 1 : 2;
	file[9] = file[10] = 0;
	memcpy(&length, file + 12, sizeof(length));
	length %= 64;
	memcpy(file + 12, &length, sizeof(length));
	at = 16 + length;
	if (at + 4 > size)
		return;
	file[11] = 0;
	sum = sn_crc32c__update(&crc, 0, file, at);
	memcpy(file + at, &sum, sizeof(sum));
	for (at += 4; at + 8 <= size; at += 8 + length) {
		memcpy(&length, file + at, sizeof(length));
		if (length > size - at - 8)
			return;
		sum = sn_crc32c__update(&crc, 0, file + at, 4);
		sum = sn_crc32c__update(&crc, sum, file + at + 8, length);
		memcpy(file + at + 4, &sum, sizeof(sum));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t copy[1 << 16];
	struct sn_recording *recording;
	const void *record;
	uint64_t offset, before = 0;
	uint32_t length;
	int fd, rc;

	if (size < 24 || size > sizeof(copy))
		return 0;
	memcpy(copy, data, size);
	if (data[0] & 1)
		mend(copy, size);
	fd = memfd_create("recording", 0);
	CHECK(fd >= 0 && write(fd, copy, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	if (sn_recording__open(fd, &recording) == 0) {
		while ((rc = sn_recording__next(recording, &record, &offset)) == 1) {
			memcpy(&length, record, sizeof(length));
			CHECK(offset > before && (uintptr_t)record % 8 == 0);
			CHECK(sn_record__check(record, length) == 0);
			/* execs of version 1 are widened */
			CHECK(copy[8] == 1 || memcmp(copy + offset + 8, record, length) == 0);
			before = offset;
		}
		CHECK(rc == 0 || rc == -EBADMSG || rc == -ENODATA);
		CHECK(sn_recording__next(recording, &record, &offset) == rc && offset <= size);
		sn_recording__close(recording);
	}
	close(fd);
	return 0;
}
