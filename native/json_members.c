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
	INSERTED = 40,	  /* so few are sorted soonest by insertion: about what an event has */
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

/* The first eight bytes as a number that is in their order. */
static uint64_t order_of(const char *name)
{
	const uint8_t *p = (const uint8_t *)name;

	return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 |
	       (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 | (uint64_t)p[6] << 8 | p[7];
}

static uint64_t order_of_short(const char *name, uint32_t len)
{
	char padded[8] = {0};

	for (uint32_t i = 0; i < len; i++)
		padded[i] = name[i];
	return order_of(padded);
}

void sn_member__name(struct sn_member *member, const char *name, uint32_t len)
{
	member->name = name;
	member->name_len = len;
	member->order = len < 8 ? order_of_short(name, len) : order_of(name);
}

void sn_members__name(struct sn_members *members, struct sn_member *member, const struct sn_json_string *name)
{
	struct sn_writer w = {members->names + members->names_used, members->names + members->room * NAMES, 0};
	char *begin = w.at;

	if (!name->odd) {
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

/* Stable, one pass where they are in order already. */
static void insert(struct sn_member *member, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		struct sn_member moved = member[i];
		uint32_t at = i;

		for (; at && compare(&member[at - 1], &moved) > 0; at--)
			member[at] = member[at - 1];
		if (at < i)
			member[at] = moved;
	}
}

/* Stable, so that of several of one name the last stands last; one pass where both halves are in order already, as when
 * the fields of two places are joined. `spare` has room for half of it. */
static void sort(struct sn_member *member, uint32_t count, struct sn_member *spare)
{
	uint32_t half = count / 2, left = 0, right = half, out = 0;

	if (count <= INSERTED) {
		insert(member, count);
		return;
	}
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
	struct sn_json_string string = {0};
	const uint8_t *begin;

	sn_json__space(json);
	begin = json->at;
	if (begin < json->end && *begin == '"' ? !sn_json__string(json, &string) : !sn_json__skip(json, 0))
		return 0;
	member->value = (const char *)begin;
	member->value_len = (uint32_t)(json->at - begin);
	member->odd = string.odd;
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
