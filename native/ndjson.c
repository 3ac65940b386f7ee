/* SPDX-License-Identifier: Apache-2.0
 *
 * The shapes of a line, and how good a place is (its rank): a field found twice keeps the value of the better place, in
 * the same place the later one.
 *
 *   {"Image": ..., "EventID": 1, "Channel": ...}                                        0   flat: NXLog, Sysmon
 *   {"src": ..., "file": ..., "event": {"Image": ...}}                                  1   wrapped
 *   {"Event": {"System": {"EventID": 1, ...}, "EventData": {"Image": ...}}}             2 System, 3 EventData
 *   {"winlog": {"event_id": 1, "channel": ..., "event_data": {"Image": ...}}}           2, 3   Winlogbeat
 *   {"winlog.event_id": 1, "winlog.event_data.Image": ...}                              2, 3   the same, flattened
 *
 *   {"_product": ..., "_cat": ..., "_service": ..., "event": {...}}                     1   logsource in the line
 *
 * What stands outside of event, Event or winlog is then no field of the event. Values may also be written as
 * {"#text": value}, fields as [{"@Name": field, "#text": value}, ...] (xmltodict, evtx_dump).
 */
#include "ndjson.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mapping.h"
#include "ndjson_keys.h"

/* What the keys of an object mean. */
enum place { OUTER, SYSTEM, FIELDS, PROVIDER };

enum { RANK_FLAT, RANK_WRAPPED, RANK_EVENT, RANK_DATA };

struct sn_ndjson {
	struct sn_logsource *logsource;
	struct sn_mapping *mapping;
	struct sn_keys *keys;
};

/* One object on its way. */
struct object {
	enum place place;
	uint32_t rank;
	uint32_t depth;
	const struct object *outside;
	const struct sn_key *owner; /* the key whose value it is, NULL at the top */
	struct sn_key *named;	    /* where the object's @Name leaves the field that its #text belongs to */
};

struct parser {
	const struct sn_ndjson *ndjson;
	struct sn_values *values;
	struct sn_json json;
	uint32_t floor;	 /* the least rank that counts */
	uint32_t behind; /* which key was last: sn_keys__expected */
	struct sn_claim claim;
};

static const char WINLOG[] = "winlog.", EVENT_DATA[] = "event_data.";

struct sn_ndjson *sn_ndjson__new(const struct sn_rules *rules)
{
	struct sn_ndjson *ndjson = calloc(1, sizeof(*ndjson));

	if (!ndjson)
		return NULL;
	ndjson->logsource = sn_logsource__new(rules);
	ndjson->mapping = sn_mapping__new(rules);
	ndjson->keys = ndjson->mapping ? sn_keys__new(rules, ndjson->mapping) : NULL;
	if (ndjson->logsource && ndjson->keys)
		return ndjson;
	sn_ndjson__free(ndjson);
	return NULL;
}

void sn_ndjson__free(struct sn_ndjson *ndjson)
{
	if (!ndjson)
		return;
	sn_logsource__free(ndjson->logsource);
	sn_keys__free(ndjson->keys);
	sn_mapping__free(ndjson->mapping);
	free(ndjson);
}

/* ---- keys ---- */

static int starts_with(const struct sn_json_string *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return name->len > len && memcmp(name->text, prefix, len) == 0;
}

/* ---- values ---- */

static uint32_t number_of(const uint8_t *text, uint32_t len)
{
	uint32_t number = 0;

	for (uint32_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' || number > 99999)
			return UINT32_MAX;
		number = number * 10 + text[i] - '0';
	}
	return len ? number : UINT32_MAX;
}

/* What a value says about the logsource. */
static void note_role(struct parser *p, const struct object *object, enum sn_role role, const uint8_t *text,
		      uint32_t len)
{
	if (object->place != OUTER && object->place != SYSTEM)
		return;
	if (role == ROLE_CATEGORY)
		p->claim.category = sn_value__text(text, len);
	else if (role == ROLE_PRODUCT)
		p->claim.product = sn_value__text(text, len);
	else if (role == ROLE_SERVICE)
		p->claim.service_name = sn_value__text(text, len);
	else if (object->rank < p->floor)
		return;
	else if (role == ROLE_ID)
		p->claim.id = number_of(text, len);
	else if (role == ROLE_CHANNEL)
		p->claim.service = sn_logsource__service(p->ndjson->logsource, text, len);
	else if (role == ROLE_PROVIDER_NAME && p->claim.service == SN_SERVICE_NONE)
		p->claim.service = sn_logsource__service(p->ndjson->logsource, text, len);
}

/* Is the value of that field wanted from this place? */
static int is_wanted(const struct parser *p, const struct object *object, uint32_t field)
{
	if (object->rank < p->floor)
		return 0;
	if (field == (uint32_t)SN_NO_FIELD)
		return p->values->keywords != (uint32_t)SN_NO_FIELD;
	return p->values->event.value[field].state == SN_ABSENT || p->values->slot[field].rank <= object->rank;
}

