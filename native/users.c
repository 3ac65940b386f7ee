/* SPDX-License-Identifier: Apache-2.0 */
#include "users.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2 * SN_USERS_MAX };

struct user {
	uint32_t uid;
	uint32_t len;
	struct user *older; /* all ever set, so that they can be freed at the end */
	char name[];
};

struct sn_users {
	_Atomic(struct user *) slot[SLOTS]; /* open addressing, linear */
	struct user *newest;
	uint32_t count;
};

struct sn_users *sn_users__new(void)
{
	return calloc(1, sizeof(struct sn_users));
}

void sn_users__free(struct sn_users *users)
{
	if (!users)
		return;
	while (users->newest) {
		struct user *older = users->newest->older;

		free(users->newest);
		users->newest = older;
	}
	free(users);
}

static uint32_t slot_of(uint32_t uid)
{
	return (uid * 0x9e3779b1u) >> 18; /* 14 bits: SLOTS */
}
_Static_assert(SLOTS == 1 << 14, "slot_of gives 14 bits");

int sn_users__set(struct sn_users *users, uint32_t uid, const char *name)
{
	size_t len = strnlen(name, SN_USER_NAME_MAX + 1);
	uint32_t slot = slot_of(uid);
	struct user *user, *there;

	if (!len || len > SN_USER_NAME_MAX)
		return -EINVAL;
	while ((there = atomic_load_explicit(&users->slot[slot], memory_order_relaxed)) && there->uid != uid)
		slot = (slot + 1) % SLOTS;
	if (there && there->len == len && memcmp(there->name, name, len) == 0)
		return 0;
	if (users->count == SN_USERS_MAX)
		return -ENOSPC;
	user = malloc(sizeof(*user) + len);
	if (!user)
		return -ENOMEM;
	*user = (struct user){.uid = uid, .len = (uint32_t)len, .older = users->newest};
	memcpy(user->name, name, len);
	users->newest = user;
	users->count++;
	atomic_store_explicit(&users->slot[slot], user, memory_order_release);
	return 0;
}

const char *sn_users__find(const struct sn_users *users, uint32_t uid, uint32_t *len)
{
	uint32_t slot = slot_of(uid);
	const struct user *user;

	while ((user = atomic_load_explicit(&users->slot[slot], memory_order_acquire))) {
		if (user->uid == uid) {
			*len = user->len;
			return user->name;
		}
		slot = (slot + 1) % SLOTS;
	}
	return NULL;
}
