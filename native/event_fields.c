/* SPDX-License-Identifier: Apache-2.0 */
#include "event_fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event_mapped.h"
#include "json.h"

static const char *const data_names[] = {"EventData", "UserData", "event_data", "user_data"};

enum { DATA_NAMES = sizeof(data_names) / sizeof(*data_names) };

void sn_event_fields__free(struct sn_event_fields *fields)
{
	sn_members__free(&fields->members);
	free(fields->field);
	free(fields->text);
	*fields = (struct sn_event_fields){0};
}

static int prepare(struct sn_event_fields *fields, size_t size)
{
	fields->count = 0;
	if (size > fields->room) {
		free(fields->field);
		free(fields->text);
		fields->field = malloc((sn_members__most(size) + SN_MAPPED_MAX) * sizeof(*fields->field));
		fields->text = malloc(sn_event_mapped__room(size));
		fields->room = fields->field && fields->text ? size : 0;
	}
	return fields->room < size || sn_members__begin(&fields->members, size) ? -ENOMEM : 0;
}

static const struct sn_member *member_of(const struct sn_event_fields *fields, struct sn_range range, const char *name)
{
	return sn_member__find(fields->members.stack + range.from, range.to - range.from, name);
}

/* The members of an object within a sound one. */
static struct sn_range inside(struct sn_event_fields *fields, const struct sn_member *object)
{
	struct sn_range range;

	sn_members__read(&fields->members, object, &range);
	return range;
}

static void add(struct sn_event_fields *fields, const struct sn_member *name, const struct sn_member *value)
{
	struct sn_member *field = &fields->field[fields->count++];

	*field = *name;
	field->value = value->value;
	field->value_len = value->value_len;
	field->odd = value->odd;
}

/* A scalar, or a list of nothing else. */
static int is_simple(const struct sn_member *value)
{
	struct sn_json json = sn_member__json(value);
	struct sn_member element;

	if (*value->value != '[')
		return *value->value != '{';
	json.at++;
	if (sn_json__take(&json, ']'))
		return 1;
	do {
		if (!sn_member__value(&json, &element) || *element.value == '{' || *element.value == '[')
			return 0;
	} while (sn_json__take(&json, ','));
	return 1;
}

/* The member `name`, else `other`, of the element's #attributes, else of itself; NULL: there is neither. */
static const struct sn_member *attribute_of(struct sn_event_fields *fields, struct sn_range element, const char *name,
					    const char *other)
{
	const struct sn_member *attributes = member_of(fields, element, "#attributes"), *found;

	if (sn_member__is_object(attributes))
		element = inside(fields, attributes);
	found = member_of(fields, element, name);
	return found ? found : member_of(fields, element, other);
}

/* Provider's name: {"#attributes": {"Name": ...}}, {"Name": ...} or {"@Name": ...}. */
static void add_provider(struct sn_event_fields *fields, const struct sn_member *provider)
{
	const struct sn_member *name = attribute_of(fields, inside(fields, provider), "Name", "@Name");
	struct sn_member field;

	if (!name || *name->value == 'n' || !is_simple(name))
		return;
	sn_member__name(&field, "Provider_Name", strlen("Provider_Name"));
	add(fields, &field, name);
}

static void rename_member(struct sn_member *member)
{
	static const char *const names[][2] = {{"channel", "Channel"},
					       {"computer_name", "Computer"},
					       {"event_id", "EventID"},
					       {"provider_name", "Provider_Name"}};

	if (*member->name < 'c' || *member->name > 'p') /* none of them, as most */
		return;
	for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!sn_member__is_named(member, names[i][0]))
			continue;
		sn_member__name(member, names[i][1], (uint32_t)strlen(names[i][1]));
		return;
	}
}

/* A member under its Sigma name, unless it is no field: an object that is no element with text, or markup. */
static void add_member(struct sn_event_fields *fields, struct sn_member member)
{
	const struct sn_member *value = &member;
	uint32_t used = fields->members.used;

	if (sn_member__is_object(&member) && sn_member__is_named(&member, "Provider")) {
		add_provider(fields, &member);
		value = NULL;
	} else if (sn_member__is_object(&member)) {
		value = member_of(fields, inside(fields, &member), "#text");
		if (value && *value->value == 'n')
			value = NULL;
	}
	fields->members.used = used;
	if (!value || !is_simple(value) || *member.name == '#' || *member.name == '@')
		return;
	rename_member(&member);
	add(fields, &member, value);
}

static void add_members(struct sn_event_fields *fields, struct sn_range range)
{
	for (uint32_t i = range.from; i < range.to; i++)
		add_member(fields, fields->members.stack[i]);
}

/* {"@Name": field, "#text": value}, the name also as Name or within #attributes. 1, or 0 when it has none. */
static int add_element(struct sn_event_fields *fields, const struct sn_member *element)
{
	static const struct sn_member null = {.value = "null", .value_len = 4};
	struct sn_range range = inside(fields, element);
	const struct sn_member *name = attribute_of(fields, range, "@Name", "Name"), *text;
	struct sn_json_string string;
	struct sn_member field;
	struct sn_json json;

	if (!name || *name->value != '"')
		return 0;
	json = sn_member__json(name);
	sn_json__string(&json, &string);
	sn_members__name(&fields->members, &field, &string);
	text = member_of(fields, range, "#text");
	if (!text || is_simple(text))
		add(fields, &field, text ? text : &null);
	return 1;
}

