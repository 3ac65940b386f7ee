// sources: sweep.c text_windows.c text_pairs.c rule_table.c rule_verify.c route_verify.c matcher.c rule_index.c
// sources: scan.c rule_cost.c explain.c atom_test.c text_quads.c
// sources: pattern.c text_index.c scalar.c fold.c regex.c text.c grammar.c bytes.c clock.c
/* Bytes that pass the verifier are judged on events; whatever they say, nothing is read out of bounds. What of the head
 * the fuzzer would hardly guess is written over the first bytes. */
#include <stdlib.h>
#include <string.h>

#include "matcher.h"
#include "text_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t TEXT[] = "C:\\Windows\\System32\\cmd.exe /c \xc3\x89\xff powershell -enc 10.1.2.3";

enum { LONG = SN_INDEXED_MIN + 99, EVENTS = 3 };

/* What the table looks for: its text from one of its values on, over and over. To be freed. */
static uint8_t *text_of(const struct sn_rules *rules, uint32_t number, uint32_t len)
{
	const uint32_t size = rules->count[SN_TEXT], values = rules->count[SN_VALUES];
	uint32_t from = values ? rules->values[number % values].off : 0;
	uint8_t *text = malloc(len);

	if (!text)
		abort();
	for (uint32_t i = 0; i < len; i++)
		text[i] = from < size ? rules->text[from + i % (size - from)] : TEXT[i % sizeof(TEXT)];
	return text;
}

/* The event of that number: of the first, values are in all states in turn; else all are whole, so that the index is
 * used. */
static void judge(const struct sn_rules *rules, struct sn_matcher *matcher, uint32_t number)
{
	const uint32_t fields = sn_rules__field_count(rules), count = sn_rules__count(rules), len = sizeof(TEXT) - 1;
	struct sn_value *values = calloc(fields + 1u, sizeof(*values));
	struct sn_hit *hits = calloc(count + 1u, sizeof(*hits));
	struct sn_value more = {TEXT + 11, len - 11, 0, SN_PRESENT, 0};
	struct sn_event event = {.value = values, .more = &more, .fields = fields, .more_count = 1, .unknown = !number};
	uint8_t *given = text_of(rules, number, len), *long_text = text_of(rules, number, LONG);

	if (!values || !hits)
		abort();
	for (uint32_t i = 0; i < fields; i++)
		values[i] = (struct sn_value){i % 2 ? TEXT : given, len, 9, number ? SN_PRESENT : i % 5, i == 0};
	if (fields)
		values[number % fields] = (struct sn_value){long_text, LONG, 9, SN_PRESENT, 0};
	event.route = sn_rules__route(rules, "windows", "process_creation", "");
	if (event.route != UINT32_MAX && sn_matcher__judge(matcher, rules, &event, hits, count) > count)
		abort();
	free(values);
	free(hits);
	free(given);
	free(long_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sn_table_head head = {SN_TABLE_MAGIC, SN_TABLE_VERSION, SN_SECTION_KINDS - 1, size};
	struct sn_matcher *matcher;
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
		if (sn_matcher__new(rules, &matcher))
			abort();
		for (uint32_t i = 0; i < EVENTS; i++)
			judge(rules, matcher, i);
		sn_matcher__free(matcher);
		sn_rules__close(rules);
	}
	free(copy);
	return 0;
}
