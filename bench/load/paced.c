/* SPDX-License-Identifier: Apache-2.0
 *
 * paced COUNT RATE EVERY PROGRAM: starts PROGRAM COUNT times, RATE a second. Every EVERYth start has the argument
 * linsang-bench=NS, CLOCK_REALTIME just before the start, so that whoever reports it can be timed.
 */
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "pace.h"

extern char **environ;

static void start(const char *program, int marked)
{
	char mark[64];
	char *argv[] = {(char *)program, mark, NULL};
	struct timespec at;
	pid_t pid;

	clock_gettime(CLOCK_REALTIME, &at);
	snprintf(mark, sizeof(mark), "%s%lld%09ld", marked ? "linsang-bench=" : "", (long long)at.tv_sec, at.tv_nsec);
	int error = posix_spawn(&pid, program, NULL, NULL, argv, environ);

	if (error) {
		fprintf(stderr, "paced: %s: %s\n", program, strerror(error));
		exit(1);
	}
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	int count = argc == 5 ? atoi(argv[1]) : 0, rate = argc == 5 ? atoi(argv[2]) : 0;
	int every = argc == 5 ? atoi(argv[3]) : 0;
	struct timespec next;

	if (count <= 0 || rate <= 0 || every <= 0) {
		fprintf(stderr, "usage: paced COUNT RATE EVERY PROGRAM\n");
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (int i = 0; i < count; i++) {
		start(argv[4], i % every == 0);
		pace(&next, rate);
	}
	return 0;
}