/* `further`: not the first value of a list. */
static void put_value(struct parser *p, const struct object *object, const struct sn_key *key, const uint8_t *text,
		      uint32_t len, enum sn_state state, int further)
{
	if (key->role && state == SN_PRESENT)
		note_role(p, object, key->role, text, len);
	if (!is_wanted(p, object, key->field))
		return;
	sn_values__put(p->values, key->field, text, len, state, further);
	if (key->field != (uint32_t)SN_NO_FIELD)
		p->values->slot[key->field].rank = object->rank;
}

static int read_object(struct parser *p, struct object *object);
static int read_value(struct parser *p, const struct object *object, const struct sn_key *key, int *further,
		      uint32_t depth);

/* A string: what it means, borrowed from the line or made in the scratch. */
static int read_text(struct parser *p, const uint8_t **text, uint32_t *len)
{
	uint8_t *used, *room = sn_values__room(p->values, (uint32_t)(p->json.end - p->json.at) + SN_JSON_SLACK);
	int sound = sn_json__meaning(&p->json, text, len, room, &used);

	sn_values__used(p->values, used);
	return sound;
}

/* A scalar; strings that nobody reads are not unescaped. */
static int read_scalar(struct parser *p, const struct object *object, const struct sn_key *key, int *further)
{
	struct sn_json_string string;
	const uint8_t *text;
	uint32_t len;

	if (*p->json.at == '"') {
		if (!key->role && !is_wanted(p, object, key->field))
			return sn_json__string(&p->json, &string);
		if (!read_text(p, &text, &len))
			return 0;
		put_value(p, object, key, text, len, SN_PRESENT, *further);
	} else {
		if (!sn_json__scalar(&p->json, &string))
			return 0;
		if (*string.text == 'n')
			put_value(p, object, key, NULL, 0, SN_NULL, *further);
		else
			put_value(p, object, key, string.text, string.len, SN_PRESENT, *further);
	}
	*further = 1;
	return 1;
}

static int read_list(struct parser *p, const struct object *object, const struct sn_key *key, int *further,
		     uint32_t depth)
{
	if (depth >= SN_JSON_DEPTH)
		return 0;
	p->json.at++;
	if (sn_json__take(&p->json, ']')) {
		if (!*further)
			put_value(p, object, key, NULL, 0, SN_NULL, 0);
		return 1;
	}
	do {
		if (!read_value(p, object, key, further, depth + 1))
			return 0;
	} while (sn_json__take(&p->json, ','));
	return sn_json__take(&p->json, ']');
}

/* From here on only places of that rank count; what was found outside is no part of the event. */
static void raise_floor(struct parser *p, uint32_t rank)
{
	if (rank <= p->floor)
		return;
	p->floor = rank;
	p->claim.service = SN_SERVICE_NONE;
	p->claim.id = UINT32_MAX;
	sn_values__unset_all(p->values);
}

static int read_inner(struct parser *p, const struct object *object, const struct sn_key *key, uint32_t depth)
{
	struct object inner = {.place = FIELDS, .rank = object->rank, .depth = depth, .outside = object, .owner = key};

	if (object->place == OUTER) {
		switch (key->role) {
		case ROLE_WRAP:
			inner.place = OUTER;
			inner.rank = RANK_WRAPPED;
			raise_floor(p, RANK_WRAPPED);
			break;
		case ROLE_EVENT:
			inner.place = OUTER;
			inner.rank = RANK_EVENT;
			raise_floor(p, RANK_EVENT);
			break;
		case ROLE_SYSTEM:
			inner.place = SYSTEM;
			inner.rank = RANK_EVENT;
			break;
		case ROLE_DATA:
			inner.rank = RANK_DATA;
			break;
		case ROLE_ID:
		case ROLE_CHANNEL:
			break;
		default:
			return sn_json__skip(&p->json, depth);
		}
	} else if (object->place == SYSTEM && key->role == ROLE_PROVIDER) {
		inner.place = PROVIDER;
	} else if (key->role == ROLE_ATTRIBUTES) {
		inner.place = object->place;
		inner.owner = object->owner;
		inner.outside = object->outside;
		inner.named = object->named;
	}
	return read_object(p, &inner);
}

static int read_value(struct parser *p, const struct object *object, const struct sn_key *key, int *further,
		      uint32_t depth)
{
	sn_json__space(&p->json);
	if (p->json.at == p->json.end)
		return 0;
	switch (*p->json.at) {
	case '{':
		return read_inner(p, object, key, depth);
	case '[':
		return read_list(p, object, key, further, depth);
	default:
		return read_scalar(p, object, key, further);
	}
}

