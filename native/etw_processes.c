/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_processes.h"

#include <stdlib.h>

enum {
	WAYS = 8,
	SETS = 1024,
	SHORT_NAME = 14, /* EPROCESS.ImageFileName holds no more */
};
static const uint64_t grace_ns = 2000000000;

struct sn_etw_processes {
	uint64_t forgotten;
	struct sn_etw_process slot[SETS][WAYS];
};

struct sn_etw_processes *sn_etw_processes__new(void)
{
	return calloc(1, sizeof(struct sn_etw_processes));
}

void sn_etw_processes__free(struct sn_etw_processes *processes)
{
	free(processes);
}

static struct sn_etw_process *set_of(struct sn_etw_processes *processes, uint32_t pid)
{
	/* ids are multiples of four, given out in turn */
	return processes->slot[pid / 4 % SETS];
}

/* Rather one that ended than one that lives, rather an older one. */
static int goes_first(const struct sn_etw_process *a, const struct sn_etw_process *b)
{
	if (!a->end != !b->end)
		return a->end != 0;
	return a->start < b->start;
}

struct sn_etw_process *sn_etw_processes__begin(struct sn_etw_processes *processes, uint32_t pid, uint64_t start)
{
	struct sn_etw_process *set = set_of(processes, pid), *place = &set[0];

	for (uint32_t i = 0; i < WAYS; i++) {
		if (set[i].used && set[i].pid == pid) {
			place = &set[i];
			break;
		}
		if (place->used && (!set[i].used || goes_first(&set[i], place)))
			place = &set[i];
	}
	processes->forgotten += place->used && place->pid != pid;
	*place = (struct sn_etw_process){.pid = pid, .used = 1, .start = start};
	return place;
}

struct sn_etw_process *sn_etw_processes__at(struct sn_etw_processes *processes, uint32_t pid, uint64_t time)
{
	struct sn_etw_process *set = set_of(processes, pid);

	for (uint32_t i = 0; i < WAYS; i++) {
		if (!set[i].used || set[i].pid != pid)
			continue;
		if (set[i].start > time || (set[i].end && time > set[i].end + grace_ns))
			return NULL;
		return &set[i];
	}
	return NULL;
}

uint64_t sn_etw_processes__forgotten(const struct sn_etw_processes *processes)
{
	return processes->forgotten;
}

static uint32_t lower(uint32_t c)
{
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

void sn_etw_process__mapped(struct sn_etw_process *process, struct sn_bytes path)
{
	uint32_t begin = path.len & ~1u, length;

	if (process->image.len || !process->name.len)
		return;
	while (begin >= 2 && (path.at[begin - 2] != '\\' || path.at[begin - 1]))
		begin -= 2;
	length = (path.len - begin) / 2;
	if (length != process->name.len && (process->name.len < SHORT_NAME || length < process->name.len))
		return;
	for (uint32_t i = 0; i < process->name.len; i++) {
		if (path.at[begin + 2 * i + 1] || lower(path.at[begin + 2 * i]) != lower(process->name.at[i]))
			return;
	}
	process->image = path;
}
