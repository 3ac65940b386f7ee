/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_logsource: the routes of Windows events in one rule table, by channel and event id (taxonomy.def).
 */
#ifndef SN_LOGSOURCE_H
#define SN_LOGSOURCE_H
#include <stdbool.h>

#include "sensor.h"
#include "view.h"

enum {
	SN_ROUTES_MAX = 4,   /* categories of one event */
	SN_SERVICE_NONE = 0, /* a channel that is not in the table, or none */
	SN_NAME_MAX = 63,    /* of a product, category or service */
};

struct sn_routes {
	uint32_t count;
	uint32_t route[SN_ROUTES_MAX];
	bool starts;	      /* it is a process creation of Windows */
	uint32_t service, id; /* as struct sn_claim has them */
};

/* What an event says of its logsource; absent values are not said. */
struct sn_claim {
	uint32_t service; /* of its channel, by number */
	uint32_t id;	  /* of the event, UINT32_MAX: none */
	struct sn_value category;
	struct sn_value product; /* where it says it: then category and service_name are all of its logsource */
	struct sn_value service_name;
};

struct sn_logsource;

/* NULL: no memory. `rules` must outlive it. */
struct sn_logsource *sn_logsource__new(const struct sn_rules *rules);
void sn_logsource__free(struct sn_logsource *logsource);
/* Number of the service that a channel stands for, or SN_SERVICE_NONE. */
uint32_t sn_logsource__service(const struct sn_logsource *logsource, const uint8_t *channel, uint32_t len);
/* The same by its name; SN_SERVICE_NONE: no channel stands for it. */
uint32_t sn_logsource__service_named(const char *service);
/* The one that was asked for. */
void sn_logsource__route(const struct sn_logsource *logsource, uint32_t route, struct sn_routes *out);
/* Routes of an event by what it says of itself; `otherwise` (with SN_ROUTE_OTHERWISE) when it says nothing. */
void sn_logsource__routes(const struct sn_logsource *logsource, const struct sn_claim *claim, uint32_t otherwise,
			  struct sn_routes *out);
#endif
