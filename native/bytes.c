/* SPDX-License-Identifier: Apache-2.0 */
#include "bytes.h"

#include <string.h>

const uint8_t *sn_bytes__find(struct sn_bytes in, struct sn_bytes what)
{
	const uint8_t *at = in.at, *end = in.at + in.len;

	while ((uint32_t)(end - at) >= what.len && (at = memchr(at, what.at[0], (size_t)(end - at) - what.len + 1))) {
		if (memcmp(at, what.at, what.len) == 0)
			return at;
		at++;
	}
	return NULL;
}

bool sn_bytes__begins(struct sn_bytes bytes, struct sn_bytes head)
{
	if (bytes.len < head.len)
		return false;
	for (uint32_t i = 0; i < head.len; i++)
		if (sn_bytes__lower(bytes.at[i]) != sn_bytes__lower(head.at[i]))
			return false;
	return true;
}

bool sn_bytes__equal(struct sn_bytes a, struct sn_bytes b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

struct sn_bytes sn_bytes__basename(struct sn_bytes path)
{
	const uint8_t *at = path.at + path.len;

	while (at > path.at && at[-1] != '/')
		at--;
	return (struct sn_bytes){at, (uint32_t)(path.at + path.len - at)};
}

static bool ends_url(uint8_t c)
{
	return c <= ' ' || strchr("\"'`|;<>()\\", c) != NULL;
}

struct sn_bytes sn_bytes__url(struct sn_bytes text)
{
	const struct sn_bytes mark = {(const uint8_t *)"://", 3};
	const uint8_t *at = text.at, *end = text.at + text.len;

	while ((at = sn_bytes__find((struct sn_bytes){at, (uint32_t)(end - at)}, mark)) != NULL) {
		const uint8_t *from = at, *to = at + 3;

		while (from > text.at && ((from[-1] | 32) >= 'a' && (from[-1] | 32) <= 'z'))
			from--;
		while (to < end && !ends_url(*to))
			to++;
		if (at - from >= 3 && at - from <= 5 && to > at + 3)
			return (struct sn_bytes){from, (uint32_t)(to - from)};
		at += 3;
	}
	return (struct sn_bytes){0};
}
