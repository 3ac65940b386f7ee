// sources: windows_unwind.c windows_made.c windows_reading.c windows_given.c windows_file.c windows_cmd.c
// sources: windows_settings.c windows_payload.c windows_powershell.c windows_variables.c windows_control.c
// sources: windows_words.c unwind.c reading.c given.c grammar.c shell_words.c sed_program.c bytes.c
/* unwind_input.h with a process creation: image, original name, command line, parent's image and command line.
 * Whatever passes the verifier unwinds without reading out of bounds. */
#include "unwind_input.h"
#include "windows_unwind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint32_t read_so_far; /* keeps the reads */

static void unwind(const struct sn_grammars *grammars, struct sn_bytes texts)
{
	struct sn_win_proxies *proxies = sn_win_proxies__new(SN_UNWIND_DEPTH);
	struct sn_bytes text[5];
	const struct sn_proxy *proxy;
	bool renamed;

	if (!proxies)
		abort();
	for (uint32_t i = 0; i < 5; i++) {
		struct sn_bytes first = take_text(&texts);

		text[i] = first.len ? own(first.at, first.len) : (struct sn_bytes){0};
	}
	const struct sn_start start = {text[0], text[1], text[2], text[3], text[4]};

	proxy = sn_win_proxies__see(proxies, grammars, &start, sn_win_proxy__identity(grammars, &start, &renamed),
				    NULL);
	if (proxy->depth > 2 * SN_UNWIND_DEPTH || (proxy->depth && !proxy->kind == !proxy->doubt.len))
		abort();
	read_so_far = sum(proxy->chain) + sum(proxy->class) + sum(proxy->text) + sum(proxy->path) + sum(proxy->url) +
		      sum(proxy->doubt);
	for (uint32_t i = 0; i < 5; i++)
		free((void *)text[i].at);
	sn_win_proxies__free(proxies);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unwind_input(data, size, unwind);
	return 0;
}
