/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_view.h"

#include <stdlib.h>
#include <string.h>

#include "mapping.h"
#include "rule_table.h"
#include "schema.h"
#include "view_fill.h"
#include "windows_past.h"

/* What is made of a process creation. */
static const struct {
	const char *field;
	uint32_t value; /* enum sn_derived_value */
} MADE[] = {
	{"ProxyChain", SN_VALUE_PROXY_CHAIN},	    {"ProxyDepth", SN_VALUE_PROXY_DEPTH},
	{"ProxyFunction", SN_VALUE_PROXY_FUNCTION}, {"PayloadImage", SN_VALUE_PAYLOAD_IMAGE},
	{"PayloadKind", SN_VALUE_PAYLOAD_KIND},	    {"PayloadCommandLine", SN_VALUE_PAYLOAD_COMMAND_LINE},
	{"PayloadPath", SN_VALUE_PAYLOAD_PATH},	    {"PayloadUrl", SN_VALUE_PAYLOAD_URL},
	{"ProxyIdentity", SN_VALUE_PROXY_IDENTITY}, {"RenamedProxy", SN_VALUE_RENAMED_PROXY},
};

enum { MADES = sizeof(MADE) / sizeof(*MADE) };

struct sn_win_view {
	const struct sn_grammars *grammars; /* the rule table's */
	struct sn_win_proxies *proxies;
	struct sn_win_past *past;
	const struct sn_proxy *seen; /* of the event that was filled last; NULL: nobody has looked */
	struct sn_start start;
	const struct sn_grammar *identity; /* with `seen`; NULL: by its OriginalFileName it is no proxy */
	bool renamed;
	bool is_late; /* with `seen`: nobody has told its OriginalFileName yet */
	uint32_t read[SN_START_FIELDS];
	uint32_t made[MADES]; /* numbers of the fields, SN_NO_FIELD where no rule reads it */
	bool any;	      /* some rule reads one of `made` */
};

struct sn_win_view *sn_win_view__new(const struct sn_rules *rules)
{
	struct sn_win_view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	view->grammars = &rules->win_grammars;
	view->proxies = sn_win_proxies__new(SN_UNWIND_DEPTH);
	for (uint32_t i = 0; i < SN_START_FIELDS; i++)
		view->read[i] = sn_mapping__start_field(rules, i);
	for (uint32_t i = 0; i < MADES; i++) {
		view->made[i] = sn_rules__field(rules, MADE[i].field, strlen(MADE[i].field));
		view->any = view->any || view->made[i] != (uint32_t)SN_NO_FIELD;
	}
	if (view->proxies)
		view->past = sn_win_past__new(view->grammars, view->proxies);
	if (view->past)
		return view;
	sn_win_view__free(view);
	return NULL;
}

void sn_win_view__free(struct sn_win_view *view)
{
	if (!view)
		return;
	sn_win_past__free(view->past);
	sn_win_proxies__free(view->proxies);
	free(view);
}

/* What the process's parent was made to run; NULL: it is not known. */
static const struct sn_win_made *made_of_parent(struct sn_win_view *view, struct sn_actors *actors,
						const struct sn_actor *actor)
{
	struct sn_actor *parent = sn_actors__parent(actors, actor);
	const struct sn_win_made *made = parent ? sn_win_past__of(view->past, actors, parent) : NULL;

	return made && sn_win_made__is_of(made, view->start.parent_image) ? made : NULL;
}

static void see(struct sn_win_view *view, const struct sn_values *values, struct sn_actors *actors,
		const struct sn_actor *actor)
{
	const uint32_t *read = view->read;
	const struct sn_win_made *made;

	view->start =
		(struct sn_start){.image = sn_values__text(values, read[SN_START_IMAGE]),
				  .original_name = sn_values__text(values, read[SN_START_ORIGINAL_NAME]),
				  .command_line = sn_values__text(values, read[SN_START_COMMAND_LINE]),
				  .parent_image = sn_values__text(values, read[SN_START_PARENT_IMAGE]),
				  .parent_command_line = sn_values__text(values, read[SN_START_PARENT_COMMAND_LINE])};
	view->is_late = sn_is_late(values->event.value[read[SN_START_ORIGINAL_NAME]].state);
	view->identity = sn_win_proxy__identity(view->grammars, &view->start, &view->renamed);
	made = actor ? made_of_parent(view, actors, actor) : NULL;
	view->seen = sn_win_proxies__see(view->proxies, view->grammars, &view->start, view->identity, made);
}

/* Whether the file is another proxy than its name says. */
static struct sn_value identity_value(const struct sn_win_view *view, uint32_t value)
{
	if (!view->identity)
		return (struct sn_value){.state = view->is_late ? SN_LATE : SN_ABSENT};
	if (value == SN_VALUE_RENAMED_PROXY)
		return view->renamed ? sn_value__text("true", 4) : sn_value__text("false", 5);
	return sn_value__text(view->grammars->text + view->identity->name.off, view->identity->name.len);
}

static void put_chain(struct sn_values *values, uint32_t number, struct sn_bytes chain)
{
	for (uint32_t at = 0; at < chain.len;) {
		struct sn_bytes name = sn_bytes__first(sn_bytes__behind(chain, at));

		sn_values__put_fact(values, number, name.at, name.len, SN_PRESENT, 1);
		at += name.len + 1;
	}
}

/* Keywords look for what the event says, and it does not say these. */
static void put(struct sn_win_view *view, struct sn_values *values, uint32_t number, uint32_t value)
{
	struct sn_value made;

	if (value == SN_VALUE_PROXY_CHAIN) {
		put_chain(values, number, view->seen->chain);
		return;
	}
	made = value == SN_VALUE_PROXY_IDENTITY || value == SN_VALUE_RENAMED_PROXY
		       ? identity_value(view, value)
		       : sn_view__proxy(values, view->seen, value);
	if (made.state != SN_ABSENT)
		sn_values__put_fact(values, number, made.text, made.len, made.state, 0);
}

void sn_win_view__fill(struct sn_win_view *view, struct sn_values *values, struct sn_actors *actors,
		       const struct sn_actor *actor)
{
	view->seen = NULL;
	if (!view->any)
		return;
	see(view, values, actors, actor);
	if (!view->seen->depth && !view->start.original_name.len && !view->is_late)
		return;
	for (uint32_t i = 0; i < MADES; i++) {
		uint32_t number = view->made[i];

		if (number != (uint32_t)SN_NO_FIELD && values->event.value[number].state == SN_ABSENT)
			put(view, values, number, MADE[i].value);
	}
}

const struct sn_proxy *sn_win_view__proxy(struct sn_win_view *view, const struct sn_values *values,
					  struct sn_actors *actors, const struct sn_actor *actor)
{
	if (!view->seen)
		see(view, values, actors, actor);
	return view->seen;
}

void sn_win_view__keep(const struct sn_win_view *view, struct sn_actors *actors, struct sn_actor *actor)
{
	if (view->seen)
		sn_win_past__keep(view->past, actors, actor);
}

uint32_t sn_win_view__renamed(const struct sn_win_view *view)
{
	if (!view->identity)
		return SN_NO_PROXY;
	return view->renamed ? SN_IS_RENAMED : SN_NOT_RENAMED;
}
