/* SPDX-License-Identifier: Apache-2.0
 *
 * See blob_store.h.
 */
#include "blob_store.h"

#include <string.h>

#include "few_bytes.h"

_Static_assert(sizeof(struct sn_blob_block) == SN_BLOB_BLOCK, "a block is two cache lines");

uint32_t sn_blobs__blocks(size_t size)
{
	return (uint32_t)((size + SN_BLOB_BYTES - 1) / SN_BLOB_BYTES);
}

static uint32_t take_block(struct sn_blobs *blobs)
{
	uint32_t index = blobs->free;

	if (index)
		blobs->free = blobs->next[index];
	else
		index = ++blobs->touched;
	blobs->used++;
	blobs->next[index] = 0;
	return index;
}

uint32_t sn_blobs__add(struct sn_blobs *blobs, const struct sn_blob_part *part, size_t parts)
{
	uint32_t first = take_block(blobs), index = first;
	size_t filled = 0, total = 0;

	for (size_t i = 0; i < parts; i++) {
		const uint8_t *from = part[i].bytes;
		size_t left = part[i].size;

		total += left;
		while (left) {
			size_t room = SN_BLOB_BYTES - filled, n = left < room ? left : room;

			if (!room) {
				blobs->next[index] = take_block(blobs);
				index = blobs->next[index];
				filled = 0;
				continue;
			}
			sn_bytes__copy(blobs->block[index].bytes + filled, from, n);
			filled += n;
			from += n;
			left -= n;
		}
	}
	blobs->block[first].refs = 1;
	blobs->block[first].size = (uint32_t)total;
	blobs->block[first].last = index;
	return first;
}

uint32_t sn_blobs__share(struct sn_blobs *blobs, uint32_t blob)
{
	if (blob)
		blobs->block[blob].refs++;
	return blob;
}

void sn_blobs__drop(struct sn_blobs *blobs, uint32_t blob)
{
	struct sn_blob_block *first = &blobs->block[blob];

	if (!blob || --first->refs)
		return;
	blobs->next[first->last] = blobs->free;
	blobs->free = blob;
	blobs->used -= sn_blobs__blocks(first->size);
}

size_t sn_blobs__size(const struct sn_blobs *blobs, uint32_t blob)
{
	return blobs->block[blob].size;
}

void sn_blobs__read(const struct sn_blobs *blobs, uint32_t blob, void *out)
{
	size_t left = blobs->block[blob].size;
	uint8_t *to = out;

	for (; left > SN_BLOB_BYTES; left -= SN_BLOB_BYTES, to += SN_BLOB_BYTES, blob = blobs->next[blob])
		memcpy(to, blobs->block[blob].bytes, SN_BLOB_BYTES);
	sn_bytes__copy(to, blobs->block[blob].bytes, (uint32_t)left);
}
