/* SPDX-License-Identifier: Apache-2.0
 *
 * The members of JSON objects, by name: a stack, since an object is looked at while those around it still are. Of
 * several members of one name the last counts.
 *
 * Ownership: names and values are borrowed from the line or from the stack's own memory, until the next begin.
 */
#ifndef SN_JSON_MEMBERS_H
#define SN_JSON_MEMBERS_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "json.h"

struct sn_member {
	uint64_t order;	   /* the first eight bytes of the name, for sorting */
	const char *name;  /* as sn_write__again has it, so that equal names are equal bytes */
	const char *value; /* as it stands in the line */
	uint32_t name_len;
	uint32_t value_len : 31;
	uint32_t odd : 1; /* a value that is a string is one that sn_write__again might change */
};

/* All zero to begin with. */
struct sn_members {
	struct sn_member *stack;
	char *names; /* those that do not stand in the line as they are */
	size_t names_used;
	size_t room; /* bytes of line that stack and names are enough for */
	uint32_t used;
};

/* One object's: stack[from, to), by name. */
struct sn_range {
	uint32_t from;
	uint32_t to;
};

/* Members that a line of `size` bytes has at most. */
uint32_t sn_members__most(size_t size);
/* Room for all that a line of `size` bytes holds, each object read twice, popped in between. 0 or -ENOMEM. */
int sn_members__begin(struct sn_members *members, size_t size);
void sn_members__free(struct sn_members *members);
/* Puts the members of an object on the stack: 1, or 0 when it is no object. */
int sn_members__read(struct sn_members *members, const struct sn_member *object, struct sn_range *out);
/* Names a member as a string of the line does. */
void sn_members__name(struct sn_members *members, struct sn_member *member, const struct sn_json_string *name);

/* Names a member by plain ASCII, which is borrowed. */
void sn_member__name(struct sn_member *member, const char *name, uint32_t len);
/* Takes any value of `json` as the member's: 1, or 0 when there is none. */
int sn_member__value(struct sn_json *json, struct sn_member *member);
/* The value, to be read. */
struct sn_json sn_member__json(const struct sn_member *member);
/* NULL when no member has that name, plain ASCII. */
const struct sn_member *sn_member__find(const struct sn_member *member, uint32_t count, const char *name);
/* Sorts by name and keeps the last of each; returns how many are left. `spare` has room for half as many. */
uint32_t sn_member__settle(struct sn_member *member, uint32_t count, struct sn_member *spare);

static inline int sn_member__is_object(const struct sn_member *member)
{
	return member && *member->value == '{';
}

static inline int sn_member__is_named(const struct sn_member *member, const char *name)
{
	return member->name_len == strlen(name) && memcmp(member->name, name, member->name_len) == 0;
}
#endif
