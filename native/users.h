/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_users: uid to name. One thread sets, any other finds, without a lock: a name is published whole by one
 * pointer and lives as long as the users do.
 */
#ifndef SN_USERS_H
#define SN_USERS_H
#include <stdint.h>

enum { SN_USERS_MAX = 8192, SN_USER_NAME_MAX = 255 };

struct sn_users;

struct sn_users *sn_users__new(void);
void sn_users__free(struct sn_users *users);
/* -EINVAL: empty or too long; -ENOSPC: SN_USERS_MAX names set, changed ones included; -ENOMEM. */
int sn_users__set(struct sn_users *users, uint32_t uid, const char *name);
/* The name, without NUL, and its length; NULL when there is none. */
const char *sn_users__find(const struct sn_users *users, uint32_t uid, uint32_t *len);
#endif
