// sources: rule_table.c rule_verify.c route_verify.c matcher.c rule_index.c atom_test.c pattern.c scalar.c fold.c
// sources: regex.c text.c explain.c rule_cost.c
/* Bytes that pass the verifier are judged on events; whatever they say, nothing is read out of bounds. A head that the
 * fuzzer would hardly guess is written over the first bytes. */
#include <stdlib.h>
#include <string.h>

#include "matcher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct sn_rules *rules)
{
	static const uint8_t text[] = "C:\\Windows\\System32\\cmd.exe /c \xc3\x89\xff 10.1.2.3";
	struct sn_matcher *matcher;
	uint32_t fields = sn_rules__field_count(rules), count = sn_rules__count(rules);
	struct sn_value *values = calloc(fields + 1u, sizeof(*values));
	struct sn_hit *hits = calloc(count + 1u, sizeof(*hits));
	struct sn_event event = {.value = values, .fields = fields};

	if (!values || !hits || sn_matcher__new(rules, &matcher))
		abort();
	for (uint32_t i = 0; i < fields; i++)
		values[i] = (struct sn_value){text, sizeof(text) - 1, 9, i % 5, 0};
	event.route = sn_rules__route(rules, "windows", "process_creation", "");
	if (event.route != UINT32_MAX && sn_matcher__judge(matcher, rules, &event, hits, count) > count)
		abort();
	sn_matcher__free(matcher);
	free(values);
	free(hits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sn_table_head head = {SN_TABLE_MAGIC, SN_TABLE_VERSION, 19, size};
	struct sn_rules *rules;
	char why[128];
	uint8_t *copy;

	if (size < sizeof(head) || size > 1 << 16)
		return 0;
	copy = malloc(size);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	memcpy(copy, &head, sizeof(head));
	if (sn_rules__open(copy, size, &rules, why, sizeof(why)) == 0) {
		judge(rules);
		sn_rules__close(rules);
	}
	free(copy);
	return 0;
}
