/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_keys: what the keys of JSON lines mean for one rule table: a field that some rule reads, a part of the
 * shapes of ndjson.c, or both.
 */
#ifndef SN_NDJSON_KEYS_H
#define SN_NDJSON_KEYS_H
#include "json.h"
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
	ROLE_TIME, /* a field, also as an attribute of an element of System's */
	/* no field, or one only where it stands for nothing else */
	ROLE_NAME,
	ROLE_TEXT,
	ROLE_ATTRIBUTES,
	ROLE_MARKUP,
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
/* The same by what stands in a line. */
const struct sn_key *sn_keys__named(struct sn_keys *keys, const struct sn_json_string *name);
/* Whether it begins with # or @. */
int sn_keys__is_markup(const struct sn_json_string *name);
/* Lines mostly have the keys of those before them in the same order: takes the key that came last time behind the one
 * that `*behind` stands for (0: a line's begin) and says what it means. NULL: another one comes, find it, then tell
 * sn_keys__came. */
const struct sn_key *sn_keys__expected(const struct sn_keys *keys, uint32_t *behind, struct sn_json *json);
void sn_keys__came(struct sn_keys *keys, uint32_t *behind, const struct sn_json_string *name, const struct sn_key *key);
/* What Provider's Name stands for. */
const struct sn_key *sn_keys__provider(const struct sn_keys *keys);
#endif
