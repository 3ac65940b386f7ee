/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_keys: what the keys of JSON lines mean for one rule table: a field that some rule reads, a part of the
 * shapes of ndjson.c, or both.
 */
#ifndef SN_NDJSON_KEYS_H
#define SN_NDJSON_KEYS_H
#include "mapping.h"

enum sn_role {
	ROLE_NONE,
	ROLE_WRAP,
	ROLE_EVENT,
	ROLE_SYSTEM,
	ROLE_DATA,
	ROLE_CHANNEL,
	ROLE_ID,
	ROLE_CATEGORY,
	ROLE_PRODUCT,
	ROLE_SERVICE,
	ROLE_PROVIDER,
	ROLE_PROVIDER_NAME,
	ROLE_NAMED,
	ROLE_NAME,
	ROLE_TEXT,
	ROLE_ATTRIBUTES,
};

struct sn_key {
	const uint8_t *name; /* borrowed from the rule table or the mapping */
	uint32_t len;
	uint32_t field; /* number in the table, behind it that of a member of the mapping, or SN_NO_FIELD */
	enum sn_role role;
};

struct sn_keys;

/* NULL: no memory. `rules` and `mapping` must outlive it. */
struct sn_keys *sn_keys__new(const struct sn_rules *rules, const struct sn_mapping *mapping);
void sn_keys__free(struct sn_keys *keys);
/* Never NULL: a key that means nothing has no field and no role. */
const struct sn_key *sn_keys__find(const struct sn_keys *keys, const uint8_t *name, uint32_t len);
/* What Provider's Name stands for. */
const struct sn_key *sn_keys__provider(const struct sn_keys *keys);
#endif
