// sources: windows_unwind.c windows_reading.c windows_given.c windows_file.c windows_cmd.c windows_powershell.c
// sources: windows_words.c unwind.c reading.c given.c grammar.c shell_words.c sed_program.c bytes.c
/* A file is the size of a grammar's bytes, those bytes, and a process creation: image, original name, command line,
 * parent's image and command line, each ended by NUL. Whatever passes the verifier unwinds without reading out of
 * bounds. */
#include <stdlib.h>
#include <string.h>

#include "windows_unwind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint32_t read_so_far; /* keeps the reads */

/* Copies to memory of its own, so that a read behind the end is seen. */
static struct sn_bytes own(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	return (struct sn_bytes){copy, (uint32_t)size};
}

static uint32_t sum(struct sn_bytes bytes)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < bytes.len; i++)
		sum += bytes.at[i];
	return sum;
}

static void unwind(const struct sn_grammars *grammars, struct sn_bytes rest)
{
	struct sn_win_proxies *proxies = sn_win_proxies__new(SN_UNWIND_DEPTH);
	struct sn_bytes text[5];
	const struct sn_proxy *proxy;
	bool renamed;

	if (!proxies)
		abort();
	for (uint32_t i = 0; i < 5; i++) {
		struct sn_bytes first = sn_bytes__first(rest);

		rest = sn_bytes__behind(rest, first.len < rest.len ? first.len + 1 : rest.len);
		text[i] = first.len ? own(first.at, first.len) : (struct sn_bytes){0};
	}
	const struct sn_start start = {text[0], text[1], text[2], text[3], text[4]};

	proxy = sn_win_proxies__see(proxies, grammars, &start);
	if (proxy->depth > 2 * SN_UNWIND_DEPTH || (proxy->depth && !proxy->kind == !proxy->doubt.len))
		abort();
	read_so_far = sum(proxy->chain) + sum(proxy->class) + sum(proxy->text) + sum(proxy->path) + sum(proxy->url) +
		      sum(proxy->doubt) + (sn_win_proxy__identity(grammars, &start, &renamed) != NULL);
	for (uint32_t i = 0; i < 5; i++)
		free((void *)text[i].at);
	sn_win_proxies__free(proxies);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sn_grammars grammars;
	struct sn_bytes bytes, line;
	uint32_t grammar_size;

	if (size < sizeof(grammar_size))
		return 0;
	memcpy(&grammar_size, data, sizeof(grammar_size));
	data += sizeof(grammar_size);
	size -= sizeof(grammar_size);
	if (grammar_size > size)
		return 0;
	bytes = own(data, grammar_size);
	line = own(data + grammar_size, size - grammar_size);
	if (sn_grammars__open(bytes.at, grammar_size, &grammars) == 0)
		unwind(&grammars, line);
	free((void *)bytes.at);
	free((void *)line.at);
	return 0;
}
