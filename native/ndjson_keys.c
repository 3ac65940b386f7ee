/* SPDX-License-Identifier: Apache-2.0 */
#include "ndjson_keys.h"

#include <stdlib.h>
#include <string.h>

#include "key_hash.h"
#include "rule_table.h"

struct structural {
	const char *name;
	enum sn_role role;
	const char *field; /* the Sigma name that it stands for, NULL: its own */
};

static const struct structural structurals[] = {
	{"event", ROLE_WRAP, NULL},
	{"Event", ROLE_EVENT, NULL},
	{"winlog", ROLE_EVENT, NULL},
	{"System", ROLE_SYSTEM, NULL},
	{"EventData", ROLE_DATA, NULL},
	{"UserData", ROLE_DATA, NULL},
	{"event_data", ROLE_DATA, NULL},
	{"user_data", ROLE_DATA, NULL},
	{"Channel", ROLE_CHANNEL, NULL},
	{"channel", ROLE_CHANNEL, "Channel"},
	{"EventID", ROLE_ID, NULL},
	{"event_id", ROLE_ID, "EventID"},
	{"_cat", ROLE_CATEGORY, NULL},
	{"_product", ROLE_PRODUCT, NULL},
	{"_service", ROLE_SERVICE, NULL},
	{"Provider", ROLE_PROVIDER, NULL},
	{"Provider_Name", ROLE_PROVIDER_NAME, NULL},
	{"provider_name", ROLE_PROVIDER_NAME, "Provider_Name"},
	{"SourceName", ROLE_PROVIDER_NAME, NULL},
	{"computer_name", ROLE_NONE, "Computer"},
	{"Data", ROLE_NAMED, NULL},
	{"Name", ROLE_NAME, NULL},
	{"@Name", ROLE_NAME, NULL},
	{"#text", ROLE_TEXT, NULL},
	{"#attributes", ROLE_ATTRIBUTES, NULL},
};

enum {
	STRUCTURALS = sizeof(structurals) / sizeof(*structurals),
	FOLLOWERS = 256,
	FOLLOWER_MAX = 40, /* bytes of a name with its quotes */
	ESCAPE_MAX = 6,	   /* bytes of an escape that is one */
};

/* A key as it is written. */
struct follower {
	uint8_t name[FOLLOWER_MAX];
	uint32_t size;	 /* with the quotes; 0: none yet */
	uint32_t behind; /* number of the one that comes behind it */
	const struct sn_key *key;
};

struct sn_keys {
	const struct sn_key *provider;
	uint8_t *scratch;		     /* for a name of the longest's length, all escapes, unescaped */
	uint32_t longest;		     /* bytes of a name */
	struct follower follower[FOLLOWERS]; /* by the hash of the key that it came behind */
	uint32_t mask;			     /* slots - 1 */
	struct sn_key slot[];		     /* open addressing, linear; name NULL: free */
};

static const struct sn_key NO_KEY = {.field = (uint32_t)SN_NO_FIELD};
static const struct sn_key MARKUP = {.field = (uint32_t)SN_NO_FIELD, .role = ROLE_MARKUP};

static int is_markup(uint8_t first)
{
	return first == '#' || first == '@';
}

static uint32_t slot_of(const struct sn_keys *keys, const uint8_t *name, uint32_t len)
{
	uint32_t i = sn_key_hash(name, len) & keys->mask;
	const struct sn_key *key;

	while ((key = &keys->slot[i])->name && (key->len != len || memcmp(key->name, name, len) != 0))
		i = (i + 1) & keys->mask;
	return i;
}

static void add(struct sn_keys *keys, const struct sn_key *key)
{
	keys->slot[slot_of(keys, key->name, key->len)] = *key;
	if (key->len > keys->longest)
		keys->longest = key->len;
}

static void add_structural(struct sn_keys *keys, const struct sn_rules *rules, const struct structural *structural)
{
	const char *field = structural->field ? structural->field : structural->name;
	struct sn_key key = {.name = (const uint8_t *)structural->name,
			     .len = (uint32_t)strlen(structural->name),
			     .field = sn_rules__field(rules, field, strlen(field)),
			     .role = structural->role};

	add(keys, &key);
}

