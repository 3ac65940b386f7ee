/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_blobs: byte strings of any length in chains of equal blocks, shared by counting references.
 *
 *   blob 7 ──► block 7 ──► block 2 ──► block 9 ──► 0        block 0 is never used: 0 means none
 *              refs, size, last
 *
 * Any free block serves any blob, so memory cannot be lost to fragmentation and what is free is known exactly; a
 * freed block is the next to be used, so that only as much memory is touched as was once in use. The price is that a
 * blob must be copied out, which its readers do anyway. Which block is next is not said in the blocks, which are long
 * out of the caches when they are used again: to take one is to write it, with nothing to wait for.
 */
#ifndef SN_BLOB_STORE_H
#define SN_BLOB_STORE_H
#include <stddef.h>
#include <stdint.h>

enum { SN_BLOB_BLOCK = 128, SN_BLOB_BYTES = SN_BLOB_BLOCK - 12 };

struct sn_blob_block {
	uint32_t refs; /* first block only */
	uint32_t size; /* first block only */
	uint32_t last; /* first block only: frees the chain without walking it */
	uint8_t bytes[SN_BLOB_BYTES];
};

struct sn_blobs {
	/* the caller's memory, zeroed; capacity + 1 of each */
	struct sn_blob_block *block;
	uint32_t *next; /* of a block: the blob's next one, or the next that is free; 0: none */
	uint32_t capacity;
	uint32_t used;
	uint32_t free;	  /* chain of freed blocks */
	uint32_t touched; /* blocks up to here were in use once */
};

/* One stretch of a blob to be. */
struct sn_blob_part {
	const void *bytes;
	size_t size;
};

/* How many blocks a blob of `size` bytes takes. */
uint32_t sn_blobs__blocks(size_t size);
/* A new blob with one reference, its bytes the parts in order. The caller has seen to it that there is room. */
uint32_t sn_blobs__add(struct sn_blobs *blobs, const struct sn_blob_part *part, size_t parts);
uint32_t sn_blobs__share(struct sn_blobs *blobs, uint32_t blob);
/* Gives one reference back; with the last one the blocks. 0 is allowed. */
void sn_blobs__drop(struct sn_blobs *blobs, uint32_t blob);
size_t sn_blobs__size(const struct sn_blobs *blobs, uint32_t blob);
/* Copies the whole blob out; `out` has room for sn_blobs__size. */
void sn_blobs__read(const struct sn_blobs *blobs, uint32_t blob, void *out);
#endif
