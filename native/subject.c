/* SPDX-License-Identifier: Apache-2.0 */
#include "subject.h"

#include <string.h>

#include "engine.h"

uint64_t sn_question__push(struct sn_engine *engine, const struct sn_question *head,
			   const struct sn_bytes text[SN_QUESTION_TEXTS])
{
	struct sn_enrichment *e = engine->enrichment;
	struct sn_question *question = (struct sn_question *)e->question;
	struct sn_span *span[SN_QUESTION_TEXTS] = {&question->path, &question->cwd, &question->program};
	uint32_t used = sizeof(*question);

	*question = *head;
	for (uint32_t i = 0; i < SN_QUESTION_TEXTS; i++) {
		uint32_t len = text[i].len > SN_PATH_MAX ? 0 : text[i].len; /* no system call takes a longer one */

		*span[i] = (struct sn_span){used, len};
		if (len)
			memcpy(e->question + used, text[i].at, len);
		used += len;
	}
	memset(e->question + used, 0, -used % 8);
	question->size = (used + 7) & ~7u;
	if (sn_ring__push(e->questions, question, question->size)) {
		sn_count(&engine->stats.questions_dropped, 1);
		return 0;
	}
	sn_ring__publish(e->questions);
	sn_count(&engine->stats.questions, 1);
	return head->number;
}

uint64_t sn_subject__ask(struct sn_engine *engine, const struct sn_subject *subject, enum sn_asked of, uint64_t number,
			 struct sn_bytes path)
{
	const struct sn_exec *exec = subject->exec;
	struct sn_bytes text[SN_QUESTION_TEXTS] = {path};
	struct sn_question question = {.of = of,
				       .number = number,
				       .time = subject->record->time,
				       .start = exec->h.start,
				       .file = sn_file_key__of(exec),
				       .pid = exec->h.pid,
				       .mnt_ns = exec->mnt_ns};

	if (!(exec->h.flags & SN_F_CWD_TRUNCATED))
		text[1] = sn_exec__text(exec, exec->cwd);
	if (of == SN_ASKED_PAYLOAD)
		question.file = (struct sn_file_key){.inode = subject->load ? subject->load->inode : 0};
	return sn_question__push(engine, &question, text);
}
