/* SPDX-License-Identifier: Apache-2.0
 *
 * hyperscan LITERALS TEXTS SECONDS: ns that Hyperscan takes to find every literal, whatever its case, in one text. Both
 * files have one a line. A floor for engines that begin with such a search.
 */
#include <hs/hs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_PASSES = 1000 };

struct lines {
	char **at;
	size_t *size;
	size_t count;
};

static void die(const char *what)
{
	fprintf(stderr, "hyperscan: %s\n", what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static struct lines read_lines(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct lines lines = {0};
	char *line = NULL;
	size_t room = 0;
	int64_t size;

	if (!file)
		die(path);
	while ((size = getline(&line, &room, file)) > 0) {
		size_t n = lines.count++;

		line[--size] = 0;
		lines.at = realloc(lines.at, lines.count * sizeof(*lines.at));
		lines.size = realloc(lines.size, lines.count * sizeof(*lines.size));
		if (!lines.at || !lines.size || !(lines.at[n] = strdup(line)))
			die("no memory");
		lines.size[n] = (size_t)size;
	}
	free(line);
	fclose(file);
	if (!lines.count)
		die(path);
	return lines;
}

static int found(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags, void *count)
{
	(void)id, (void)from, (void)to, (void)flags;
	++*(uint64_t *)count;
	return 0;
}

static hs_database_t *compile(const struct lines *literals)
{
	unsigned int *flags = malloc(literals->count * sizeof(*flags)), *ids = malloc(literals->count * sizeof(*ids));
	hs_compile_error_t *error;
	hs_database_t *database;

	if (!flags || !ids)
		die("no memory");
	for (unsigned int i = 0; i < literals->count; i++) {
		flags[i] = HS_FLAG_CASELESS;
		ids[i] = i;
	}
	if (hs_compile_lit_multi((const char *const *)literals->at, flags, ids, literals->size,
				 (unsigned int)literals->count, HS_MODE_BLOCK, NULL, &database, &error))
		die(error->message);
	free(flags);
	free(ids);
	return database;
}

int main(int argc, char **argv)
{
	struct lines literals, texts;
	hs_scratch_t *scratch = NULL;
	hs_database_t *database;
	uint64_t *took = NULL, hits = 0, end;
	size_t samples = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: hyperscan LITERALS TEXTS SECONDS\n");
		return 2;
	}
	literals = read_lines(argv[1]);
	texts = read_lines(argv[2]);
	database = compile(&literals);
	if (hs_alloc_scratch(database, &scratch))
		die("no scratch");
	end = now_ns() + (uint64_t)(atof(argv[3]) * 1e9);
	for (int pass = 0; pass == 0 || (pass < MAX_PASSES && now_ns() < end); pass++) {
		took = realloc(took, (samples + texts.count) * sizeof(*took));
		if (!took)
			die("no memory");
		hits = 0;
		for (size_t i = 0; i < texts.count; i++) {
			uint64_t begin = now_ns();

			hs_scan(database, texts.at[i], (unsigned int)texts.size[i], 0, scratch, found, &hits);
			took[samples++] = now_ns() - begin;
		}
	}
	double sum = 0;

	for (size_t i = 0; i < samples; i++)
		sum += (double)took[i];
	qsort(took, samples, sizeof(*took), by_size);
	printf("{\"literals\": %zu, \"found\": %.3f, \"mean\": %.3f, \"p50\": %llu, \"p99\": %llu, \"p99.9\": %llu, "
	       "\"max\": %llu}\n",
	       literals.count, (double)hits / (double)texts.count, sum / (double)samples,
	       (unsigned long long)took[samples / 2], (unsigned long long)took[samples * 99 / 100],
	       (unsigned long long)took[samples * 999 / 1000], (unsigned long long)took[samples - 1]);
	return 0;
}
