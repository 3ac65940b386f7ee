// sources: path_key.c
/* SipHash-1-3 as CPython 3.11 makes it (hash(b"...") under PYTHONHASHSEED=0, a key of zeros); letters of ASCII count
 * alike, all else does not, nor does a path under another key; never 0. */
#include <string.h>

#include "check.h"
#include "path_key.h"

static const struct {
	const char *path;
	uint64_t hash;
} rows[] = {
	{"a", 0x407448d2b89b1813u},
	{"c:\\x.exe", 0x1aed08ecbc4f52c4u},
	{"c:\\windows\\system32\\rundll32.exe", 0xd53d44cc0bb4e161u},
};

enum { ROUNDS = 20000, LONGEST = 40 };

static struct sn_bytes bytes_of(const void *at, uint32_t len)
{
	return (struct sn_bytes){at, len};
}

int main(void)
{
	static const struct sn_path_key zero, other = {1, 0};
	uint64_t random = 1;

	for (uint32_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK(sn_path_key__of(&zero, bytes_of(rows[i].path, (uint32_t)strlen(rows[i].path))) == rows[i].hash);
	CHECK(sn_path_key__of(&zero, bytes_of("", 0)));
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint8_t path[LONGEST], same[LONGEST];
		uint32_t len = 1 + random_below(&random, LONGEST - 1), at = random_below(&random, len);
		uint64_t hash;

		for (uint32_t i = 0; i < len; i++) {
			path[i] = (uint8_t)random_below(&random, 256);
			same[i] =
				path[i] >= 'a' && path[i] <= 'z' && random_below(&random, 2) ? path[i] & 0xdf : path[i];
		}
		hash = sn_path_key__of(&zero, bytes_of(path, len));
		CHECK(sn_path_key__of(&zero, bytes_of(same, len)) == hash);
		CHECK(sn_path_key__of(&other, bytes_of(path, len)) != hash);
		CHECK(sn_path_key__of(&zero, bytes_of(path, len - 1)) != hash);
		path[at] ^= 0x80;
		CHECK(sn_path_key__of(&zero, bytes_of(path, len)) != hash);
	}
	return 0;
}
