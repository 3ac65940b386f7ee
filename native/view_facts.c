/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts of files as fields.
 */
#include <string.h>

#include "facts.h"
#include "schema.h"
#include "text.h"
#include "view_fill.h"

_Static_assert(SN_VALUE_FACT_IMAGE_WRITTEN_AGE - SN_VALUE_FACT_IMAGE_TRUST == SN_FACT_WRITTEN_AGE &&
		       SN_VALUE_FACT_PAYLOAD_WRITTEN_AGE - SN_VALUE_FACT_PAYLOAD_TRUST == SN_FACT_WRITTEN_AGE,
	       "fields.def: facts in the order of enum sn_fact");

struct target {
	struct sn_values *values;
	uint32_t number;
};

static void put(const struct target *to, const void *text, uint32_t len, int further)
{
	sn_values__put_fact(to->values, to->number, text, len, SN_PRESENT, further);
}

static void put_cut(const struct target *to, struct sn_bytes text)
{
	sn_values__put_fact(to->values, to->number, text.at, text.len, SN_TRUNCATED, 0);
	if (to->number != (uint32_t)SN_NO_FIELD)
		to->values->event.value[to->number].head = text.len;
}

static void put_state(const struct target *to, enum sn_state state)
{
	sn_values__put_fact(to->values, to->number, NULL, 0, state, 0);
}

static void put_truth(const struct target *to, int truth)
{
	put(to, truth ? "true" : "false", truth ? 4 : 5, 0);
}

/* Texts that each end in NUL, but for the last. */
static void put_list(const struct target *to, struct sn_bytes list)
{
	for (uint32_t at = 0; at < list.len;) {
		struct sn_bytes text = sn_bytes__first((struct sn_bytes){list.at + at, list.len - at});

		put(to, text.at, text.len, 1);
		at += text.len + 1;
	}
}

static void put_age(const struct target *to, uint64_t time, int64_t since)
{
	uint8_t *room;
	uint32_t n;

	if (since == INT64_MIN)
		return;
	room = sn_values__room(to->values, SN_TEXT_NUMBER);
	if (!room) {
		put_state(to, SN_LATE);
		return;
	}
	n = sn_text__u64((char *)room, sn_facts__age_s(time, since));
	sn_values__used(to->values, room + n);
	put(to, room, n, 0);
}

static void put_known(const struct target *to, const struct sn_facts *facts, enum sn_fact fact, uint64_t time)
{
	struct sn_bytes text = sn_facts__text(facts, fact);

	switch (fact) {
	case SN_FACT_AGE:
		put_age(to, time, facts->changed);
		return;
	case SN_FACT_WRITTEN_AGE:
		put_age(to, time, facts->written);
		return;
	case SN_FACT_FIRST_SEEN:
		put_truth(to, (int64_t)time <= facts->first);
		return;
	case SN_FACT_MOUNT_FLAGS:
	case SN_FACT_PRIVILEGE:
		put_list(to, text);
		return;
	default:
		if (facts->cut & 1u << fact)
			put_cut(to, text);
		else if (text.len)
			put(to, text.at, text.len, 0);
	}
}

static void put_of(const struct target *to, const struct sn_facts *facts, enum sn_fact fact, uint64_t time)
{
	if (!facts || facts->state == SN_FACTS_NONE)
		return;
	if (facts->state != SN_FACTS_KNOWN || facts->lost & 1u << fact)
		put_state(to, SN_LATE);
	else
		put_known(to, facts, fact, time);
}

/* Which program the file is, and whether it goes by that name. */
static void put_identity(const struct target *to, const struct sn_scene *scene, const struct sn_exec *exec, int renamed)
{
	const struct sn_facts *image = scene->image;

	if (scene->identity.len) {
		if (renamed)
			put_truth(to, sn_proxy__is_renamed(scene->grammars, exec, scene->identity));
		else
			put(to, scene->identity.at, scene->identity.len, 0);
	} else if (image && image->state != SN_FACTS_NONE &&
		   (image->state != SN_FACTS_KNOWN || image->lost & 1u << SN_FACT_IDENTITY)) {
		put_state(to, SN_LATE);
	}
}

void sn_view__put_fact(struct sn_values *values, uint32_t number, const struct sn_scene *scene,
		       const struct sn_header *record, uint32_t value)
{
	const struct target to = {values, number};

	if (value >= SN_VALUE_PROXY_IDENTITY)
		put_identity(&to, scene, (const struct sn_exec *)record, value == SN_VALUE_RENAMED_PROXY);
	else if (value >= SN_VALUE_FACT_PAYLOAD_TRUST)
		put_of(&to, scene->payload, (enum sn_fact)(value - SN_VALUE_FACT_PAYLOAD_TRUST), record->time);
	else
		put_of(&to, scene->image, (enum sn_fact)(value - SN_VALUE_FACT_IMAGE_TRUST), record->time);
}
