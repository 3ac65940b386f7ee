/* SPDX-License-Identifier: Apache-2.0
 *
 * unwind GRAMMARS COMMANDS SECONDS: ns an exec of sn_proxies__see, for each command line. COMMANDS: command lines, each
 * argument ended by NUL, each line by one more. Every exec is another process, as far as the table of them is large, so
 * that its slots are not all in the nearest cache. A figure is the least of many rounds' means. Printed: {"execs":
 * [[ns, instructions or null, names in the chain], ...]}.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "proxy.h"

enum { ROUND = 256, PIDS = 65536 }; /* a round is short enough to be undisturbed now and then */

static void die(const char *what)
{
	fprintf(stderr, "unwind: %s\n", what);
	exit(1);
}

static uint8_t *read_file(const char *path, size_t *size)
{
	static uint8_t room[2][1 << 20];
	static int files;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, room[files], sizeof(room[0]));

	if (got < 0 || got == sizeof(room[0]))
		die("a file cannot be read, or is too large");
	close(fd);
	*size = (size_t)got;
	return room[files++];
}

/* An exec of /usr/bin/NAME with those arguments. */
static struct sn_exec *exec_of(const uint8_t *argv, uint32_t len)
{
	static _Alignas(8) uint8_t record[SN_RECORD_MAX];
	struct sn_exec *exec = (struct sn_exec *)record;
	uint32_t at = sizeof(*exec);

	if (len > SN_RECORD_MAX / 2)
		die("a command line is too long");
	*exec = (struct sn_exec){.h = {.type = SN_EXEC}, .argv = {at, len}, .argv_head = len};
	memcpy(record + at, argv, len);
	at += len;
	exec->image = (struct sn_span){at, (uint32_t)snprintf((char *)record + at, 512, "/usr/bin/%s", argv)};
	exec->h.size = (at + exec->image.len + 7) & ~7u;
	return exec;
}

static uint32_t round_of(struct sn_proxies *proxies, const struct sn_grammars *grammars, struct sn_exec *exec)
{
	static uint32_t pid;
	uint32_t depth = 0;

	for (uint32_t i = 0; i < ROUND; i++) {
		exec->h.pid = pid = (pid + 7919) % PIDS;
		exec->h.start = 1000003ull * pid;
		exec->ppid = pid / 2 + PIDS;
		depth = sn_proxies__see(proxies, grammars, exec, (struct sn_bytes){0})->depth;
	}
	return depth;
}

static void measure(struct sn_proxies *proxies, const struct sn_grammars *grammars, struct sn_exec *exec,
		    double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9), least = UINT64_MAX, instructions;
	int counter = open_counter();
	uint32_t depth;

	sn_proxies__forget(proxies);
	do {
		uint64_t begin = now_ns();

		depth = round_of(proxies, grammars, exec);
		begin = now_ns() - begin;
		least = begin < least ? begin : least;
	} while (now_ns() < end);
	printf("[%.1f, ", (double)least / ROUND);
	if (counter < 0) {
		printf("null");
	} else {
		start_counter(counter);
		round_of(proxies, grammars, exec);
		instructions = stop_counter(counter);
		printf("%.1f", (double)instructions / ROUND);
		close(counter);
	}
	printf(", %u]", depth);
}

int main(int argc, char **argv)
{
	struct sn_proxies *proxies = sn_proxies__new();
	struct sn_grammars grammars;
	size_t size, from = 0;
	uint8_t *bytes;

	if (argc != 4) {
		fprintf(stderr, "usage: unwind GRAMMARS COMMANDS SECONDS\n");
		return 2;
	}
	bytes = read_file(argv[1], &size);
	if (!proxies || sn_grammars__open(bytes, size, &grammars))
		die("the grammars are refused");
	bytes = read_file(argv[2], &size);
	for (size_t to = 0; to < size; to++) {
		if (bytes[to] || (to > from && bytes[to - 1]))
			continue;
		printf("%s", from ? ", " : "{\"execs\": [");
		measure(proxies, &grammars, exec_of(bytes + from, (uint32_t)(to - from)), atof(argv[3]));
		from = to + 1;
	}
	puts("]}");
	sn_proxies__free(proxies);
	return 0;
}
