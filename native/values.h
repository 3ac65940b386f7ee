/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_values: the event that is being filled, for one rule table. It owns the arrays of its struct sn_event and
 * the scratch that texts are made in. Nothing is allocated after sn_values__new; clearing costs what was set.
 */
#ifndef SN_VALUES_H
#define SN_VALUES_H
#include <stddef.h>

#include "bytes.h"
#include "sensor.h"
#include "view.h"

enum {
	SN_NO_FIELD = -1,	  /* as uint32_t: no rule uses it */
	SN_LINE_MAX = 1 << 20,	  /* a JSON line; texts made from it never need more room than it has */
	SN_VALUES_MEMBERS = 64,	  /* numbers behind the table's fields: see mapping.h */
	SN_VALUES_MORE = 1 << 16, /* further values of an event's list fields */
	SN_VALUES_SCRATCH = SN_LINE_MAX + 64,
};

struct sn_values_slot {
	uint32_t tail; /* last of its further values, index + 1 */
	uint32_t rank; /* how good the place is where it was found: see ndjson.c */
};

struct sn_values {
	struct sn_event event;
	struct sn_values_slot *slot; /* one a field or member */
	uint32_t *touched;	     /* numbers of the fields that are not absent */
	uint32_t touched_count;
	uint32_t keywords; /* number of the field "*", which takes every value of the event, or SN_NO_FIELD */
	uint32_t scratch_used;
	uint8_t scratch[SN_VALUES_SCRATCH];
};

/* For the fields of `rules`, which is not kept. NULL: no memory. */
struct sn_values *sn_values__new(const struct sn_rules *rules);
void sn_values__free(struct sn_values *values);
/* All fields absent, the scratch empty. */
void sn_values__clear(struct sn_values *values);
/* All fields absent; the texts made so far stay. */
void sn_values__unset_all(struct sn_values *values);
/* Gives a field a value: its only one, or with `further` one more (the first if it has none). `number` may be
 * SN_NO_FIELD: then only the keywords take it. With no room left for further ones the field becomes SN_LOST.
 * Members, not a struct: written and read back at once in pieces of other sizes they cost a stalled load each. */
void sn_values__put(struct sn_values *values, uint32_t number, const uint8_t *text, uint32_t len, enum sn_state state,
		    int further);
/* The same without the keywords: a fact of a file is nothing that the event says. */
void sn_values__put_fact(struct sn_values *values, uint32_t number, const uint8_t *text, uint32_t len,
			 enum sn_state state, int further);
/* sn_values__put for one value that may be truncated. */
void sn_values__set(struct sn_values *values, uint32_t number, const struct sn_value *value);
/* `size` bytes of scratch until the next clear, NULL when there is no room. */
uint8_t *sn_values__room(struct sn_values *values, uint32_t size);
/* Gives back what the last room did not need. */
void sn_values__used(struct sn_values *values, const uint8_t *end);

static inline struct sn_value sn_value__text(const void *text, uint32_t len)
{
	return (struct sn_value){.text = text, .len = len, .state = SN_PRESENT};
}

/* A field's text, as long as the values are not cleared; empty unless it is present whole. */
static inline struct sn_bytes sn_values__text(const struct sn_values *values, uint32_t number)
{
	const struct sn_value *value = &values->event.value[number];

	return value->state == SN_PRESENT ? (struct sn_bytes){value->text, value->len} : (struct sn_bytes){0};
}
#endif
