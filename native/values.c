/* SPDX-License-Identifier: Apache-2.0 */
#include "values.h"

#include <stdlib.h>

struct sn_values *sn_values__new(const struct sn_rules *rules)
{
	uint32_t fields = sn_rules__field_count(rules), room = fields + SN_VALUES_MEMBERS;
	struct sn_values *values = calloc(1, sizeof(*values));

	if (!values)
		return NULL;
	values->event.value = calloc(room, sizeof(*values->event.value));
	values->event.more = malloc(SN_VALUES_MORE * sizeof(*values->event.more));
	values->slot = calloc(room, sizeof(*values->slot));
	values->touched = calloc(room, sizeof(*values->touched));
	values->event.fields = fields;
	values->keywords = sn_rules__field(rules, "*", 1);
	if (!values->event.value || !values->event.more || !values->slot || !values->touched) {
		sn_values__free(values);
		return NULL;
	}
	return values;
}

void sn_values__free(struct sn_values *values)
{
	if (!values)
		return;
	free(values->event.value);
	free(values->event.more);
	free(values->slot);
	free(values->touched);
	free(values);
}

void sn_values__unset_all(struct sn_values *values)
{
	for (uint32_t i = 0; i < values->touched_count; i++)
		values->event.value[values->touched[i]] = (struct sn_value){0};
	values->touched_count = 0;
	values->event.more_count = 0;
	values->event.unknown = 0;
}

void sn_values__clear(struct sn_values *values)
{
	sn_values__unset_all(values);
	values->scratch_used = 0;
}

static void write_value(struct sn_value *value, const uint8_t *text, uint32_t len, enum sn_state state)
{
	value->text = text;
	value->len = len;
	value->head = 0;
	value->state = state;
	value->next = 0;
}

static void put_first(struct sn_values *values, uint32_t number, const uint8_t *text, uint32_t len, enum sn_state state)
{
	if (values->event.value[number].state == SN_ABSENT)
		values->touched[values->touched_count++] = number;
	write_value(&values->event.value[number], text, len, state);
	values->slot[number].tail = 0;
}

static void put_further(struct sn_values *values, uint32_t number, const uint8_t *text, uint32_t len,
			enum sn_state state)
{
	struct sn_event *event = &values->event;
	uint32_t index = event->more_count, tail = values->slot[number].tail;

	if (event->value[number].state == SN_ABSENT) {
		put_first(values, number, text, len, state);
	} else if (index == SN_VALUES_MORE) {
		event->unknown++;
		put_first(values, number, NULL, 0, SN_LOST);
	} else if (event->value[number].state != SN_LOST) {
		write_value(&event->more[index], text, len, state);
		event->more_count = index + 1;
		values->slot[number].tail = index + 1;
		if (tail)
			event->more[tail - 1].next = index + 1;
		else
			event->value[number].next = index + 1;
	}
}

void sn_values__put_fact(struct sn_values *values, uint32_t number, const uint8_t *text, uint32_t len,
			 enum sn_state state, int further)
{
	values->event.unknown += (uint32_t)sn_may_hide_witness(state);
	if (number == (uint32_t)SN_NO_FIELD)
		return;
	if (further)
		put_further(values, number, text, len, state);
	else
		put_first(values, number, text, len, state);
}

void sn_values__put(struct sn_values *values, uint32_t number, const uint8_t *text, uint32_t len, enum sn_state state,
		    int further)
{
	sn_values__put_fact(values, number, text, len, state, further);
	if (values->keywords != (uint32_t)SN_NO_FIELD)
		put_further(values, values->keywords, text, len, state);
}

void sn_values__set(struct sn_values *values, uint32_t number, const struct sn_value *value)
{
	sn_values__put(values, number, value->text, value->len, value->state, 0);
	if (number != (uint32_t)SN_NO_FIELD)
		values->event.value[number].head = value->head;
}

uint8_t *sn_values__room(struct sn_values *values, uint32_t size)
{
	uint8_t *room = values->scratch + values->scratch_used;

	if (size > SN_VALUES_SCRATCH - values->scratch_used)
		return NULL;
	values->scratch_used += size;
	return room;
}

void sn_values__used(struct sn_values *values, const uint8_t *end)
{
	values->scratch_used = (uint32_t)(end - values->scratch);
}
