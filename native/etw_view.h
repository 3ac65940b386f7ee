/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_etw_view: which members of Windows' events the rules of one table look at. Bound when the table is loaded,
 * so that an event costs only what some rule reads. The values are those that ndjson.c takes from the event's line.
 */
#ifndef SN_ETW_VIEW_H
#define SN_ETW_VIEW_H
#include "etw_told.h"
#include "logsource.h"
#include "values.h"

struct sn_etw_view;

/* NULL: no memory. `rules` must outlive it. */
struct sn_etw_view *sn_etw_view__new(const struct sn_rules *rules);
void sn_etw_view__free(struct sn_etw_view *view);
/* The event's routes; if there are any, `values` from it. Texts are borrowed from what was told and from `values`. One
 * that `values` has no room for is SN_LOST. */
void sn_etw_view__fill(const struct sn_etw_view *view, struct sn_values *values, const struct sn_etw_told *told,
		       struct sn_routes *routes);
#endif