/* Fields written as [{"@Name": field, "#text": value}, ...], or as one of these; anything else is a field itself. */
static void add_elements(struct sn_event_fields *fields, const struct sn_member *data)
{
	uint32_t used = fields->members.used;
	struct sn_json json = sn_member__json(data);
	struct sn_member element;

	if (sn_member__is_object(data)) {
		int named = add_element(fields, data);

		fields->members.used = used;
		if (!named)
			add_member(fields, *data);
	} else if (is_simple(data)) {
		add_member(fields, *data);
	} else {
		sn_json__take(&json, '[');
		do {
			sn_member__value(&json, &element);
			if (sn_member__is_object(&element))
				add_element(fields, &element);
			fields->members.used = used;
		} while (sn_json__take(&json, ','));
	}
}

static int is_markup(const struct sn_member *member)
{
	return *member->name == '#' || *member->name == '@';
}

/* What stands in the data, or in the object that is all that stands there, as in UserData. */
static void add_data(struct sn_event_fields *fields, struct sn_range range)
{
	uint32_t count = 0;

	for (uint32_t i = range.from; i < range.to; i++)
		count += !is_markup(&fields->members.stack[i]);
	for (uint32_t i = range.from; i < range.to; i++) {
		const struct sn_member member = fields->members.stack[i];
		const uint32_t used = fields->members.used;

		if (sn_member__is_named(&member, "Data")) {
			add_elements(fields, &member);
			continue;
		}
		add_member(fields, member);
		if (count == 1 && sn_member__is_object(&member) && !is_markup(&member) &&
		    !sn_member__is_named(&member, "Provider"))
			add_data(fields, inside(fields, &member));
		fields->members.used = used;
	}
}

static int is_data_object(const struct sn_member *member)
{
	int is = 0;

	for (uint32_t n = 0; n < DATA_NAMES; n++)
		is |= sn_member__is_named(member, data_names[n]);
	return is && sn_member__is_object(member);
}

/* The event's own members, above them System's, above these those of the data. */
static void add_structured(struct sn_event_fields *fields, struct sn_range event)
{
	const struct sn_member *system = member_of(fields, event, "System");

	add_members(fields, event);
	if (sn_member__is_object(system))
		add_members(fields, inside(fields, system));
	for (uint32_t i = event.from; i < event.to; i++) {
		const struct sn_member member = fields->members.stack[i];

		if (is_data_object(&member))
			add_data(fields, inside(fields, &member));
	}
}

static const char winlog_dot[] = "winlog.", event_data_dot[] = "winlog.event_data.";

static int begins_with(const struct sn_member *member, const char *prefix)
{
	const size_t len = strlen(prefix);

	return member->name_len >= len && memcmp(member->name, prefix, len) == 0;
}

/* Whether the event stands in the document as such: Winlogbeat's have ECS's "event" beside it. */
static int is_told(const struct sn_event_fields *fields, struct sn_range document)
{
	int told = sn_member__is_object(member_of(fields, document, "Event")) ||
		   sn_member__is_object(member_of(fields, document, "winlog"));

	for (uint32_t i = document.from; i < document.to && !told; i++)
		told = begins_with(&fields->members.stack[i], winlog_dot);
	return told;
}

/* "winlog.event_data.Image" of a flattened Winlogbeat line; those of event_data, the better place, come after. Returns
 * whether there was any. */
static int add_flattened(struct sn_event_fields *fields, struct sn_range event)
{
	static const uint32_t prefix[] = {sizeof(winlog_dot) - 1, sizeof(event_data_dot) - 1};
	int any = 0;

	for (int data = 0; data < 2; data++) {
		for (uint32_t i = event.from; i < event.to; i++) {
			struct sn_member member = fields->members.stack[i];
			int is_winlog = begins_with(&member, winlog_dot);
			int is_data = begins_with(&member, event_data_dot);

			any |= is_winlog;
			if (!is_winlog || is_data != data)
				continue;
			sn_member__name(&member, member.name + prefix[data], member.name_len - prefix[data]);
			add_member(fields, member);
			if (!data && is_data_object(&member))
				add_data(fields, inside(fields, &member));
		}
	}
	return any;
}

static void add_event(struct sn_event_fields *fields, struct sn_range event)
{
	const struct sn_member *inner = member_of(fields, event, "Event");

	if (!sn_member__is_object(inner))
		inner = member_of(fields, event, "winlog");
	if (sn_member__is_object(inner))
		add_structured(fields, inside(fields, inner));
	else if (!add_flattened(fields, event))
		add_structured(fields, event);
}

int sn_event_fields__read(struct sn_event_fields *fields, const char *line, size_t size)
{
	struct sn_member top = {.value = line, .value_len = (uint32_t)size};
	const struct sn_member *wrapped;
	struct sn_range document;
	uint32_t made;

	if (prepare(fields, size))
		return -ENOMEM;
	if (!sn_members__read(&fields->members, &top, &document))
		return -EBADMSG;
	wrapped = member_of(fields, document, "event");
	add_event(fields,
		  sn_member__is_object(wrapped) && !is_told(fields, document) ? inside(fields, wrapped) : document);
	fields->count = sn_member__settle(fields->field, fields->count, fields->members.stack);
	made = sn_event_mapped__add(fields->field, fields->count, fields->text);
	if (made != fields->count)
		fields->count = sn_member__settle(fields->field, made, fields->members.stack);
	return 0;
}
