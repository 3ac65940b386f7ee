/* SPDX-License-Identifier: Apache-2.0
 *
 * unwind GRAMMARS COMMANDS SECONDS: ns an exec of sn_proxies__see, for each command line. COMMANDS: command lines, each
 * argument ended by NUL, each line by one more. Every exec is another process, as far as the table of them is large, so
 * that its slots are not all in the nearest cache. A figure is the least of many rounds' means. Printed: {"execs":
 * [[ns, instructions or null, names in the chain], ...]}.
 */
#include <string.h>

#include "proxy.h"
#include "rounds.h"

enum { ROUND = 256, PIDS = 65536 }; /* a round is short enough to be undisturbed now and then */

/* What a round does. */
struct work {
	struct sn_proxies *proxies;
	struct sn_grammars grammars;
	struct sn_exec *exec;
};

/* An exec of /usr/bin/NAME with those arguments. */
static struct sn_exec *exec_of(const uint8_t *argv, uint32_t len)
{
	static _Alignas(8) uint8_t record[SN_RECORD_MAX];
	struct sn_exec *exec = (struct sn_exec *)record;
	uint32_t at = sizeof(*exec);

	if (len > SN_RECORD_MAX / 2)
		die("a command line", "too long");
	*exec = (struct sn_exec){.h = {.type = SN_EXEC}, .argv = {at, len}, .argv_head = len};
	memcpy(record + at, argv, len);
	at += len;
	exec->image = (struct sn_span){at, (uint32_t)snprintf((char *)record + at, 512, "/usr/bin/%s", argv)};
	exec->h.size = (at + exec->image.len + 7) & ~7u;
	return exec;
}

static uint32_t round_of(void *of)
{
	struct work *work = of;
	struct sn_exec *exec = work->exec;
	static uint32_t pid;
	uint32_t depth = 0;

	for (uint32_t i = 0; i < ROUND; i++) {
		exec->h.pid = pid = (pid + 7919) % PIDS;
		exec->h.start = 1000003ull * pid;
		exec->ppid = pid / 2 + PIDS;
		depth = sn_proxies__see(work->proxies, &work->grammars, exec, (struct sn_bytes){0})->depth;
	}
	return depth;
}

int main(int argc, char **argv)
{
	struct work work = {.proxies = sn_proxies__new()};
	size_t size, from = 0;
	const char *bytes;

	if (argc != 4) {
		fprintf(stderr, "usage: unwind GRAMMARS COMMANDS SECONDS\n");
		return 2;
	}
	need(work.proxies);
	open_grammars(argv[1], &work.grammars);
	bytes = read_file(argv[2], &size);
	for (size_t to = 0; to < size; to++) {
		if (bytes[to] || (to > from && bytes[to - 1]))
			continue;
		printf("%s", from ? ", " : "{\"execs\": [");
		work.exec = exec_of((const uint8_t *)bytes + from, (uint32_t)(to - from));
		sn_proxies__forget(work.proxies);
		print_step(round_of, &work, ROUND, atof(argv[3]));
		from = to + 1;
	}
	puts("]}");
	sn_proxies__free(work.proxies);
	return 0;
}
