/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_ndjson: the decoder of JSON lines for one rule table. One pass, no tree, no allocation: it validates all
 * and keeps what some rule reads.
 */
#ifndef SN_NDJSON_H
#define SN_NDJSON_H
#include "logsource.h"
#include "values.h"

struct sn_ndjson;

/* NULL: no memory. `rules` must outlive it. */
struct sn_ndjson *sn_ndjson__new(const struct sn_rules *rules);
void sn_ndjson__free(struct sn_ndjson *ndjson);
/* One object of any of the shapes of ndjson.c into `values`. `route` as for sn_engine__feed_json. Texts are borrowed
 * from `line` and `values`. -EBADMSG: not one JSON object, or longer than SN_LINE_MAX. */
int sn_ndjson__decode(struct sn_ndjson *ndjson, const char *line, size_t size, uint32_t route, struct sn_values *values,
		      struct sn_routes *routes);
#endif
