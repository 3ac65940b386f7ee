/* SPDX-License-Identifier: Apache-2.0
 *
 * The shapes of a line, and how good a place is (its rank): a field found twice keeps the value of the better place, in
 * the same place the later one.
 *
 *   {"Image": ..., "EventID": 1, "Channel": ...}                                        0   flat: NXLog, Sysmon
 *   {"src": ..., "file": ..., "event": {"Image": ...}}                                  3   wrapped
 *   {"Event": {"System": {"EventID": 1, ...}, "EventData": {"Image": ...}}}             7 System, 8 EventData
 *   {"winlog": {"event_id": 1, "channel": ..., "event_data": {"Image": ...}}}           6, 8   Winlogbeat
 *   {"winlog.event_id": 1, "winlog.event_data.Image": ...}                              6, 8   the same, flattened
 *
 *   {"_product": ..., "_cat": ..., "_service": ..., "event": {...}}                     1   logsource in the line
 *
 * What stands outside of event, Event or winlog is then no field of the event. Values may also be written as
 * {"#text": value}, fields as Data: [{"@Name": field, "#text": value}, ...] (xmltodict, evtx_dump), in any order; keys
 * that begin with # or @ are no fields. An object that is all that stands in the data (as in UserData) gives its
 * members; other objects, and lists that hold one, are no values.
 */
