/* SPDX-License-Identifier: Apache-2.0 */
#include "subject.h"

#include <string.h>

#include "engine.h"

uint64_t sn_subject__ask(struct sn_engine *engine, const struct sn_subject *subject, enum sn_asked of, uint64_t number,
			 struct sn_bytes path)
{
	const struct sn_exec *exec = subject->exec;
	struct sn_enrichment *e = engine->enrichment;
	struct sn_question *question = (struct sn_question *)e->question;
	struct sn_bytes cwd =
		exec->h.flags & SN_F_CWD_TRUNCATED ? (struct sn_bytes){0} : sn_exec__text(exec, exec->cwd);
	uint32_t used = sizeof(*question);

	if (path.len > SN_PATH_MAX)
		path.len = 0; /* no system call takes it */
	*question = (struct sn_question){.of = of,
					 .number = number,
					 .time = subject->record->time,
					 .start = exec->h.start,
					 .file = sn_file_key__of(exec),
					 .pid = exec->h.pid,
					 .mnt_ns = exec->mnt_ns,
					 .path = {used, path.len},
					 .cwd = {used + path.len, cwd.len}};
	if (of == SN_ASKED_PAYLOAD)
		question->file = (struct sn_file_key){.inode = subject->load ? subject->load->inode : 0};
	if (path.len)
		memcpy(e->question + used, path.at, path.len);
	if (cwd.len)
		memcpy(e->question + used + path.len, cwd.at, cwd.len);
	used += path.len + cwd.len;
	memset(e->question + used, 0, -used % 8);
	question->size = (used + 7) & ~7u;
	if (sn_ring__push(e->questions, question, question->size)) {
		sn_count(&engine->stats.questions_dropped, 1);
		return 0;
	}
	sn_ring__publish(e->questions);
	sn_count(&engine->stats.questions, 1);
	return number;
}
