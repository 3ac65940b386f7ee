/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_view.h"

#include <stdlib.h>
#include <string.h>

#include "etw_text.h"
#include "mapping.h"
#include "ndjson_keys.h"
#include "rule_table.h"

static const struct {
	enum sn_etw_provider provider;
	uint16_t id;
	uint16_t first, columns;
} kinds[SN_ETW_KINDS] = {
#define SN_ETW_EVENT(provider, id, from, to, plus, more, layout)                                                       \
	{SN_ETW_##provider, id, SN_ETW_FIRST_##layout, SN_ETW_##layout##_COLUMNS},
#include "etw_layout.def"
};

struct sn_etw_view {
	struct sn_mapping *mapping;
	uint32_t field[SN_ETW_MEMBERS];	 /* by member: in the table, or behind it; SN_NO_FIELD */
	uint32_t start[SN_START_FIELDS]; /* likewise */
	uint32_t fields;		 /* of the table */
	/* by kind of event */
	struct sn_routes routes[SN_ETW_KINDS];
	struct sn_mapped mapped[SN_ETW_KINDS];
	uint8_t wanted[SN_ETW_KINDS][SN_ETW_MEMBERS];
	uint32_t columns[SN_ETW_KINDS]; /* bits of the layout's that are wanted */
};

/* One event on its way. */
struct filling {
	const struct sn_etw_view *view;
	const struct sn_etw_told *told;
	struct sn_values *values;
};

/* Whether somebody reads that field: a rule, or whoever reads all events. Who starts, and by whom, is told. */
static int is_read(const struct sn_etw_view *view, uint32_t field, bool starts)
{
	if (field < view->fields)
		return 1;
	for (uint32_t i = 0; i < SN_START_FIELDS; i++)
		if (view->start[i] == field)
			return !starts || (i != SN_START_PROCESS_ID && i != SN_START_PARENT_PROCESS_ID);
	return 0;
}

/* What a process that does something is said to have been started as: of long texts, and seldom read. */
static int is_doers(uint32_t member)
{
	return member == SN_ETW_OWN_CommandLine || member == SN_ETW_OWN_ParentImage ||
	       member == SN_ETW_OWN_ParentCommandLine;
}

static int is_read_there(const struct sn_etw_view *view, const struct sn_rules *rules, uint32_t kind, uint32_t field)
{
	const struct sn_routes *routes = &view->routes[kind];

	for (uint32_t i = 0; field < view->fields && i < routes->count; i++)
		if (sn_rules__reads(rules, routes->route[i], field))
			return 1;
	return 0;
}

/* Whether something that is read of the kind's events is the member, or is made from it. */
static int wants(const struct sn_etw_view *view, const struct sn_rules *rules, uint32_t kind, uint32_t member)
{
	const uint32_t field = view->field[member];
	const bool starts = view->routes[kind].starts;
	uint32_t made;

	if (field == (uint32_t)SN_NO_FIELD)
		return 0;
	if (!starts && is_doers(member))
		return is_read_there(view, rules, kind, field);
	if (is_read(view, field, starts))
		return 1;
	for (uint32_t i = 0; (made = sn_mapping__made(view->mapping, view->mapped[kind], field, i)) != UINT32_MAX; i++)
		if (is_read(view, made, starts))
			return 1;
	return 0;
}

static void bind_kind(struct sn_etw_view *view, const struct sn_rules *rules, const struct sn_logsource *logsource,
		      uint32_t kind)
{
	const char *name = sn_etw__provider_name(kinds[kind].provider);
	struct sn_claim claim = {
		.service = sn_logsource__service(logsource, (const uint8_t *)name, (uint32_t)strlen(name)),
		.id = kinds[kind].id};

	sn_logsource__routes(logsource, &claim, UINT32_MAX, &view->routes[kind]);
	view->mapped[kind] = sn_mapping__of(view->mapping, claim.service, claim.id);
	for (uint32_t i = 0; i < SN_ETW_MEMBERS; i++)
		view->wanted[kind][i] = (uint8_t)wants(view, rules, kind, i);
	for (uint32_t i = 0; i < kinds[kind].columns; i++)
		view->columns[kind] |= (uint32_t)view->wanted[kind][kinds[kind].first + i] << i;
}

static void bind(struct sn_etw_view *view, const struct sn_rules *rules, const struct sn_logsource *logsource,
		 const struct sn_keys *keys)
{
	view->fields = sn_rules__field_count(rules);
	for (uint32_t i = 0; i < SN_START_FIELDS; i++)
		view->start[i] = sn_mapping__start_field(rules, (enum sn_start_field)i);
	for (uint32_t i = 0; i < SN_ETW_MEMBERS; i++) {
		const char *name = sn_etw__member_name(i);

		view->field[i] = sn_keys__find(keys, (const uint8_t *)name, (uint32_t)strlen(name))->field;
	}
	for (uint32_t kind = 0; kind < SN_ETW_KINDS; kind++)
		bind_kind(view, rules, logsource, kind);
}

struct sn_etw_view *sn_etw_view__new(const struct sn_rules *rules)
{
	struct sn_etw_view *view = calloc(1, sizeof(*view));
	struct sn_logsource *logsource = sn_logsource__new(rules);
	struct sn_keys *keys = NULL;

	if (view)
		view->mapping = sn_mapping__new(rules);
	if (view && view->mapping)
		keys = sn_keys__new(rules, view->mapping);
	if (keys && logsource) {
		bind(view, rules, logsource, keys);
	} else {
		sn_etw_view__free(view);
		view = NULL;
	}
	sn_keys__free(keys);
	sn_logsource__free(logsource);
	return view;
}

void sn_etw_view__free(struct sn_etw_view *view)
{
	if (!view)
		return;
	sn_mapping__free(view->mapping);
	free(view);
}

/* ---- texts ---- */

/* What is in the scratch from `room` up to `end`. */
static struct sn_value made(struct sn_values *values, const uint8_t *room, const uint8_t *end)
{
	sn_values__used(values, end);
	return sn_value__text(room, (uint32_t)(end - room));
}

static struct sn_value lost(void)
{
	return (struct sn_value){.state = SN_LOST};
}

static struct sn_value wide(struct sn_values *values, struct sn_bytes head, struct sn_bytes text)
{
	uint8_t *room = sn_values__room(values, head.len + SN_ETW_UTF8_ROOM(text.len));

	if (!room)
		return lost();
	if (head.len)
		memcpy(room, head.at, head.len);
	return made(values, room, room + head.len + sn_etw__utf8(room + head.len, text));
}

static struct sn_value copy(struct sn_values *values, struct sn_bytes text)
{
	uint8_t *room = sn_values__room(values, text.len);

	if (!room)
		return lost();
	if (text.len)
		memcpy(room, text.at, text.len);
	return sn_value__text(room, text.len);
}

static struct sn_value text_of(const struct filling *filling, const struct sn_etw_column *value)
{
	struct sn_values *values = filling->values;
	struct sn_etw_path path;
	uint8_t *room;

	switch (value->type) {
	case SN_ETW_WTEXT:
		return wide(values, (struct sn_bytes){0}, value->bytes);
	case SN_ETW_WPATH:
		path = sn_etw_names__path(filling->told->names, value->bytes);
		return wide(values, path.head, path.rest);
	case SN_ETW_ATEXT:
		return copy(values, value->bytes);
	default:
		room = sn_values__room(values, SN_ETW_PLAIN_MAX);
		return room ? made(values, room, room + sn_etw__plain((char *)room, value)) : lost();
	}
}

static struct sn_value text_of_actor(const struct filling *filling, const struct sn_actor *actor,
				     enum sn_actor_text which)
{
	const struct sn_actors *actors = filling->told->actors;
	uint32_t size = (uint32_t)sn_actors__size(actors, actor, which);
	uint8_t *room = sn_values__room(filling->values, size);

	if (!room)
		return lost();
	sn_actors__read(actors, actor, which, room);
	return sn_value__text(room, size);
}

/* ---- values ---- */

static void put(const struct filling *filling, uint32_t member, const struct sn_value *value)
{
	sn_values__put(filling->values, filling->view->field[member], value->text, value->len, value->state, 0);
}

static void put_value(void *of, uint32_t member, const struct sn_etw_column *value)
{
	const struct filling *filling = of;
	struct sn_value text = text_of(filling, value);

	put(filling, member, &text);
}

static void put_actor(void *of, uint32_t member, const struct sn_actor *actor, enum sn_actor_text which)
{
	const struct filling *filling = of;
	struct sn_value text = text_of_actor(filling, actor, which);

	put(filling, member, &text);
}

void sn_etw_view__fill(const struct sn_etw_view *view, struct sn_values *values, const struct sn_etw_told *told,
		       struct sn_routes *routes)
{
	struct filling filling = {view, told, values};
	uint32_t kind = told->main->kind;
	/* keywords look at all that the event says */
	const bool all = values->keywords != (uint32_t)SN_NO_FIELD;
	const struct sn_etw_hearer hearer = {.wanted = all ? NULL : view->wanted[kind],
					     .columns = all ? UINT32_MAX : view->columns[kind],
					     .takes_learnt = true,
					     .value = put_value,
					     .actor = put_actor,
					     .of = &filling};

	*routes = view->routes[kind];
	if (!routes->count)
		return;
	sn_values__clear(values);
	sn_etw__tell(told, &hearer);
	sn_mapping__apply(view->mapping, view->mapped[kind], values);
}
