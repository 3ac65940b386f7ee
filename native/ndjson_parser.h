/* SPDX-License-Identifier: Apache-2.0
 *
 * A JSON line while ndjson.c reads it, and its parts that are written as markup was (ndjson_elements.c): elements with
 * a name, a text or attributes.
 */
#ifndef SN_NDJSON_PARSER_H
#define SN_NDJSON_PARSER_H
#include "json.h"
#include "logsource.h"
#include "ndjson_keys.h"
#include "values.h"

/* What the keys of an object mean. */
enum place {
	OUTER,
	SYSTEM,
	FIELDS,
	/* of these only a name or a text counts */
	ELEMENT,
	PROVIDER,
	ATTRIBUTES,
};

/* Of a level's own members; those of its System are RANK_SYSTEM better, those of its data RANK_DATA. */
enum { RANK_FLAT = 0, RANK_WRAPPED = 3, RANK_EVENT = 6, RANK_SYSTEM = 1, RANK_DATA = 2 };

struct sn_ndjson {
	struct sn_logsource *logsource;
	struct sn_mapping *mapping;
	struct sn_keys *keys;
};

/* One object on its way. */
struct sn_object {
	enum place place;
	uint32_t rank;
	uint32_t depth;
	const struct sn_object *outside;
	const struct sn_key *owner; /* the key whose value it is, NULL at the top */
	struct sn_key *named;	    /* where the object's @Name leaves the field that its #text belongs to */
	const uint8_t *text;	    /* the value of #text, until the name is known */
	const uint8_t *begin;	    /* its first member */
};

struct sn_parser {
	const struct sn_ndjson *ndjson;
	struct sn_values *values;
	struct sn_json json;
	uint32_t floor;	 /* the least rank that counts */
	uint32_t behind; /* which key was last: sn_keys__expected */
	struct sn_claim claim;
};

/* Any value, that of `key` in the object; `depth` as sn_json__skip. These return 1, or 0 for what is no JSON. */
int sn_parser__value(struct sn_parser *p, const struct sn_object *object, const struct sn_key *key, uint32_t depth);
/* The same of an object. */
int sn_parser__inner(struct sn_parser *p, const struct sn_object *object, const struct sn_key *key, uint32_t depth);
/* `further`: not the first value of a list. */
void sn_parser__put(struct sn_parser *p, const struct sn_object *object, const struct sn_key *key, const uint8_t *text,
		    uint32_t len, enum sn_state state, int further);

/* Whether it is an element of Data, of which only a name and a text count. */
int sn_element__is_named(const struct sn_object *object);
/* Whether no element of the list is a list or an object. */
int sn_element__is_plain(struct sn_json list);
/* Whether all members of the object but one are markup. */
int sn_element__is_alone(const struct sn_parser *p, const struct sn_object *object);
/* The value of a key that says what another one's is, or nothing: ROLE_NAME and those behind it. */
int sn_element__read(struct sn_parser *p, struct sn_object *object, const struct sn_key *key);
/* The end of an element of Data: its text, whose name is known now; of one without a name, unless it is one of a list.
 */
void sn_element__end(struct sn_parser *p, const struct sn_object *object);
#endif
