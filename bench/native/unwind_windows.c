/* SPDX-License-Identifier: Apache-2.0
 *
 * unwind_windows GRAMMARS STARTS SECONDS: ns a process of sn_win_proxies__see. STARTS: process creations, each of five
 * texts ended by NUL: image, original name, command line, parent's image, parent's command line. A figure is the least
 * of many rounds' means. Printed: {"execs": [[ns, instructions or null, names in the chain], ...]}.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "windows_unwind.h"

enum { ROUND = 64, TEXTS = 5 };

static void die(const char *what)
{
	fprintf(stderr, "unwind_windows: %s\n", what);
	exit(1);
}

static uint8_t *read_file(const char *path, size_t *size)
{
	static uint8_t room[2][4 << 20];
	static int files;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, room[files], sizeof(room[0]));

	if (got < 0 || got == sizeof(room[0]))
		die("a file cannot be read, or is too large");
	close(fd);
	*size = (size_t)got;
	return room[files++];
}

static uint32_t round_of(struct sn_win_proxies *proxies, const struct sn_grammars *grammars,
			 const struct sn_start *start)
{
	uint32_t depth = 0;

	for (uint32_t i = 0; i < ROUND; i++)
		depth = sn_win_proxies__see(proxies, grammars, start)->depth;
	return depth;
}

static void measure(struct sn_win_proxies *proxies, const struct sn_grammars *grammars, const struct sn_start *start,
		    double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9), least = UINT64_MAX;
	int counter = open_counter();
	uint32_t depth;

	do {
		uint64_t begin = now_ns();

		depth = round_of(proxies, grammars, start);
		begin = now_ns() - begin;
		least = begin < least ? begin : least;
	} while (now_ns() < end);
	printf("[%.1f, ", (double)least / ROUND);
	if (counter < 0) {
		printf("null");
	} else {
		start_counter(counter);
		round_of(proxies, grammars, start);
		printf("%.1f", (double)stop_counter(counter) / ROUND);
		close(counter);
	}
	printf(", %u]", depth);
}

int main(int argc, char **argv)
{
	struct sn_win_proxies *proxies = sn_win_proxies__new(SN_UNWIND_DEPTH);
	struct sn_grammars grammars;
	struct sn_bytes rest;
	size_t size;
	uint8_t *bytes;

	if (argc != 4) {
		fprintf(stderr, "usage: unwind_windows GRAMMARS STARTS SECONDS\n");
		return 2;
	}
	bytes = read_file(argv[1], &size);
	if (!proxies || sn_grammars__open(bytes, size, &grammars))
		die("the grammars are refused");
	bytes = read_file(argv[2], &size);
	rest = (struct sn_bytes){bytes, (uint32_t)size};
	printf("{\"execs\": [");
	for (bool first = true; rest.len; first = false) {
		struct sn_bytes text[TEXTS];

		for (uint32_t i = 0; i < TEXTS; i++) {
			text[i] = sn_bytes__first(rest);
			rest = sn_bytes__behind(rest, text[i].len < rest.len ? text[i].len + 1 : rest.len);
		}
		const struct sn_start start = {text[0], text[1], text[2], text[3], text[4]};

		if (!first)
			printf(", ");
		measure(proxies, &grammars, &start, atof(argv[3]));
	}
	puts("]}");
	sn_win_proxies__free(proxies);
	return 0;
}
