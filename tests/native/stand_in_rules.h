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

struct sn_rules {
	const char *const *field; /* ends in NULL */
	char route[STAND_IN_ROUTES][STAND_IN_NAME];
	uint32_t routes;
};

uint32_t sn_rules__field_count(const struct sn_rules *rules)
{
	uint32_t n = 0;

	while (rules->field[n])
		n++;
	return n;
}

const char *sn_rules__field_name(const struct sn_rules *rules, uint32_t number, uint32_t *len)
{
	*len = (uint32_t)strlen(rules->field[number]);
	return rules->field[number];
}

uint32_t sn_rules__field(const struct sn_rules *rules, const char *name, size_t len)
{
	for (uint32_t i = 0; rules->field[i]; i++)
		if (strlen(rules->field[i]) == len && memcmp(rules->field[i], name, len) == 0)
			return i;
	return UINT32_MAX;
}

/* "product/category/service" gets the next number the first time it is asked for. */
uint32_t sn_rules__route(const struct sn_rules *rules, const char *product, const char *category, const char *service)
{
	struct sn_rules *own = (struct sn_rules *)rules;
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
