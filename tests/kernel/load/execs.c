/* SPDX-License-Identifier: Apache-2.0
 *
 * execs MODE ...: one exec of an uncommon kind. Exit status 77: this kernel has no such kind.
 *   args FILE PROGRAM       argv is FILE's content, each argument ended by NUL
 *   thread PROGRAM ARG...   execve by a thread that is not the leader
 *   fd NUMBER ARG...        execveat of an open descriptor
 *   memfd NAME PROGRAM      a copy of PROGRAM in a memfd
 *   race PROGRAM A B        argv is PROGRAM and a text that another thread keeps changing from A to B and back
 *   threads COUNT           no exec: so many threads that begin and end
 *   orphan                  no exec: the leader's thread ends before another one, which exits with 3
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MISSING = 77 };

extern char **environ;
static char **arguments;
static char *changing;
static const char *texts[2];
static size_t text_size;

static int failed(const char *what)
{
	perror(what);
	return 1;
}

static int exec_fd(int fd, char **argv)
{
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	return failed("execveat");
}

static int exec_args(const char *file, const char *program)
{
	int fd = open(file, O_RDONLY);
	struct stat st;
	size_t count = 0, next = 0;
	char *block, **argv;

	if (fd < 0 || fstat(fd, &st))
		return failed(file);
	block = malloc((size_t)st.st_size + 1);
	if (read(fd, block, (size_t)st.st_size) != st.st_size)
		return failed(file);
	close(fd);
	for (off_t i = 0; i < st.st_size; i++)
		count += !block[i];
	argv = calloc(count + 1, sizeof(*argv));
	for (size_t i = 0; i < count; i++) {
		argv[i] = block + next;
		next += strlen(argv[i]) + 1;
	}
	execve(program, argv, environ);
	return failed(program);
}

static void *exec_here(void *unused)
{
	(void)unused;
	execve(arguments[0], arguments, environ);
	_exit(failed(arguments[0]));
}

static int exec_in_thread(char **argv)
{
	pthread_t thread;

	arguments = argv;
	pthread_create(&thread, NULL, exec_here, NULL);
	pthread_join(thread, NULL);
	return 1;
}

static int exec_memfd(const char *name, const char *program)
{
	char *argv[] = {"in-memory", NULL};
	int from = open(program, O_RDONLY | O_CLOEXEC), fd = memfd_create(name, MFD_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return MISSING;
	if (from < 0 || fstat(from, &st) || sendfile(fd, from, NULL, (size_t)st.st_size) != st.st_size)
		return failed(program);
	return exec_fd(fd, argv);
}

static void *keep_changing(void *unused)
{
	(void)unused;
	for (unsigned i = 0;; i++)
		memcpy(changing, texts[i & 1], text_size);
	return NULL;
}

static int exec_race(char *program, const char *a, const char *b)
{
	char *argv[] = {program, NULL, NULL};
	pthread_t thread;

	texts[0] = a;
	texts[1] = b;
	text_size = strlen(a);
	argv[1] = changing = strdup(a);
	pthread_create(&thread, NULL, keep_changing, NULL);
	execve(program, argv, environ);
	return failed(program);
}

static void *end_at_once(void *unused)
{
	return unused;
}

static int begin_threads(int count)
{
	for (int i = 0; i < count; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, end_at_once, NULL))
			return failed("pthread_create");
		pthread_join(thread, NULL);
	}
	return 0;
}

static void *outlive_leader(void *leader)
{
	pthread_join(*(pthread_t *)leader, NULL);
	exit(3);
}

static int orphan(void)
{
	static pthread_t leader;
	pthread_t thread;

	leader = pthread_self();
	pthread_create(&thread, NULL, outlive_leader, &leader);
	pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (!strcmp(mode, "args") && argc == 4)
		return exec_args(argv[2], argv[3]);
	if (!strcmp(mode, "thread") && argc > 2)
		return exec_in_thread(argv + 2);
	if (!strcmp(mode, "fd") && argc > 3)
		return exec_fd(atoi(argv[2]), argv + 3);
	if (!strcmp(mode, "memfd") && argc == 4)
		return exec_memfd(argv[2], argv[3]);
	if (!strcmp(mode, "race") && argc == 5 && strlen(argv[3]) == strlen(argv[4]))
		return exec_race(argv[2], argv[3], argv[4]);
	if (!strcmp(mode, "threads") && argc == 3)
		return begin_threads(atoi(argv[2]));
	if (!strcmp(mode, "orphan"))
		return orphan();
	fprintf(stderr, "usage: execs args|thread|fd|memfd|race|threads|orphan ...\n");
	return 2;
}
