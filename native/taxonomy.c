/* SPDX-License-Identifier: Apache-2.0
 *
 * taxonomy.def as rows, for Python's decoders and the docs.
 */
#include "sensor.h"

static const struct sn_taxonomy_row rows[] = {
#define SN_CHANNEL(channel, service)	{.kind = "channel", .source = service, .from = channel},
#define SN_EVENT(service, number, what) {.kind = "event", .source = service, .id = number, .category = what},
#define SN_SOURCE(name, what, help)	{.kind = "source", .source = name, .category = what, .from = help},
#define SN_FIELDS(name, what, names)	{.kind = "fields", .source = name, .category = what, .from = names},
#define SN_MAP(name, what, member, way, path)                                                                          \
	{.kind = "map", .source = name, .category = what, .field = member, .how = #way, .from = path},
#include "taxonomy.def"
};

const struct sn_taxonomy_row *sn_taxonomy__row(uint32_t number)
{
	return number < sizeof(rows) / sizeof(*rows) ? &rows[number] : NULL;
}