struct sn_keys *sn_keys__new(const struct sn_rules *rules, const struct sn_mapping *mapping)
{
	static const char provider[] = "Provider_Name", time[] = "SystemTime";
	uint32_t fields = sn_rules__field_count(rules), slots = 64;
	const char *member;
	struct sn_keys *keys;

	while (slots < 4 * (fields + SN_VALUES_MEMBERS + STRUCTURALS))
		slots *= 2;
	keys = calloc(1, sizeof(*keys) + slots * sizeof(*keys->slot));
	if (!keys)
		return NULL;
	keys->mask = slots - 1;
	for (uint32_t i = 0; i < fields; i++) {
		struct sn_key key = {.field = i};

		key.name = (const uint8_t *)sn_rules__field_name(rules, i, &key.len);
		key.role = is_markup(*key.name) ? ROLE_MARKUP : ROLE_NONE;
		add(keys, &key);
	}
	for (uint32_t i = 0; (member = sn_mapping__member(mapping, i)); i++) {
		struct sn_key key = {(const uint8_t *)member, (uint32_t)strlen(member), fields + i, ROLE_NONE};

		add(keys, &key);
	}
	keys->slot[slot_of(keys, (const uint8_t *)time, (uint32_t)strlen(time))].role = ROLE_TIME;
	for (uint32_t i = 0; i < STRUCTURALS; i++)
		add_structural(keys, rules, &structurals[i]);
	keys->scratch = malloc(keys->longest * ESCAPE_MAX + SN_JSON_SLACK);
	if (!keys->scratch) {
		free(keys);
		return NULL;
	}
	keys->provider = sn_keys__find(keys, (const uint8_t *)provider, strlen(provider));
	return keys;
}

void sn_keys__free(struct sn_keys *keys)
{
	if (!keys)
		return;
	free(keys->scratch);
	free(keys);
}

const struct sn_key *sn_keys__find(const struct sn_keys *keys, const uint8_t *name, uint32_t len)
{
	const struct sn_key *key = &keys->slot[slot_of(keys, name, len)];

	if (key->name)
		return key;
	return len && is_markup(*name) ? &MARKUP : &NO_KEY;
}

int sn_keys__is_markup(const struct sn_json_string *name)
{
	return name->len && (is_markup(*name->text) ||
			     (name->len >= ESCAPE_MAX && (memcmp(name->text, "\\u0023", ESCAPE_MAX) == 0 ||
							  memcmp(name->text, "\\u0040", ESCAPE_MAX) == 0)));
}

const struct sn_key *sn_keys__named(struct sn_keys *keys, const struct sn_json_string *name)
{
	if (!name->escaped)
		return sn_keys__find(keys, name->text, name->len);
	if (name->len > keys->longest * ESCAPE_MAX)
		return sn_keys__is_markup(name) ? &MARKUP : &NO_KEY;
	return sn_keys__find(keys, keys->scratch, (uint32_t)(sn_json__unescape(name, keys->scratch) - keys->scratch));
}

const struct sn_key *sn_keys__expected(const struct sn_keys *keys, uint32_t *behind, struct sn_json *json)
{
	const struct follower *follower = &keys->follower[*behind];

	if (!follower->size || (size_t)(json->end - json->at) < follower->size ||
	    memcmp(json->at, follower->name, follower->size) != 0)
		return NULL;
	json->at += follower->size;
	*behind = follower->behind;
	return follower->key;
}

void sn_keys__came(struct sn_keys *keys, uint32_t *behind, const struct sn_json_string *name, const struct sn_key *key)
{
	struct follower *follower = &keys->follower[*behind];

	*behind = sn_key_hash(name->text, name->len) % FOLLOWERS;
	if (name->len + 2 > FOLLOWER_MAX)
		return;
	follower->size = name->len + 2;
	memcpy(follower->name, name->text - 1, follower->size);
	follower->behind = *behind;
	follower->key = key;
}

const struct sn_key *sn_keys__provider(const struct sn_keys *keys)
{
	return keys->provider;
}
