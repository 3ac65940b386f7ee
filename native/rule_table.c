/* SPDX-License-Identifier: Apache-2.0 */
#include "rule_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rule_verify.h"

int sn_rules__open(const void *bytes, size_t size, struct sn_rules **out, char *why, size_t why_size)
{
	struct sn_rules *rules = calloc(1, sizeof(*rules));
	int rc;

	if (!rules)
		return -ENOMEM;
	rules->bytes = malloc(size ? size : 1);
	if (!rules->bytes) {
		free(rules);
		return -ENOMEM;
	}
	if (size)
		memcpy(rules->bytes, bytes, size);
	rc = sn_rules__verify(rules, size, why, why_size);
	if (rc)
		sn_rules__close(rules);
	else
		*out = rules;
	return rc;
}

void sn_rules__close(struct sn_rules *rules)
{
	if (!rules)
		return;
	free(rules->bytes);
	free(rules);
}

uint32_t sn_rules__count(const struct sn_rules *rules)
{
	return rules->count[SN_RULES];
}

uint32_t sn_rules__field_count(const struct sn_rules *rules)
{
	return rules->count[SN_FIELDS];
}

const char *sn_rules__field_name(const struct sn_rules *rules, uint32_t number, uint32_t *len)
{
	*len = rules->fields[number].len;
	return (const char *)rules->text + rules->fields[number].off;
}

/* Number of a name, SN_ANY when it is not there. */
static uint32_t find_name(const struct sn_rules *rules, const struct sn_stretch *names, uint32_t count,
			  const char *name, size_t len)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		size_t own = names[middle].len;
		int order = memcmp(rules->text + names[middle].off, name, own < len ? own : len);

		if (order == 0 && own == len)
			return middle;
		if (order < 0 || (order == 0 && own < len))
			low = middle + 1;
		else
			high = middle;
	}
	return (uint32_t)SN_ANY;
}

uint32_t sn_rules__field(const struct sn_rules *rules, const char *name, size_t len)
{
	return find_name(rules, rules->fields, rules->count[SN_FIELDS], name, len);
}

static uint32_t find_route(const struct sn_rules *rules, uint32_t product, uint32_t category, uint32_t service)
{
	uint32_t low = 0, high = rules->count[SN_ROUTES];

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		const struct sn_route *route = &rules->routes[middle];

		if (route->product == product && route->category == category && route->service == service)
			return middle;
		if (route->product < product || (route->product == product && route->category < category) ||
		    (route->product == product && route->category == category && route->service < service))
			low = middle + 1;
		else
			high = middle;
	}
	return (uint32_t)SN_ANY;
}

/* A route's number says which product, category and service it is of, each one more than the names in the table: the
 * last stands for all other names, and for none. */
uint32_t sn_rules__bases(const struct sn_rules *rules, uint32_t route, uint32_t base[SN_BASES_MAX])
{
	const uint32_t products = rules->count[SN_PRODUCTS], categories = rules->count[SN_CATEGORIES],
		       services = rules->count[SN_SERVICES];
	uint32_t service = route % (services + 1), category = route / (services + 1) % (categories + 1),
		 product = route / (services + 1) / (categories + 1), found = 0;

	if (product > products)
		return 0;
	for (uint32_t mask = 0; mask < SN_BASES_MAX; mask++) {
		uint32_t number;

		/* a rule that names nothing, or a name that no rule has */
		if ((mask & 1 && product == products) || (mask & 2 && category == categories) ||
		    (mask & 4 && service == services))
			continue;
		number = find_route(rules, mask & 1 ? product : (uint32_t)SN_ANY,
				    mask & 2 ? category : (uint32_t)SN_ANY, mask & 4 ? service : (uint32_t)SN_ANY);
		if (number != (uint32_t)SN_ANY)
			base[found++] = number;
	}
	return found;
}

int sn_rules__reads(const struct sn_rules *rules, uint32_t route, uint32_t field)
{
	uint32_t base[SN_BASES_MAX], bases = sn_rules__bases(rules, route, base);

	for (uint32_t i = 0; i < bases; i++) {
		const struct sn_route *of = &rules->routes[base[i]];

		for (uint32_t j = 0; j < of->fields; j++)
			if (rules->route_fields[of->field + j] == field)
				return 1;
	}
	return 0;
}

/* Number of the name, or of "all others". */
static uint32_t part(const struct sn_rules *rules, const struct sn_stretch *names, uint32_t count, const char *name)
{
	uint32_t number = *name ? find_name(rules, names, count, name, strlen(name)) : (uint32_t)SN_ANY;

	return number == (uint32_t)SN_ANY ? count : number;
}

uint32_t sn_rules__route(const struct sn_rules *rules, const char *product, const char *category, const char *service)
{
	const uint32_t *count = rules->count;
	uint32_t base[SN_BASES_MAX];
	uint32_t route = part(rules, rules->products, count[SN_PRODUCTS], product);

	route = route * (count[SN_CATEGORIES] + 1) + part(rules, rules->categories, count[SN_CATEGORIES], category);
	route = route * (count[SN_SERVICES] + 1) + part(rules, rules->services, count[SN_SERVICES], service);
	return sn_rules__bases(rules, route, base) ? route : UINT32_MAX;
}
