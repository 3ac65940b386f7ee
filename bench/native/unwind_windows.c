/* SPDX-License-Identifier: Apache-2.0
 *
 * unwind_windows GRAMMARS STARTS SECONDS: ns a process of sn_win_proxies__see. STARTS: process creations, each of five
 * texts ended by NUL: image, original name, command line, parent's image, parent's command line. A figure is the least
 * of many rounds' means. Printed: {"execs": [[ns, instructions or null, names in the chain], ...]}.
 */
#include "rounds.h"
#include "windows_unwind.h"

enum { ROUND = 64, TEXTS = 5 };

/* What a round does. */
struct work {
	struct sn_win_proxies *proxies;
	struct sn_grammars grammars;
	struct sn_start start;
};

static uint32_t round_of(void *of)
{
	const struct work *work = of;
	const struct sn_grammar *identity;
	uint32_t depth = 0;
	bool renamed;

	for (uint32_t i = 0; i < ROUND; i++) {
		identity = sn_win_proxy__identity(&work->grammars, &work->start, &renamed);
		depth = sn_win_proxies__see(work->proxies, &work->grammars, &work->start, identity, NULL)->depth;
	}
	return depth;
}

int main(int argc, char **argv)
{
	struct work work = {.proxies = sn_win_proxies__new(SN_UNWIND_DEPTH)};
	struct sn_bytes rest;
	size_t size;
	const char *bytes;

	if (argc != 4) {
		fprintf(stderr, "usage: unwind_windows GRAMMARS STARTS SECONDS\n");
		return 2;
	}
	need(work.proxies);
	open_grammars(argv[1], &work.grammars);
	bytes = read_file(argv[2], &size);
	rest = (struct sn_bytes){(const uint8_t *)bytes, (uint32_t)size};
	printf("{\"execs\": [");
	for (bool first = true; rest.len; first = false) {
		struct sn_bytes text[TEXTS];

		for (uint32_t i = 0; i < TEXTS; i++) {
			text[i] = sn_bytes__first(rest);
			rest = sn_bytes__behind(rest, text[i].len < rest.len ? text[i].len + 1 : rest.len);
		}
		work.start = (struct sn_start){text[0], text[1], text[2], text[3], text[4]};
		if (!first)
			printf(", ");
		print_step(round_of, &work, ROUND, atof(argv[3]));
	}
	puts("]}");
	sn_win_proxies__free(work.proxies);
	return 0;
}
