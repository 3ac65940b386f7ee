/* SPDX-License-Identifier: Apache-2.0
 *
 * What the programs of this folder are given: whole files, and the end when there is none.
 */
#ifndef SN_BENCH_INPUT_H
#define SN_BENCH_INPUT_H
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef _WIN32
#define program_invocation_short_name "bench"
#endif

static inline void die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
	exit(1);
}

static inline void *need(void *memory)
{
	if (!memory)
		die("memory", "none left");
	return memory;
}

/* The caller's to free; a newline stands behind the last byte. */
static inline char *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	char *bytes;

	if (!file)
		die(path, "cannot be opened");
	fseek(file, 0, SEEK_END);
	*size = (size_t)ftell(file);
	rewind(file);
	bytes = need(malloc(*size + 1));
	if (fread(bytes, 1, *size, file) != *size)
		die(path, "cannot be read");
	fclose(file);
	bytes[*size] = '\n';
	return bytes;
}
#endif
