// sources: unwind.c reading.c given.c grammar.c shell_words.c sed_program.c bytes.c
/* unwind_input.h with a command line: image and arguments. Whatever passes the verifier unwinds without reading out of
 * bounds, and names only what it was given or made. */
#include "unwind.h"
#include "unwind_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sn_unwinder unwinder;
static volatile uint32_t read_so_far; /* keeps the reads */

static void unwind(const struct sn_grammars *grammars, struct sn_bytes texts)
{
	bool cut = texts.len & 1;
	struct sn_bytes image = take_text(&texts);
	struct sn_unwound out;

	unwinder.limit = SN_UNWIND_DEPTH;
	if (sn_unwinder__run(&unwinder, grammars, image, texts, cut, &out) == 0)
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
	unwind_input(data, size, unwind);
	return 0;
}
