// sources: record_json.c record_write.c record_parse.c json.c json_write.c record.c schema.c text.c
/* sn_record__json: any record that the check lets through becomes text, in a buffer of any size, and sn_record__parse
 * makes the same text's record of it; of other text it makes a sound record or none. */
#include <string.h>

#include "check.h"
#include "sensor.h"

static uint64_t parsed[SN_RECORD_MAX / 8];

static void parse_back(const uint8_t *record, const char *text, int64_t n)
{
	enum { ROOM = 8 * SN_RECORD_MAX };
	static char again[ROOM];
	const struct sn_header *h = (const struct sn_header *)record;
	int64_t size = sn_record__parse(text, (size_t)n, parsed, sizeof(parsed));

	/* spans may share bytes in a made-up record, not in a parsed one: then it may not fit */
	if (size < 0 || h->flags & SN_F_ARGV_TRUNCATED)
		return;
	CHECK(sn_record__json(parsed, (size_t)size, 0, again, sizeof(again)) == n &&
	      memcmp(text, again, (size_t)n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { ROOM = 8 * SN_RECORD_MAX };
	static char whole[ROOM];
	char small[512];
	struct sn_header h;
	uint8_t *copy;
	int64_t n;

	n = sn_record__parse((const char *)data, size, parsed, sizeof(parsed));
	CHECK(n < 0 || sn_record__check(parsed, (size_t)n) == 0);
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
		n = sn_record__json(copy, size, 0, whole, sizeof(whole));
		parse_back(copy, whole, n);
		if (n > (int64_t)sizeof(small))
			CHECK(sn_record__json(copy, size, (int64_t)h.time, small, sizeof(small)) < 0);
	}
	free(copy);
	return 0;
}
