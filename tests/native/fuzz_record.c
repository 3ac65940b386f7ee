// sources: record.c
/* sn_record__check: where it says sound, every span can be read to its end. */
#include <string.h>

#include "check.h"
#include "sensor.h"

static uint32_t sum(const uint8_t *record, struct sn_span span)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < span.len; i++)
		sum += record[span.off + i];
	return sum;
}

volatile uint32_t fuzz_sink; /* keeps the compiler from leaving the reads out */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sn_exec exec;
	uint8_t *copy;

	if (size < sizeof(struct sn_header))
		return sn_record__check(data, size) == 0;
	/* Exactly as large as it is, so that the sanitizer sees a read beyond; the size is put right half of the time
	 * to get past the first test. */
	copy = malloc(size);
	CHECK(copy);
	memcpy(copy, data, size);
	if (copy[4] & 0x80) {
		uint32_t right = (uint32_t)size;

		copy[4] &= 0x7f;
		memcpy(copy, &right, sizeof(right));
	}
	if (sn_record__check(copy, size) == 0 && (copy[4] == SN_EXEC || copy[4] == SN_PROCESS)) {
		memcpy(&exec, copy, sizeof(exec));
		fuzz_sink = sum(copy, exec.image) + sum(copy, exec.script) + sum(copy, exec.cwd) + sum(copy, exec.argv);
		CHECK(exec.argv_head <= exec.argv.len);
	}
	free(copy);
	return 0;
}
