/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_win_facts: facts of files as fields of Windows' process creations and image loads (START and MODULE of
 * fields.def), for one rule table, whichever source filled its values. What the event says itself stays.
 *
 *   start    image: Signed, Hashes ...         payload: PayloadSigned, PayloadHashes ...
 *   load     image: ImageSigned ...            payload, what was mapped: Signed, Hashes ...
 *
 * The names without a prefix are Sysmon's, whose events have them themselves, so a rule's witness may stand in them.
 */
#ifndef SN_WINDOWS_FACTS_H
#define SN_WINDOWS_FACTS_H
#include "facts.h"
#include "rule_table.h"
#include "schema.h"
#include "values.h"

enum { SN_WIN_FACTS = SN_FACTS - SN_FACT_SIGNED };

struct sn_win_facts {
	/* numbers of the fields: start, load; image, payload. SN_NO_FIELD where no rule reads it */
	uint32_t number[2][2][SN_WIN_FACTS];
	bool read[2][2]; /* some rule reads one of them */
};

void sn_win_facts__of(const struct sn_rules *rules, struct sn_win_facts *out);
/* `type`: SN_WIN_START or SN_WIN_LOAD. `facts` are borrowed as long as the values. */
void sn_win_facts__put(const struct sn_win_facts *fields, uint32_t type, enum sn_asked of, const struct sn_facts *facts,
		       struct sn_values *values);

static inline bool sn_win_facts__are_read(const struct sn_win_facts *fields, uint32_t type, enum sn_asked of)
{
	return fields->read[type - SN_WIN_START][of - SN_ASKED_IMAGE];
}
#endif
