/* SPDX-License-Identifier: Apache-2.0
 *
 * All fields of an event that came as a JSON line, in whichever of the shapes of ndjson.c, under their Sigma names:
 * what an alert shows. ndjson.c keeps only what some rule reads. The two read the same places; sensor/event_json.py is
 * the readable definition.
 *
 * Ownership: as json_members.h, until the next read.
 */
#ifndef SN_EVENT_FIELDS_H
#define SN_EVENT_FIELDS_H
#include "json_members.h"

/* All zero to begin with. */
struct sn_event_fields {
	struct sn_members members; /* of the objects that are being looked at */
	struct sn_member *field;   /* by name; each value a scalar or a list of scalars */
	char *text;		   /* of fields that were made from others */
	uint32_t count;
	size_t room; /* bytes of line that `field` and `text` are enough for */
};

void sn_event_fields__free(struct sn_event_fields *fields);
/* Of a line that sn_ndjson__decode has taken. -ENOMEM; -EBADMSG when it is no JSON object. */
int sn_event_fields__read(struct sn_event_fields *fields, const char *line, size_t size);
#endif
