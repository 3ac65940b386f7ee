/* SPDX-License-Identifier: Apache-2.0 */
#include "json_members.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_write.h"

enum {
	LEAST_ROOM = 1 << 14,
	LEAST_MEMBER = 4, /* bytes of a line: "":0 */
	NAMES = 12,	  /* characters of names for a byte of line: six for a byte, and each object is read twice */
};

uint32_t sn_members__most(size_t size)
{
	return (uint32_t)(size / LEAST_MEMBER) + 1;
}

void sn_members__free(struct sn_members *members)
{
	free(members->stack);
	free(members->names);
	*members = (struct sn_members){0};
}

int sn_members__begin(struct sn_members *members, size_t size)
{
	size_t room = size < LEAST_ROOM ? LEAST_ROOM : size, most = sn_members__most(room);

	members->used = 0;
	members->names_used = 0;
	if (room <= members->room)
		return 0;
	sn_members__free(members);
	/* half as much again for sorting */
	members->stack = malloc((most + most / 2 + 1) * sizeof(*members->stack));
	members->names = malloc(room * NAMES);
	if (!members->stack || !members->names) {
		sn_members__free(members);
		return -ENOMEM;
	}
	members->room = room;
	return 0;
}

void sn_member__name(struct sn_member *member, const char *name, uint32_t len)
{
	member->name = name;
	member->name_len = len;
	member->order = 0;
	for (uint32_t i = 0; i < 8; i++)
		member->order = member->order << 8 | (i < len ? (uint8_t)name[i] : 0);
}

static int is_plain_name(const struct sn_json_string *name)
{
	uint32_t odd = name->escaped;

	for (uint32_t i = 0; i < name->len; i++)
		odd |= name->text[i] >= 0x7f;
	return !odd;
}

void sn_members__name(struct sn_members *members, struct sn_member *member, const struct sn_json_string *name)
{
	struct sn_writer w = {members->names + members->names_used, members->names + members->room * NAMES, 0};
	char *begin = w.at;

	if (is_plain_name(name)) {
		sn_member__name(member, (const char *)name->text, name->len);
		return;
	}
	sn_write__again(&w, name->text, name->len);
	members->names_used = (size_t)(w.at - members->names);
	sn_member__name(member, begin, (uint32_t)(w.at - begin));
}

static int compare(const struct sn_member *a, const struct sn_member *b)
{
	uint32_t len = a->name_len < b->name_len ? a->name_len : b->name_len;
	int order;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	order = memcmp(a->name, b->name, len);
	return order ? order : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

/* Stable, so that of several of one name the last stands last; one pass where both halves are in order already, as when
 * the fields of two places are joined. `spare` has room for half of it. */
static void sort(struct sn_member *member, uint32_t count, struct sn_member *spare)
{
	uint32_t half = count / 2, left = 0, right = half, out = 0;

	if (count < 2)
		return;
	sort(member, half, spare);
	sort(member + half, count - half, spare);
	if (compare(&member[half - 1], &member[half]) <= 0)
		return;
	memcpy(spare, member, half * sizeof(*member));
	while (left < half && right < count) {
		int from_right = compare(&member[right], &spare[left]) < 0;

		member[out++] = from_right ? member[right++] : spare[left++];
	}
	memcpy(&member[out], &spare[left], (half - left) * sizeof(*member));
}

uint32_t sn_member__settle(struct sn_member *member, uint32_t count, struct sn_member *spare)
{
	uint32_t kept = 0;

	sort(member, count, spare);
	for (uint32_t i = 0; i < count; i++)
		if (i + 1 == count || compare(&member[i], &member[i + 1]) != 0)
			member[kept++] = member[i];
	return kept;
}

const struct sn_member *sn_member__find(const struct sn_member *member, uint32_t count, const char *name)
{
	struct sn_member wanted;
	uint32_t low = 0;

	sn_member__name(&wanted, name, (uint32_t)strlen(name));
	while (count) {
		uint32_t half = count / 2;
		int order = compare(&wanted, &member[low + half]);

		if (!order)
			return &member[low + half];
		low += order < 0 ? 0 : half + 1;
		count = order < 0 ? half : count - half - 1;
	}
	return NULL;
}

struct sn_json sn_member__json(const struct sn_member *member)
{
	return (struct sn_json){(const uint8_t *)member->value, (const uint8_t *)member->value + member->value_len};
}

int sn_member__value(struct sn_json *json, struct sn_member *member)
{
	sn_json__space(json);
	member->value = (const char *)json->at;
	if (!sn_json__skip(json, 0))
		return 0;
	member->value_len = (uint32_t)((const char *)json->at - member->value);
	return 1;
}

int sn_members__read(struct sn_members *members, const struct sn_member *object, struct sn_range *out)
{
	struct sn_json json = sn_member__json(object);
	uint32_t from = members->used, count;

	*out = (struct sn_range){from, from};
	if (!sn_json__take(&json, '{'))
		return 0;
	if (sn_json__take(&json, '}'))
		return 1;
	do {
		struct sn_member *member = &members->stack[members->used];
		struct sn_json_string name;

		if (!sn_json__string(&json, &name) || !sn_json__take(&json, ':') || !sn_member__value(&json, member))
			return 0;
		sn_members__name(members, member, &name);
		members->used++;
	} while (sn_json__take(&json, ','));
	count = members->used - from;
	count = sn_member__settle(members->stack + from, count, members->stack + members->used);
	out->to = members->used = from + count;
	return sn_json__take(&json, '}');
}
