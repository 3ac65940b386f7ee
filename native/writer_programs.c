/* SPDX-License-Identifier: Apache-2.0
 *
 * See writer_programs.h.
 */
#include "writer_programs.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "key_hash.h"
#include "published.h"

enum { KEPT = SN_PROGRAMS_KEPT, PLACE_BITS = 11 };

struct program {
	uint64_t number;
	uint64_t start;
	uint64_t time; /* of the exec */
	uint32_t pid;
	uint32_t cut;
	uint32_t image_len, command_line_len, url_len, pad;
	char image[SN_WRITER_IMAGE_MAX];
	char command_line[SN_WRITER_COMMAND_LINE_MAX];
	char url[SN_WRITER_URL_MAX];
};

SN_PUBLISHED(program_cell, struct program);

struct sn_programs {
	struct program program[KEPT]; /* the match thread's own: number n in [n % KEPT] */
	struct program_cell shown[KEPT];
	uint64_t count;			      /* numbers given: 1 to count */
	uint64_t by_process[1 << PLACE_BITS]; /* number; a newer process of the same place takes it over */
	_Alignas(8) uint8_t process[SN_RECORD_MAX];
};

struct sn_programs *sn_programs__new(void)
{
	return calloc(1, sizeof(struct sn_programs));
}

void sn_programs__free(struct sn_programs *programs)
{
	free(programs);
}

static uint32_t copy_text(char *to, uint32_t room, struct sn_bytes from, uint32_t *cut, uint32_t bit)
{
	uint32_t len = from.len < room ? from.len : room;

	if (len)
		memcpy(to, from.at, len);
	if (len < from.len)
		*cut |= bit;
	return len;
}

/* The first argument that is an address, or has one behind its =. A text for a shell that mentions one is none. */
static struct sn_bytes told_to_fetch(struct sn_bytes argv)
{
	const uint8_t *at = argv.at, *end = argv.at + argv.len;

	while (at < end) {
		struct sn_bytes argument = sn_bytes__first((struct sn_bytes){at, (uint32_t)(end - at)});
		struct sn_bytes url = sn_bytes__url(argument);

		if (url.len && (url.at == argument.at || url.at[-1] == '='))
			return url;
		at += argument.len + 1;
	}
	return (struct sn_bytes){0};
}

static void describe(struct program *program, const struct sn_exec *exec)
{
	const uint8_t *record = (const uint8_t *)exec;
	struct sn_bytes image = {record + exec->image.off, exec->image.len};
	struct sn_bytes argv = {record + exec->argv.off, exec->argv.len};

	program->image_len = copy_text(program->image, sizeof(program->image), image, &program->cut, SN_CUT_IMAGE);
	program->url_len =
		copy_text(program->url, sizeof(program->url), told_to_fetch(argv), &program->cut, SN_CUT_URL);
	if (argv.len && !argv.at[argv.len - 1])
		argv.len--;
	program->command_line_len = copy_text(program->command_line, sizeof(program->command_line), argv, &program->cut,
					      SN_CUT_COMMAND_LINE);
	for (uint32_t i = 0; i < program->command_line_len; i++)
		if (!program->command_line[i])
			program->command_line[i] = ' ';
	if (exec->h.flags & (SN_F_ARGV_TRUNCATED | SN_F_ARGV_UNREADABLE))
		program->cut |= SN_CUT_COMMAND_LINE;
}

static uint64_t *place_of(struct sn_programs *programs, const struct sn_who *who)
{
	return &programs->by_process[sn_pair_hash(who->start, who->pid, PLACE_BITS)];
}

uint64_t sn_programs__of(struct sn_programs *programs, const struct sn_table *table, const struct sn_process *process)
{
	struct program *program;
	struct sn_who who;
	uint64_t *place;
	uint32_t at;

	sn_table__who(process, &who);
	place = place_of(programs, &who);
	program = &programs->program[*place % KEPT];
	if (*place && program->number == *place && program->pid == who.pid && program->start == who.start &&
	    program->time == who.time)
		return *place;
	if (sn_table__export(table, process, programs->process, sizeof(programs->process)) < 0)
		return 0;
	*place = ++programs->count;
	at = (uint32_t)(*place % KEPT);
	program = &programs->program[at];
	memset(program, 0, offsetof(struct program, image));
	program->number = *place;
	program->start = who.start;
	program->time = who.time;
	program->pid = who.pid;
	describe(program, (const void *)programs->process);
	sn_published__store(&programs->shown[at].version, programs->shown[at].word, program, sizeof(*program));
	return *place;
}

/* 1, or 0 when it is no longer there. */
static int load(const struct sn_programs *programs, uint64_t number, struct program *out)
{
	const struct program_cell *cell = &programs->shown[number % KEPT];

	return number && sn_published__load(&cell->version, cell->word, out, sizeof(*out)) && out->number == number;
}

void sn_programs__name(const struct sn_programs *programs, uint64_t number, struct sn_file_writer *out)
{
	struct program program;

	if (!load(programs, number, &program))
		return;
	out->cut = program.cut;
	out->image_len = program.image_len;
	out->command_line_len = program.command_line_len;
	memcpy(out->image, program.image, program.image_len);
	memcpy(out->command_line, program.command_line, program.command_line_len);
}

void sn_programs__name_url(const struct sn_programs *programs, uint64_t number, struct sn_file_writer *out)
{
	struct program program;

	if (!load(programs, number, &program) || !program.url_len)
		return;
	out->cut = (out->cut & ~(uint32_t)SN_CUT_URL) | (program.cut & SN_CUT_URL);
	out->url_len = program.url_len;
	memcpy(out->url, program.url, program.url_len);
}
