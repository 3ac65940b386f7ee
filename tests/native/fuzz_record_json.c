// sources: record_json.c record.c schema.c text.c
/* sn_record__json: any record that the check lets through becomes text, in a buffer of any size. */
#include <string.h>

#include "check.h"
#include "sensor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { ROOM = 8 * SN_RECORD_MAX };
	static char whole[ROOM];
	char small[512];
	struct sn_header h;
	uint8_t *copy;
	int64_t n;

	size &= ~(size_t)7;
	if (size < sizeof(h) || size > SN_RECORD_MAX)
		return 0;
	copy = malloc(size);
	CHECK(copy);
	memcpy(copy, data, size);
	memcpy(&h, copy, sizeof(h));
	/* most of the time past the first gate */
	h.size = (uint32_t)size;
	h.type = h.type % 10;
	memcpy(copy, &h, sizeof(h));
	n = sn_record__json(copy, size, (int64_t)h.time, whole, sizeof(whole));
	CHECK(n > 0 || sn_record__check(copy, size));
	if (n > 0) {
		CHECK(whole[0] == '{' && whole[n - 1] == '}' && !memchr(whole, '\n', (size_t)n));
		if (n > (int64_t)sizeof(small))
			CHECK(sn_record__json(copy, size, (int64_t)h.time, small, sizeof(small)) < 0);
	}
	free(copy);
	return 0;
}
