/* SPDX-License-Identifier: Apache-2.0
 *
 * An event that files are asked about for: an exec, or a load with the process that did it.
 */
#ifndef SN_SUBJECT_H
#define SN_SUBJECT_H
#include "enrichment.h"

struct sn_subject {
	const struct sn_header *record;
	const struct sn_exec *exec; /* the record itself, or the process */
	const struct sn_load *load; /* NULL: it is an exec */
};

/* `own`: of a load, the process. All borrowed. */
static inline struct sn_subject sn_subject__of(const struct sn_header *record, const struct sn_exec *own)
{
	if (record->type == SN_LOAD)
		return (struct sn_subject){record, own, (const struct sn_load *)record};
	return (struct sn_subject){record, (const struct sn_exec *)record, NULL};
}

static inline struct sn_bytes sn_load__path(const struct sn_load *load)
{
	return (struct sn_bytes){(const uint8_t *)load + load->path.off, load->path.len};
}

/* A question with its texts: path, cwd, program. Its number; 0: there is no room. Match thread, with an enrichment. */
uint64_t sn_question__push(struct sn_engine *engine, const struct sn_question *head,
			   const struct sn_bytes text[SN_QUESTION_TEXTS]);
/* Asks about the executed file or, SN_ASKED_PAYLOAD, about the one at `path`. Its number; 0: there is no room. Match
 * thread, with an enrichment. */
uint64_t sn_subject__ask(struct sn_engine *engine, const struct sn_subject *subject, enum sn_asked of, uint64_t number,
			 struct sn_bytes path);
#endif
