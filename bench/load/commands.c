/* SPDX-License-Identifier: Apache-2.0
 *
 * commands COUNT RATE COMMAND...: starts the commands in turn, COUNT starts in all, RATE a second at most,
 * each when the one before has ended. A command's words are separated by blanks; it uses /dev/null.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "pace.h"

enum { COMMANDS_MAX = 64, WORDS_MAX = 16 };

extern char **environ;

static void start(char **argv, const posix_spawn_file_actions_t *files)
{
	pid_t pid;
	int error = posix_spawn(&pid, argv[0], files, NULL, argv, environ);

	if (error) {
		fprintf(stderr, "commands: %s: %s\n", argv[0], strerror(error));
		exit(1);
	}
	waitpid(pid, NULL, 0);
}

static void split(char *command, char **words)
{
	int count = 0;

	for (char *word = strtok(command, " "); word && count < WORDS_MAX - 1; word = strtok(NULL, " "))
		words[count++] = word;
	words[count] = NULL;
}

int main(int argc, char **argv)
{
	static char *words[COMMANDS_MAX][WORDS_MAX];
	long count = argc > 3 ? atol(argv[1]) : 0, rate = argc > 3 ? atol(argv[2]) : 0;
	int commands = argc - 3;
	posix_spawn_file_actions_t files;
	struct timespec next;

	if (count <= 0 || rate <= 0 || commands > COMMANDS_MAX) {
		fprintf(stderr, "usage: commands COUNT RATE COMMAND...\n");
		return 2;
	}
	for (int i = 0; i < commands; i++)
		split(argv[3 + i], words[i]);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&files, 0, 1);
	posix_spawn_file_actions_adddup2(&files, 0, 2);
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (long i = 0; i < count; i++) {
		start(words[i % commands], &files);
		pace(&next, rate);
	}
	return 0;
}