/* "@Name" of an element of Data: its value is the name of the field that "#text" belongs to. */
static int read_name(struct parser *p, struct object *object)
{
	struct sn_json_string string;

	if (!sn_json__string(&p->json, &string))
		return 0;
	*object->named = *sn_keys__named(p->ndjson->keys, &string);
	object->named->role = ROLE_NAMED;
	return 1;
}

/* "winlog.event_data.Image" of a flattened Winlogbeat line: the key behind the dots, and the better place. */
static int read_dotted(struct parser *p, const struct object *object, struct sn_json_string name)
{
	struct object place = *object;
	int further = 0;

	place.rank = RANK_EVENT;
	raise_floor(p, RANK_EVENT);
	name.text += strlen(WINLOG);
	name.len -= (uint32_t)strlen(WINLOG);
	if (starts_with(&name, EVENT_DATA)) {
		place.rank = RANK_DATA;
		name.text += strlen(EVENT_DATA);
		name.len -= (uint32_t)strlen(EVENT_DATA);
	}
	return read_value(p, &place, sn_keys__named(p->ndjson->keys, &name), &further, object->depth + 1);
}

/* Keys that say what another one's value is. 1 or 0 as read_value. */
static int read_special(struct parser *p, struct object *object, const struct sn_key *key)
{
	struct object place = *object;
	int further = 0;

	if (key->role == ROLE_TEXT && object->owner) {
		if (object->named->role == ROLE_NAMED)
			return read_value(p, &place, object->named, &further, object->depth + 1);
		place.place = object->outside->place;
		return read_value(p, &place, object->owner, &further, object->depth + 1);
	}
	sn_json__space(&p->json);
	if (key->role == ROLE_NAME && object->owner && object->owner->role == ROLE_NAMED && p->json.at < p->json.end &&
	    *p->json.at == '"')
		return read_name(p, object);
	if (key->role == ROLE_NAME && object->place == PROVIDER) {
		place.place = SYSTEM;
		key = sn_keys__provider(p->ndjson->keys);
	}
	return read_value(p, &place, key, &further, object->depth + 1);
}

static int read_member(struct parser *p, struct object *object)
{
	struct sn_json_string name;
	const struct sn_key *key;
	int further = 0;

	sn_json__space(&p->json);
	key = sn_keys__expected(p->ndjson->keys, &p->behind, &p->json);
	if (!key) {
		if (!sn_json__string(&p->json, &name))
			return 0;
		if (starts_with(&name, WINLOG) && object->place == OUTER)
			return sn_json__take(&p->json, ':') && read_dotted(p, object, name);
		key = sn_keys__named(p->ndjson->keys, &name);
		if (!starts_with(&name, WINLOG))
			sn_keys__came(p->ndjson->keys, &p->behind, &name, key);
	}
	if (!sn_json__take(&p->json, ':'))
		return 0;
	if (key->role == ROLE_TEXT || key->role == ROLE_NAME)
		return read_special(p, object, key);
	return read_value(p, object, key, &further, object->depth + 1);
}

static int read_object(struct parser *p, struct object *object)
{
	struct sn_key named = {.field = (uint32_t)SN_NO_FIELD};

	if (object->depth >= SN_JSON_DEPTH)
		return 0;
	if (!object->named)
		object->named = &named;
	p->json.at++;
	if (sn_json__take(&p->json, '}'))
		return 1;
	do {
		if (!read_member(p, object))
			return 0;
	} while (sn_json__take(&p->json, ','));
	return sn_json__take(&p->json, '}');
}

int sn_ndjson__decode(struct sn_ndjson *ndjson, const char *line, size_t size, uint32_t route, struct sn_values *values,
		      struct sn_routes *routes)
{
	struct parser p = {.ndjson = ndjson, .values = values, .claim.id = UINT32_MAX};
	struct object top = {.place = OUTER};

	sn_values__clear(values);
	routes->count = 0;
	if (size > SN_LINE_MAX)
		return -EBADMSG;
	p.json = (struct sn_json){(const uint8_t *)line, (const uint8_t *)line + size};
	sn_json__space(&p.json);
	if (p.json.at == p.json.end || *p.json.at != '{' || !read_object(&p, &top))
		return -EBADMSG;
	sn_json__space(&p.json);
	if (p.json.at != p.json.end)
		return -EBADMSG;
	if (p.claim.service != SN_SERVICE_NONE)
		sn_mapping__apply(ndjson->mapping, sn_mapping__of(ndjson->mapping, p.claim.service, p.claim.id),
				  values);
	if (route & SN_ROUTE_OTHERWISE)
		sn_logsource__routes(ndjson->logsource, &p.claim, route, routes);
	else
		sn_logsource__route(ndjson->logsource, route, routes);
	return 0;
}
