/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_view: which fields of our records the rules of one table look at. Bound when the table is loaded, so that
 * an event costs only what some rule reads.
 */
#ifndef SN_VIEW_FILL_H
#define SN_VIEW_FILL_H
#include "process_table.h"
#include "proxy.h"
#include "users.h"
#include "values.h"

struct sn_view;

/* NULL: no memory. `rules` is not kept. */
struct sn_view *sn_view__new(const struct sn_rules *rules);
void sn_view__free(struct sn_view *view);
/* Route of events made from records of that type, SN_NO_FIELD when no rule looks at them. */
uint32_t sn_view__route(const struct sn_view *view, uint16_t type);
/* Fills `values` from a checked, 8-aligned SN_EXEC or SN_CONNECT that the table has already taken in. The texts are
 * borrowed from the record, `view`, `proxy` (NULL: not an exec, or nothing is unwound) and `values` until the next
 * fill. */
void sn_view__fill(struct sn_view *view, struct sn_values *values, const struct sn_table *table,
		   const struct sn_users *users, const struct sn_proxy *proxy, const struct sn_header *record);
/* view_proxy.c: the value of a SN_VALUE_PROXY_* or SN_VALUE_PAYLOAD_*, but for the chain that is there. */
struct sn_value sn_view__proxy(struct sn_values *values, const struct sn_proxy *proxy, uint32_t value);
#endif
