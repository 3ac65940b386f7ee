// sources: alert_json.c alert_event.c alert_record.c event_fields.c event_mapped.c json_members.c json_write.c json.c
// sources: record_write.c record.c schema.c sysmon_form.c text.c users.c alert_proxy.c
// sources: pipes.c proxy.c proxy_block.c alert_facts.c facts.c unwind.c reading.c given.c grammar.c
// sources: shell_words.c sed_program.c bytes.c alert_texts.c
/* sn_alerts__json: of any bytes as frames it makes whole lines of JSON, or says no; of any JSON object a line. */
#include <string.h>

#include "check.h"
#include "engine.h"
#include "json.h"

enum { LINES = 1 << 20, SMALL = 3000 };

static char lines[LINES], small[SMALL];

#define LINES_OF(literal)                                                                                              \
	{                                                                                                              \
		literal, sizeof(literal) - 1                                                                           \
	}

static struct sn_alerts *alerts_new(int live)
{
	static struct sn_engine engine;
	struct sn_alert_texts texts = {.rules = LINES_OF("{\"id\":\"r\",\"level\":\"high\"}\n"),
				       .levels = LINES_OF("\"high\"\n"),
				       .fields = LINES_OF("\"Image\"\n\"ParentCommandLine\"\n"),
				       .files = {"\"f\"\n", live ? 0 : 4},
				       .host = live ? "\"h\"" : "",
				       .run = live ? "r" : ""};
	struct sn_alerts *alerts;

	if (!engine.users)
		engine.users = sn_users__new();
	CHECK(engine.users && sn_users__set(engine.users, 0, "root") == 0);
	CHECK(sn_alerts__new(&engine, &texts, &alerts) == 0);
	sn_alerts__set_clock(alerts, live);
	return alerts;
}

static void check_lines(const char *at, int64_t size)
{
	const char *end = at + size;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		struct sn_json json = {(const uint8_t *)at, (const uint8_t *)newline};

		CHECK(newline && *at == '{' && sn_json__skip(&json, 0) && json.at == json.end);
		at = newline + 1;
	}
}

static int64_t write_all(struct sn_alerts *alerts, const uint8_t *frames, size_t size)
{
	struct sn_alert_progress progress = {0};
	int64_t n = sn_alerts__json(alerts, frames, size, &progress, lines, sizeof(lines));

	if (n > 0)
		check_lines(lines, n);
	progress = (struct sn_alert_progress){0};
	n = sn_alerts__json(alerts, frames, size, &progress, small, sizeof(small));
	if (n > 0)
		check_lines(small, n);
	return n;
}

/* The bytes as frames; the first word of each is made a size that could be, most of the time. */
static void fuzz_frames(struct sn_alerts *alerts, const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);

	CHECK(copy);
	memcpy(copy, data, size);
	write_all(alerts, copy, size);
	free(copy);
}

/* The bytes as what a frame is about. */
static void fuzz_payload(struct sn_alerts *alerts, const uint8_t *data, size_t size, uint32_t payload)
{
	size_t padded = (size + 7) & ~(size_t)7, whole = sizeof(struct sn_alert) + padded;
	uint8_t *frame = calloc(1, whole);
	struct sn_alert alert = {.size = (uint32_t)whole,
				 .verdict = size & 1 ? SN_UNDECIDABLE : SN_MATCH,
				 .cause_field = size & 2 ? 1 : UINT32_MAX,
				 .payload = payload,
				 .event_size = (uint32_t)size};
	struct sn_header header;

	CHECK(frame);
	memcpy(frame, &alert, sizeof(alert));
	memcpy(frame + sizeof(alert), data, size);
	if (payload == SN_PAYLOAD_RECORD && size >= sizeof(header)) {
		memcpy(&header, data, sizeof(header));
		header.size = (uint32_t)size;
		header.type %= SN_TYPES;
		memcpy(frame + sizeof(alert), &header, sizeof(header));
	}
	write_all(alerts, frame, whole);
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sn_alerts *live, *replay;

	if (!live) {
		live = alerts_new(1);
		replay = alerts_new(0);
	}
	fuzz_frames(replay, data, size);
	fuzz_payload(live, data, size, SN_PAYLOAD_RECORD);
	fuzz_payload(replay, data, size, SN_PAYLOAD_JSON);
	return 0;
}
