/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_logsource: the routes of Windows events in one rule table, by channel and event id (taxonomy.def).
 */
#ifndef SN_LOGSOURCE_H
#define SN_LOGSOURCE_H
#include "sensor.h"

enum {
	SN_ROUTES_MAX = 4,   /* categories of one event */
	SN_SERVICE_NONE = 0, /* a channel that is not in the table, or none */
	SN_CATEGORY_MAX = 63,
};

struct sn_routes {
	uint32_t count;
	uint32_t route[SN_ROUTES_MAX];
};

struct sn_logsource;

/* NULL: no memory. `rules` must outlive it. */
struct sn_logsource *sn_logsource__new(const struct sn_rules *rules);
void sn_logsource__free(struct sn_logsource *logsource);
/* Number of the service that a channel stands for, or SN_SERVICE_NONE. */
uint32_t sn_logsource__service(const struct sn_logsource *logsource, const uint8_t *channel, uint32_t len);
/* Routes of an event of that service; `id` is its event id. */
void sn_logsource__event(const struct sn_logsource *logsource, uint32_t service, uint32_t id, struct sn_routes *out);
/* Route of an event that names its category itself. */
void sn_logsource__category(const struct sn_logsource *logsource, uint32_t service, const uint8_t *category,
			    uint32_t len, struct sn_routes *out);
#endif
