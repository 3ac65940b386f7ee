/* SPDX-License-Identifier: Apache-2.0 */
#include "logsource.h"

#include <stdlib.h>
#include <string.h>

#include "key_hash.h"

struct channel {
	const char *name;
	const char *service;
};

struct event {
	const char *service;
	uint32_t id;
	const char *category;
};

static const struct channel channels[] = {
#define SN_CHANNEL(channel, service) {channel, service},
#include "taxonomy.def"
};

static const struct event events[] = {
#define SN_EVENT(service, id, category) {service, id, category},
#include "taxonomy.def"
};

static const char STARTS[] = "process_creation"; /* category */

enum {
	CHANNELS = sizeof(channels) / sizeof(*channels),
	EVENTS = sizeof(events) / sizeof(*events),
	STARTS_MAX = 8, /* routes of process creations: one a service, and that of none */
	SLOTS = 256,	/* of the hash of channels; power of two, above twice CHANNELS */
};
_Static_assert(SLOTS >= 2 * CHANNELS, "channels are found in a step or two");

struct sn_logsource {
	const struct sn_rules *rules;
	uint8_t slot[SLOTS];		/* channel number + 1 */
	uint8_t len[CHANNELS];		/* of its name */
	uint8_t service[CHANNELS];	/* first channel with the same service, + 1: the service's number */
	uint32_t plain[CHANNELS + 1];	/* route by service, for an event of no category */
	uint32_t event_service[EVENTS]; /* as `service` */
	uint32_t event_route[EVENTS];
	bool event_starts[EVENTS];
	uint32_t start_route[STARTS_MAX]; /* of a process creation, whatever its service; the rest UINT32_MAX */
};

uint32_t sn_logsource__service_named(const char *service)
{
	uint32_t i = 0;

	while (i < CHANNELS && strcmp(channels[i].service, service) != 0)
		i++;
	return i < CHANNELS ? i + 1 : SN_SERVICE_NONE;
}

static bool is_start(const struct sn_logsource *logsource, uint32_t route)
{
	bool is = false;

	for (uint32_t i = 0; i < STARTS_MAX; i++)
		is = is || logsource->start_route[i] == route;
	return is && route != UINT32_MAX;
}

static void note_start(struct sn_logsource *logsource, uint32_t route)
{
	for (uint32_t i = 0; i < STARTS_MAX && !is_start(logsource, route); i++)
		if (logsource->start_route[i] == UINT32_MAX)
			logsource->start_route[i] = route;
}

struct sn_logsource *sn_logsource__new(const struct sn_rules *rules)
{
	struct sn_logsource *logsource = calloc(1, sizeof(*logsource));

	if (!logsource)
		return NULL;
	logsource->rules = rules;
	logsource->plain[SN_SERVICE_NONE] = sn_rules__route(rules, "windows", "", "");
	memset(logsource->start_route, 0xff, sizeof(logsource->start_route));
	note_start(logsource, sn_rules__route(rules, "windows", STARTS, ""));
	for (uint32_t i = 0; i < CHANNELS; i++) {
		uint32_t len = (uint32_t)strlen(channels[i].name);
		uint32_t slot = sn_key_hash((const uint8_t *)channels[i].name, len) % SLOTS;

		while (logsource->slot[slot])
			slot = (slot + 1) % SLOTS;
		logsource->slot[slot] = (uint8_t)(i + 1);
		logsource->len[i] = (uint8_t)len;
		logsource->service[i] = (uint8_t)sn_logsource__service_named(channels[i].service);
		logsource->plain[i + 1] = sn_rules__route(rules, "windows", "", channels[i].service);
	}
	for (uint32_t i = 0; i < EVENTS; i++) {
		logsource->event_service[i] = sn_logsource__service_named(events[i].service);
		logsource->event_route[i] = sn_rules__route(rules, "windows", events[i].category, events[i].service);
		logsource->event_starts[i] = strcmp(events[i].category, STARTS) == 0;
		if (logsource->event_starts[i])
			note_start(logsource, logsource->event_route[i]);
	}
	return logsource;
}

