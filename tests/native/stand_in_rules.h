/* SPDX-License-Identifier: Apache-2.0
 *
 * A rule table for tests of what stands before the matcher: a list of fields, and a route for every logsource asked
 * for. It takes the place of rule_table.c.
 */
#ifndef SN_TEST_STAND_IN_RULES_H
#define SN_TEST_STAND_IN_RULES_H
#include <stdio.h>
#include <string.h>

#include "rule_table.h"
#include "sensor.h"

enum { STAND_IN_ROUTES = 512, STAND_IN_NAME = 128 };

struct stand_in {
	struct sn_rules rules;	  /* what is handed around; empty */
	const char *const *field; /* ends in NULL */
	char route[STAND_IN_ROUTES][STAND_IN_NAME];
	uint32_t routes;
};

static const struct stand_in *stand_in(const struct sn_rules *rules)
{
	return (const struct stand_in *)rules;
}

uint32_t sn_rules__field_count(const struct sn_rules *rules)
{
	const char *const *field = stand_in(rules)->field;
	uint32_t n = 0;

	while (field[n])
		n++;
	return n;
}

const char *sn_rules__field_name(const struct sn_rules *rules, uint32_t number, uint32_t *len)
{
	const char *name = stand_in(rules)->field[number];

	*len = (uint32_t)strlen(name);
	return name;
}

uint32_t sn_rules__field(const struct sn_rules *rules, const char *name, size_t len)
{
	const char *const *field = stand_in(rules)->field;

	for (uint32_t i = 0; field[i]; i++)
		if (strlen(field[i]) == len && memcmp(field[i], name, len) == 0)
			return i;
	return UINT32_MAX;
}

int sn_rules__reads(const struct sn_rules *rules, uint32_t route, uint32_t field)
{
	return route < stand_in(rules)->routes && field < sn_rules__field_count(rules);
}

/* "product/category/service" gets the next number the first time it is asked for. */
uint32_t sn_rules__route(const struct sn_rules *rules, const char *product, const char *category, const char *service)
{
	struct stand_in *own = (struct stand_in *)rules;
	char name[STAND_IN_NAME];

	snprintf(name, sizeof(name), "%s/%s/%s", product, category, service);
	for (uint32_t i = 0; i < own->routes; i++)
		if (strcmp(own->route[i], name) == 0)
			return i;
	if (own->routes == STAND_IN_ROUTES)
		return UINT32_MAX;
	memcpy(own->route[own->routes], name, sizeof(name));
	return own->routes++;
}
#endif
