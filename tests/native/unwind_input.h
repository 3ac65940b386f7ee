/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzzers of unwinding share. A file is the size of a grammar's bytes, those bytes, and the texts of a start,
 * each ended by NUL.
 */
#ifndef SN_TEST_UNWIND_INPUT_H
#define SN_TEST_UNWIND_INPUT_H
#include <stdlib.h>
#include <string.h>

#include "grammar.h"

/* Copies to memory of its own, so that a read behind the end is seen. The caller frees it. */
static inline struct sn_bytes own(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	return (struct sn_bytes){copy, (uint32_t)size};
}

/* Reads every byte. */
static inline uint32_t sum(struct sn_bytes bytes)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < bytes.len; i++)
		sum += bytes.at[i];
	return sum;
}

/* Takes the text up to the next NUL off `rest`. */
static inline struct sn_bytes take_text(struct sn_bytes *rest)
{
	struct sn_bytes text = sn_bytes__first(*rest);

	*rest = sn_bytes__behind(*rest, text.len < rest->len ? text.len + 1 : rest->len);
	return text;
}

/* Unwinds the texts of the file by its grammars, if these pass the verifier. */
static inline void unwind_input(const uint8_t *data, size_t size,
				void (*unwind)(const struct sn_grammars *grammars, struct sn_bytes texts))
{
	struct sn_grammars grammars;
	struct sn_bytes bytes, texts;
	uint32_t grammar_size;

	if (size < sizeof(grammar_size))
		return;
	memcpy(&grammar_size, data, sizeof(grammar_size));
	data += sizeof(grammar_size);
	size -= sizeof(grammar_size);
	if (grammar_size > size)
		return;
	bytes = own(data, grammar_size);
	texts = own(data + grammar_size, size - grammar_size);
	if (sn_grammars__open(bytes.at, grammar_size, &grammars) == 0)
		unwind(&grammars, texts);
	free((void *)bytes.at);
	free((void *)texts.at);
}
#endif