void sn_logsource__free(struct sn_logsource *logsource)
{
	free(logsource);
}

uint32_t sn_logsource__service(const struct sn_logsource *logsource, const uint8_t *channel, uint32_t len)
{
	uint32_t slot = sn_key_hash(channel, len) % SLOTS, i;

	while ((i = logsource->slot[slot])) {
		if (logsource->len[i - 1] == len && memcmp(channels[i - 1].name, channel, len) == 0)
			return logsource->service[i - 1];
		slot = (slot + 1) % SLOTS;
	}
	return SN_SERVICE_NONE;
}

static void add(struct sn_routes *out, uint32_t route)
{
	if (route != UINT32_MAX && out->count < SN_ROUTES_MAX)
		out->route[out->count++] = route;
}

static void by_id(const struct sn_logsource *logsource, uint32_t service, uint32_t id, struct sn_routes *out)
{
	uint32_t categories = 0;

	for (uint32_t i = 0; i < EVENTS; i++) {
		if (events[i].id != id || logsource->event_service[i] != service)
			continue;
		categories++;
		out->starts = out->starts || logsource->event_starts[i];
		add(out, logsource->event_route[i]);
	}
	if (!categories)
		add(out, logsource->plain[service]);
}

/* Text with a NUL behind it; 0: no rule's logsource has such a name. */
static int copy_name(char out[SN_NAME_MAX + 1], const struct sn_value *value)
{
	if (value->len > SN_NAME_MAX || (value->len && memchr(value->text, 0, value->len)))
		return 0;
	if (value->len)
		memcpy(out, value->text, value->len);
	out[value->len] = 0;
	return 1;
}

static void by_category(const struct sn_logsource *logsource, uint32_t service, const struct sn_value *category,
			struct sn_routes *out)
{
	const char *service_name = service == SN_SERVICE_NONE ? "" : channels[service - 1].service;
	char name[SN_NAME_MAX + 1];

	if (!copy_name(name, category))
		return;
	out->starts = strcmp(name, STARTS) == 0;
	for (uint32_t i = 0; i < EVENTS; i++) {
		if (logsource->event_service[i] == service && strcmp(events[i].category, name) == 0) {
			add(out, logsource->event_route[i]);
			return;
		}
	}
	add(out, sn_rules__route(logsource->rules, "windows", name, service_name));
}

static void by_names(const struct sn_logsource *logsource, const struct sn_claim *claim, struct sn_routes *out)
{
	char product[SN_NAME_MAX + 1], category[SN_NAME_MAX + 1], service[SN_NAME_MAX + 1];

	if (copy_name(product, &claim->product) && copy_name(category, &claim->category) &&
	    copy_name(service, &claim->service_name)) {
		out->starts = strcmp(product, "windows") == 0 && strcmp(category, STARTS) == 0;
		add(out, sn_rules__route(logsource->rules, product, category, service));
	}
}

void sn_logsource__route(const struct sn_logsource *logsource, uint32_t route, struct sn_routes *out)
{
	*out = (struct sn_routes){.count = 1, .route = {route}, .starts = is_start(logsource, route)};
}

void sn_logsource__routes(const struct sn_logsource *logsource, const struct sn_claim *claim, uint32_t otherwise,
			  struct sn_routes *out)
{
	out->count = 0;
	out->starts = false;
	out->service = claim->service;
	out->id = claim->id;
	if (claim->product.state == SN_PRESENT)
		by_names(logsource, claim, out);
	else if (claim->category.state == SN_PRESENT)
		by_category(logsource, claim->service, &claim->category, out);
	else if (claim->service != SN_SERVICE_NONE)
		by_id(logsource, claim->service, claim->id, out);
	else if (otherwise != UINT32_MAX)
		sn_logsource__route(logsource, otherwise & ~(uint32_t)SN_ROUTE_OTHERWISE, out);
}
