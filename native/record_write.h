/* SPDX-License-Identifier: Apache-2.0
 *
 * The members of a sound record as JSON, for those who make objects of them: record_json.c and alert_record.c.
 */
#ifndef SN_RECORD_WRITE_H
#define SN_RECORD_WRITE_H
#include "json_write.h"
#include "schema.h"

/* The value of `field`: 1, or 0 and nothing is written when it is not known. */
int sn_record__write(struct sn_writer *w, const struct sn_field *field, const void *record);
/* It as the member `name` of `n` characters and a comma; nothing when it is not known. */
static inline void sn_record__write_member(struct sn_writer *w, const struct sn_field *field, const char *name,
					   size_t n, const void *record)
{
	char *before = w->at;

	sn_write__key(w, name, n);
	if (sn_record__write(w, field, record))
		sn_write__literal(w, ",");
	else
		w->at = before;
}

/* The arguments of an SN_EXEC or SN_PROCESS as a list of strings. */
void sn_record__write_arguments(struct sn_writer *w, const void *record);
/* The arguments of an SN_EXEC or SN_PROCESS as one string, joined by single spaces: 1, or 0 when there are none. */
int sn_record__write_command_line(struct sn_writer *w, const void *record);
#endif
