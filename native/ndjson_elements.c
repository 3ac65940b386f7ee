/* SPDX-License-Identifier: Apache-2.0 */
#include "ndjson_parser.h"

int sn_element__is_plain(struct sn_json list)
{
	list.at++;
	if (sn_json__take(&list, ']'))
		return 1;
	do {
		sn_json__space(&list);
		if (list.at == list.end || *list.at == '{' || *list.at == '[' || !sn_json__skip(&list, 0))
			return 0;
	} while (sn_json__take(&list, ','));
	return 1;
}

int sn_element__is_alone(const struct sn_parser *p, const struct sn_object *object)
{
	struct sn_json json = {object->begin, p->json.end};
	struct sn_json_string name;
	uint32_t values = 0;

	do {
		sn_json__space(&json);
		if (!sn_json__string(&json, &name) || !sn_json__take(&json, ':') || !sn_json__skip(&json, 0))
			return 0;
		values += !sn_keys__is_markup(&name);
	} while (values <= 1 && sn_json__take(&json, ','));
	return values == 1;
}

/* "@Name" of an element of Data: its value is the name of the field that "#text" belongs to. */
static int read_name(struct sn_parser *p, struct sn_object *object)
{
	struct sn_json_string string;

	if (!sn_json__string(&p->json, &string))
		return 0;
	*object->named = *sn_keys__named(p->ndjson->keys, &string);
	object->named->role = ROLE_NAMED;
	return 1;
}

int sn_element__is_named(const struct sn_object *object)
{
	return object->place >= ELEMENT && object->owner->role == ROLE_NAMED && object->outside->place == FIELDS;
}

static int read_text_of(struct sn_parser *p, struct sn_object *object)
{
	struct sn_object place = *object;

	if (sn_element__is_named(object)) {
		object->text = p->json.at;
		return sn_json__skip(&p->json, object->depth + 1);
	}
	place.place = object->outside->place;
	return sn_parser__value(p, &place, object->owner, object->depth + 1);
}

/* Whether it is within one of System's: <TimeCreated SystemTime="..."/> */
static int is_systems(const struct sn_object *object)
{
	return (object->place == ELEMENT || object->place == ATTRIBUTES) && object->outside->place == SYSTEM;
}

int sn_element__read(struct sn_parser *p, struct sn_object *object, const struct sn_key *key)
{
	const uint32_t depth = object->depth + 1;
	struct sn_object place = *object;
	uint8_t first;

	sn_json__space(&p->json);
	first = p->json.at < p->json.end ? *p->json.at : 0;
	switch (key->role) {
	case ROLE_TEXT:
		if (object->place != OUTER && object->place < PROVIDER && first != '{' &&
		    (first != 'n' || sn_element__is_named(object)))
			return read_text_of(p, object);
		break;
	case ROLE_ATTRIBUTES:
		if (first == '{' && (sn_element__is_named(object) || object->place == PROVIDER || is_systems(object)))
			return sn_parser__inner(p, object, key, depth);
		break;
	case ROLE_NAME:
		if (first == '"' && sn_element__is_named(object))
			return read_name(p, object);
		if (object->place == PROVIDER && first != 'n' && first != '{') {
			place.place = object->outside->place;
			return sn_parser__value(p, &place, sn_keys__provider(p->ndjson->keys), depth);
		}
		if (object->place < ELEMENT && *key->name != '@')
			return sn_parser__value(p, object, key, depth);
		break;
	case ROLE_TIME:
		if (first == '"' && is_systems(object))
			return sn_parser__value(p, object, key, depth);
		break;
	default:
		break;
	}
	return sn_json__skip(&p->json, depth);
}

void sn_element__end(struct sn_parser *p, const struct sn_object *object)
{
	const int has_name = object->named->role == ROLE_NAMED;
	const struct sn_key *key = has_name ? object->named : object->owner;
	const uint8_t *end = p->json.at;
	struct sn_object place = *object;

	if (object->place != ELEMENT || (!has_name && object->depth > object->outside->depth + 1))
		return;
	if (!object->text) {
		if (has_name)
			sn_parser__put(p, object, key, NULL, 0, SN_NULL, 0);
		return;
	}
	p->json.at = object->text;
	place.place = object->outside->place == FIELDS && *p->json.at != '[' ? FIELDS : ELEMENT;
	if (*p->json.at != '{' && (has_name || *p->json.at != 'n'))
		sn_parser__value(p, &place, key, object->depth + 1);
	p->json.at = end;
}
