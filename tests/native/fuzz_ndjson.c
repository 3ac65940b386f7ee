// sources: ndjson.c ndjson_elements.c ndjson_keys.c json.c logsource.c mapping.c sysmon_form.c text.c values.c
/* sn_ndjson__decode: any bytes; what it takes is readable to its end and says the same a second time. */
#include "check.h"
#include "ndjson.h"
#include "stand_in_rules.h"

static const char *const fields[] = {"Image",	"CommandLine", "ProcessId", "ParentProcessId", "User", "TargetObject",
				     "Details", "EventID",     "Channel",   "Provider_Name",   "a",    "b",
				     "*",	NULL};

volatile uint32_t fuzz_sink; /* keeps the compiler from leaving the reads out */

static uint32_t sum_of(const struct sn_event *event)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < event->fields; i++) {
		const struct sn_value *value = &event->value[i];

		for (;;) {
			CHECK(value->state <= SN_LOST);
			for (uint32_t b = 0; value->state == SN_PRESENT && b < value->len; b++)
				sum = sum * 31 + value->text[b];
			sum = sum * 31 + value->state;
			if (!value->next)
				break;
			CHECK(value->next <= event->more_count);
			value = &event->more[value->next - 1];
		}
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stand_in rules = {.field = fields};
	static struct sn_ndjson *ndjson;
	static struct sn_values *values;
	struct sn_routes first, second;
	char *copy = malloc(size ? size : 1);
	uint32_t sum;

	if (!ndjson) {
		ndjson = sn_ndjson__new(&rules.rules);
		values = sn_values__new(&rules.rules);
	}
	CHECK(copy && ndjson && values);
	memcpy(copy, data, size);
	if (sn_ndjson__decode(ndjson, copy, size, UINT32_MAX, values, &first) == 0) {
		sum = sum_of(&values->event);
		CHECK(first.count <= SN_ROUTES_MAX);
		CHECK(sn_ndjson__decode(ndjson, copy, size, UINT32_MAX, values, &second) == 0);
		CHECK(first.count == second.count && sum == sum_of(&values->event));
		fuzz_sink = sum;
	}
	free(copy);
	return 0;
}
