/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_facts.h"

#include <string.h>

#include "mapping.h"

_Static_assert(SN_VALUE_FACT_IMAGE_HASHES - SN_VALUE_FACT_IMAGE_SIGNED == SN_FACT_HASHES - SN_FACT_SIGNED &&
		       SN_VALUE_FACT_PAYLOAD_HASHES - SN_VALUE_FACT_PAYLOAD_SIGNED == SN_FACT_HASHES - SN_FACT_SIGNED,
	       "fields.def: facts in the order of enum sn_fact");

static void add(struct sn_win_facts *out, const struct sn_rules *rules, const struct sn_derived *field)
{
	uint32_t load = field->types & 1u << SN_WIN_LOAD ? 1 : 0;
	uint32_t payload = field->value >= SN_VALUE_FACT_PAYLOAD_SIGNED;
	uint32_t first = payload ? SN_VALUE_FACT_PAYLOAD_SIGNED : SN_VALUE_FACT_IMAGE_SIGNED;
	uint32_t number = sn_rules__field(rules, field->sigma, strlen(field->sigma));

	out->read[load][payload] |= number != (uint32_t)SN_NO_FIELD;
	if (!load && field->value == SN_VALUE_FACT_IMAGE_ORIGINAL_NAME) /* a start is unwound by it */
		number = sn_mapping__start_field(rules, SN_START_ORIGINAL_NAME);
	out->number[load][payload][field->value - first] = number;
}

void sn_win_facts__of(const struct sn_rules *rules, struct sn_win_facts *out)
{
	memset(out, 0, sizeof(*out));
	for (const struct sn_derived *field = sn_derived_fields; field->sigma; field++)
		if (field->types & (1u << SN_WIN_START | 1u << SN_WIN_LOAD))
			add(out, rules, field);
}

/* What an event of that kind is to be seen with, by Sysmon's names. */
static bool is_sysmons(uint32_t type, enum sn_asked of)
{
	return (type == SN_WIN_START) == (of == SN_ASKED_IMAGE);
}

static void put(struct sn_values *values, uint32_t number, const struct sn_facts *facts, enum sn_fact fact,
		enum sn_state late)
{
	struct sn_bytes text = sn_facts__text(facts, fact);

	if (facts->state != SN_FACTS_KNOWN || facts->lost & 1u << fact) {
		sn_values__put_fact(values, number, NULL, 0, late, 0);
	} else if (facts->cut & 1u << fact) {
		sn_values__put_fact(values, number, text.at, text.len, SN_TRUNCATED, 0);
		values->event.value[number].head = text.len;
	} else if (text.len) {
		sn_values__put_fact(values, number, text.at, text.len, SN_PRESENT, 0);
	}
}

void sn_win_facts__put(const struct sn_win_facts *fields, uint32_t type, enum sn_asked of, const struct sn_facts *facts,
		       struct sn_values *values)
{
	const uint32_t *number = fields->number[type - SN_WIN_START][of - SN_ASKED_IMAGE];
	enum sn_state late = is_sysmons(type, of) ? SN_OWED : SN_LATE;

	if (facts->state == SN_FACTS_NONE)
		return;
	for (uint32_t i = 0; i < SN_WIN_FACTS; i++)
		if (number[i] != (uint32_t)SN_NO_FIELD && values->event.value[number[i]].state == SN_ABSENT)
			put(values, number[i], facts, (enum sn_fact)(SN_FACT_SIGNED + i), late);
}
