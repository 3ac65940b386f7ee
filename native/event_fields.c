/* SPDX-License-Identifier: Apache-2.0 */
#include "event_fields.h"

#include <errno.h>
#include <stdlib.h>

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

/* The inside of Event or winlog: System's members, or its own, below those of EventData. */
static void add_structured(struct sn_event_fields *fields, struct sn_range event)
{
	const struct sn_member *system = member_of(fields, event, "System");

	add_members(fields, sn_member__is_object(system) ? inside(fields, system) : event);
	for (uint32_t n = 0; n < DATA_NAMES; n++) {
		const struct sn_member *data = member_of(fields, event, data_names[n]);
		struct sn_range range;

		if (!sn_member__is_object(data))
			continue;
		range = inside(fields, data);
		data = member_of(fields, range, "Data");
		if (data)
			add_elements(fields, data);
		for (uint32_t i = range.from; i < range.to; i++)
			if (!sn_member__is_named(&fields->members.stack[i], "Data"))
				add_member(fields, fields->members.stack[i]);
	}
}

/* "winlog.event_data.Image" of a flattened Winlogbeat line; those of event_data, the better place, come after. Returns
 * whether there was any. */
static int add_flattened(struct sn_event_fields *fields, struct sn_range event)
{
	static const char winlog[] = "winlog.", event_data[] = "winlog.event_data.";
	static const uint32_t prefix[] = {sizeof(winlog) - 1, sizeof(event_data) - 1};
	int any = 0;

	for (int data = 0; data < 2; data++) {
		for (uint32_t i = event.from; i < event.to; i++) {
			struct sn_member member = fields->members.stack[i];
			int is_winlog = member.name_len >= prefix[0] && memcmp(member.name, winlog, prefix[0]) == 0;
			int is_data = member.name_len >= prefix[1] && memcmp(member.name, event_data, prefix[1]) == 0;

			any |= is_winlog;
			if (!is_winlog || is_data != data)
				continue;
			sn_member__name(&member, member.name + prefix[data], member.name_len - prefix[data]);
			add_member(fields, member);
		}
	}
	return any;
}

static void add_event(struct sn_event_fields *fields, struct sn_range event)
{
	const struct sn_member *inner = member_of(fields, event, "Event");
	int structured = 0;

	if (!sn_member__is_object(inner))
		inner = member_of(fields, event, "winlog");
	if (sn_member__is_object(inner)) {
		add_structured(fields, inside(fields, inner));
		return;
	}
	if (add_flattened(fields, event))
		return;
	for (uint32_t n = 0; n < DATA_NAMES; n++)
		structured |= sn_member__is_object(member_of(fields, event, data_names[n]));
	if (structured)
		add_structured(fields, event);
	else
		add_members(fields, event);
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
	add_event(fields, sn_member__is_object(wrapped) ? inside(fields, wrapped) : document);
	fields->count = sn_member__settle(fields->field, fields->count, fields->members.stack);
	made = sn_event_mapped__add(fields->field, fields->count, fields->text);
	if (made != fields->count)
		fields->count = sn_member__settle(fields->field, made, fields->members.stack);
	return 0;
}