#include "ndjson.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mapping.h"
#include "ndjson_parser.h"

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
static void note_role(struct sn_parser *p, const struct sn_object *object, enum sn_role role, const uint8_t *text,
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
static int is_wanted(const struct sn_parser *p, const struct sn_object *object, uint32_t field)
{
	if (object->rank < p->floor)
		return 0;
	if (field == (uint32_t)SN_NO_FIELD)
		return p->values->keywords != (uint32_t)SN_NO_FIELD;
	return p->values->event.value[field].state == SN_ABSENT || p->values->slot[field].rank <= object->rank;
}

void sn_parser__put(struct sn_parser *p, const struct sn_object *object, const struct sn_key *key, const uint8_t *text,
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

static int read_object(struct sn_parser *p, struct sn_object *object);

/* A string: what it means, borrowed from the line or made in the scratch. */
static int read_text(struct sn_parser *p, const uint8_t **text, uint32_t *len)
{
	uint8_t *used, *room = sn_values__room(p->values, (uint32_t)(p->json.end - p->json.at) + SN_JSON_SLACK);
	int sound = sn_json__meaning(&p->json, text, len, room, &used);

	sn_values__used(p->values, used);
	return sound;
}

/* A scalar; strings that nobody reads are not unescaped. `further`: not the first value of a list. */
static int read_scalar(struct sn_parser *p, const struct sn_object *object, const struct sn_key *key, int further)
{
	struct sn_json_string string;
	const uint8_t *text;
	uint32_t len;

	if (*p->json.at == '"') {
		if (!key->role && !is_wanted(p, object, key->field))
			return sn_json__string(&p->json, &string);
		if (!read_text(p, &text, &len))
			return 0;
		sn_parser__put(p, object, key, text, len, SN_PRESENT, further);
		return 1;
	}
	if (!sn_json__scalar(&p->json, &string))
		return 0;
	if (*string.text == 'n')
		sn_parser__put(p, object, key, NULL, 0, SN_NULL, further);
	else
		sn_parser__put(p, object, key, string.text, string.len, SN_PRESENT, further);
	return 1;
}

static int read_list(struct sn_parser *p, const struct sn_object *object, const struct sn_key *key, uint32_t depth)
{
	const int simple = sn_element__is_plain(p->json);

	if (depth >= SN_JSON_DEPTH)
		return 0;
	if (!simple && (key->role != ROLE_NAMED || object->place != FIELDS))
		return sn_json__skip(&p->json, depth);
	p->json.at++;
	if (sn_json__take(&p->json, ']')) {
		sn_parser__put(p, object, key, NULL, 0, SN_NULL, 0);
		return 1;
	}
	for (int further = 0;; further = 1) {
		sn_json__space(&p->json);
		if (p->json.at == p->json.end)
			return 0;
		if (simple		 ? !read_scalar(p, object, key, further)
		    : *p->json.at == '{' ? !sn_parser__inner(p, object, key, depth + 1)
					 : !sn_json__skip(&p->json, depth + 1))
			return 0;
		if (!sn_json__take(&p->json, ','))
			return sn_json__take(&p->json, ']');
	}
}

int sn_parser__value(struct sn_parser *p, const struct sn_object *object, const struct sn_key *key, uint32_t depth)
{
	sn_json__space(&p->json);
	if (p->json.at == p->json.end)
		return 0;
	switch (*p->json.at) {
	case '{':
		return sn_parser__inner(p, object, key, depth);
	case '[':
		return read_list(p, object, key, depth);
	default:
		return read_scalar(p, object, key, 0);
	}
}

/* From here on only places of that rank count; what was found outside is no part of the event. */
static void raise_floor(struct sn_parser *p, uint32_t rank)
{
	if (rank <= p->floor)
		return;
	p->floor = rank;
	p->claim.service = SN_SERVICE_NONE;
	p->claim.id = UINT32_MAX;
	sn_values__unset_all(p->values);
}

/* What an object that is a part of the shape holds. */
static void enter(struct sn_parser *p, struct sn_object *inner, enum sn_role role)
{
	if (role == ROLE_WRAP && inner->rank == RANK_FLAT) {
		inner->place = OUTER;
		inner->rank = RANK_WRAPPED;
		raise_floor(p, RANK_WRAPPED);
	} else if (role == ROLE_EVENT && inner->rank <= RANK_WRAPPED) {
		inner->place = OUTER;
		inner->rank = RANK_EVENT;
		raise_floor(p, RANK_EVENT);
	} else if (role == ROLE_SYSTEM) {
		inner->place = SYSTEM;
		inner->rank += RANK_SYSTEM;
	} else if (role == ROLE_DATA) {
		inner->place = FIELDS;
		inner->rank += RANK_DATA;
	}
}

int sn_parser__inner(struct sn_parser *p, const struct sn_object *object, const struct sn_key *key, uint32_t depth)
{
	struct sn_object inner = {
		.place = ELEMENT, .rank = object->rank, .depth = depth, .outside = object, .owner = key};

	if (key->role == ROLE_ATTRIBUTES) {
		inner.place = object->place == PROVIDER ? PROVIDER : ATTRIBUTES;
		inner.owner = object->owner;
		inner.outside = object->outside;
		inner.named = object->named;
	} else if (key->role == ROLE_PROVIDER && object->place < ELEMENT) {
		inner.place = PROVIDER;
	} else if (object->place == OUTER) {
		enter(p, &inner, key->role);
	} else if (object->place == FIELDS && key->role != ROLE_NAMED && sn_element__is_alone(p, object)) {
		inner.place = FIELDS;
	}
	return read_object(p, &inner);
}

/* "winlog.event_data.Image" of a flattened Winlogbeat line: the key behind the dots, and the better place. */
static int read_dotted(struct sn_parser *p, const struct sn_object *object, struct sn_json_string name)
{
	struct sn_object place = *object;

	place.rank = RANK_EVENT;
	raise_floor(p, RANK_EVENT);
	name.text += strlen(WINLOG);
	name.len -= (uint32_t)strlen(WINLOG);
	if (starts_with(&name, EVENT_DATA)) {
		place.place = ELEMENT;
		place.rank = RANK_EVENT + RANK_DATA;
		name.text += strlen(EVENT_DATA);
		name.len -= (uint32_t)strlen(EVENT_DATA);
	}
	return sn_parser__value(p, &place, sn_keys__named(p->ndjson->keys, &name), object->depth + 1);
}

static int read_member(struct sn_parser *p, struct sn_object *object)
{
	struct sn_json_string name;
	const struct sn_key *key;

	sn_json__space(&p->json);
	key = sn_keys__expected(p->ndjson->keys, &p->behind, &p->json);
	if (!key) {
		if (!sn_json__string(&p->json, &name))
			return 0;
		if (starts_with(&name, WINLOG) && object->place == OUTER && object->rank <= RANK_WRAPPED)
			return sn_json__take(&p->json, ':') && read_dotted(p, object, name);
		key = sn_keys__named(p->ndjson->keys, &name);
		if (!starts_with(&name, WINLOG))
			sn_keys__came(p->ndjson->keys, &p->behind, &name, key);
	}
	if (!sn_json__take(&p->json, ':'))
		return 0;
	if (key->role >= ROLE_NAME || object->place >= ELEMENT)
		return sn_element__read(p, object, key);
	return sn_parser__value(p, object, key, object->depth + 1);
}

static int read_object(struct sn_parser *p, struct sn_object *object)
{
	struct sn_key named = {.field = (uint32_t)SN_NO_FIELD};

	if (object->depth >= SN_JSON_DEPTH)
		return 0;
	if (!object->named)
		object->named = &named;
	object->begin = ++p->json.at;
	if (sn_json__take(&p->json, '}'))
		return 1;
	do {
		if (!read_member(p, object))
			return 0;
	} while (sn_json__take(&p->json, ','));
	if (!sn_json__take(&p->json, '}'))
		return 0;
	if (sn_element__is_named(object))
		sn_element__end(p, object);
	return 1;
}

int sn_ndjson__decode(struct sn_ndjson *ndjson, const char *line, size_t size, uint32_t route, struct sn_values *values,
		      struct sn_routes *routes)
{
	struct sn_parser p = {.ndjson = ndjson, .values = values, .claim.id = UINT32_MAX};
	struct sn_object top = {.place = OUTER};

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
