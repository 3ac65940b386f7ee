/* SPDX-License-Identifier: Apache-2.0
 *
 * getppid COUNT: a system call that the sensor has no business with, COUNT times; prints ns of CPU a call.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
	return at.tv_sec * 1e9 + at.tv_nsec;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0;

	if (count <= 0) {
		fprintf(stderr, "usage: getppid COUNT\n");
		return 2;
	}
	double start = now();

	for (int i = 0; i < count; i++)
		syscall(SYS_getppid);
	printf("%.2f\n", (now() - start) / count);
	return 0;
}
