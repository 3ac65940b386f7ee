// sources: unwind.c reading.c given.c grammar.c shell_words.c sed_program.c bytes.c
/* A file is the size of a grammar's bytes, those bytes, and a command line: image and arguments, each ended by NUL.
 * Whatever passes the verifier unwinds without reading out of bounds, and names only what it was given or made. */
#include <stdlib.h>
#include <string.h>

#include "unwind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sn_unwinder unwinder;
static volatile uint32_t read_so_far; /* keeps the reads */

/* Copies to memory of its own, so that a read behind the end is seen. */
static uint8_t *own(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	return copy;
}

/* Reads every byte. */
static uint32_t sum(struct sn_bytes bytes)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < bytes.len; i++)
		sum += bytes.at[i];
	return sum;
}

static void unwind(const struct sn_grammars *grammars, const uint8_t *line, uint32_t size)
{
	const uint8_t *nul = memchr(line, 0, size);
	uint32_t image = nul ? (uint32_t)(nul - line) : size, skip = nul ? image + 1 : size;
	struct sn_bytes argv = {line + skip, size - skip};
	struct sn_unwound out;

	unwinder.limit = SN_UNWIND_DEPTH;
	if (sn_unwinder__run(&unwinder, grammars, (struct sn_bytes){line, image}, argv, size & 1, &out) == 0)
		return;
	if (out.depth > SN_UNWIND_DEPTH || !out.kind == !out.doubt.len)
		abort();
	read_so_far = sum(out.class) + sum(out.argv) + sum(out.text) + sum(out.path) + sum(out.url) + sum(out.piped) +
		      sum(out.doubt);
	for (uint32_t i = 0; i < out.depth; i++)
		read_so_far += sum(out.chain[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sn_grammars grammars;
	uint32_t grammar_size;
	uint8_t *bytes, *line;

	if (size < sizeof(grammar_size))
		return 0;
	memcpy(&grammar_size, data, sizeof(grammar_size));
	data += sizeof(grammar_size);
	size -= sizeof(grammar_size);
	if (grammar_size > size)
		return 0;
	bytes = own(data, grammar_size);
	line = own(data + grammar_size, size - grammar_size);
	if (sn_grammars__open(bytes, grammar_size, &grammars) == 0)
		unwind(&grammars, line, (uint32_t)(size - grammar_size));
	free(bytes);
	free(line);
	return 0;
}
