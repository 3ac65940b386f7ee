/* SPDX-License-Identifier: Apache-2.0
 *
 * spawn COUNT PROGRAM [ARG...]: posix_spawn, one after another, as fast as they come. Run it twice for two cores.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[1]) : 0;

	if (count <= 0) {
		fprintf(stderr, "usage: spawn COUNT PROGRAM [ARG...]\n");
		return 2;
	}
	for (int i = 0; i < count; i++) {
		pid_t pid;
		int error = posix_spawn(&pid, argv[2], NULL, NULL, argv + 2, environ);

		if (error) {
			fprintf(stderr, "spawn: %s: %s\n", argv[2], strerror(error));
			return 1;
		}
		waitpid(pid, NULL, 0);
	}
	return 0;
}
