/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_event: an event as rules see it, whatever its source was. Filled by view.c (our records) and ndjson.c
 * (JSON lines), read by matcher.c. Every value is text, as in Sigma.
 *
 * Ownership: texts are borrowed from the record, the line, the process table or the event's own `scratch`; all are
 * valid until the next event is filled on the same thread.
 */
#ifndef SN_VIEW_H
#define SN_VIEW_H
#include <stdint.h>

enum sn_state {
	SN_ABSENT = 0, /* the source has no such field: Sigma's null */
	SN_NULL = 1,   /* present and null */
	SN_PRESENT = 2,
	SN_TRUNCATED = 3, /* `text` holds `head` bytes from the front, then bytes from the end; the middle is missing */
	SN_LOST = 4,	  /* should be there, was lost: undecidable */
	SN_LATE = 5,	  /* a fact of a file that nobody has told, or can: undecidable, whether it is there as well */
	SN_OWED = 6,	  /* as SN_LATE, of a field that other sources' events have themselves */
};

struct sn_value {
	const uint8_t *text;
	uint32_t len;
	uint32_t head;	/* SN_TRUNCATED only */
	uint32_t state; /* enum sn_state */
	uint32_t next;	/* a further value of the same field (JSON list): index into event->more + 1, 0 = none */
};

struct sn_event {
	struct sn_value *value; /* indexed by the rule table's field number; `fields` of them */
	struct sn_value *more;	/* further values of list fields */
	uint32_t fields;
	uint32_t more_count;
	uint32_t route;	  /* of the rule table, from sn_rules__route; UINT32_MAX: no rule looks at it */
	uint32_t unknown; /* how often a value that sn_may_hide_witness was put here; 0: all else is known */
};

/* What makes the index useless: a rule's witness may stand in it. No witness stands in a fact (witness.py),
 * but for those that are owed. */
static inline int sn_may_hide_witness(uint32_t state)
{
	return (1u << state & (1u << SN_TRUNCATED | 1u << SN_LOST | 1u << SN_OWED)) != 0;
}

static inline int sn_is_late(uint32_t state)
{
	return state == SN_LATE || state == SN_OWED;
}
#endif
