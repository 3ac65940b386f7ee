// sources: all
// sanitize: thread
// optimize: 0
/* Sessions' threads that call back at once, a thread of lines, the match thread and one that asks for the counts: every
 * event is in one count, by its provider, and what is recorded is judged. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "engine.h"
#include "etw_record.h"
#include "sensor.h"

enum { LANES = SN_ETW_LANES_MAX, ROUNDS = 20000, LINES = 5000, LOST_EVENT = 32, LOST_BUFFER = 33 };

static const struct sn_guid NETWORK =
	SN_GUID(0x7dd42a49, 0x5329, 0x4832, 0x8d, 0xfd, 0x43, 0xd9, 0x79, 0x15, 0x3a, 0x88);
static const struct sn_guid FILES = SN_GUID(0xedd08927, 0x9cc4, 0x4e65, 0xb9, 0x70, 0xc2, 0x56, 0x0f, 0xb5, 0xc2, 0x89);
static const struct sn_guid LOST = SN_GUID(0x6a399ae0, 0x4bc6, 0x4de9, 0x87, 0x0b, 0x36, 0x57, 0xf8, 0x94, 0x7e, 0x7e);
static const struct sn_guid NOBODY = SN_GUID(1, 2, 3, 4);
static uint8_t data[SN_RECORD_MAX];

/* What a session brings in one round. */
static const struct {
	const struct sn_guid *provider;
	uint16_t id;
	uint8_t opcode;
	uint16_t size;
} BRINGS[] = {
	{&NETWORK, 12, 0, 44}, {&NETWORK, 10, 0, 44},	    /* a send */
	{&FILES, 30, 0, 200},  {&FILES, 30, 0, UINT16_MAX}, /* longer than any record */
	{&NOBODY, 12, 0, 44},  {&LOST, 0, LOST_EVENT, 8},   {&LOST, 0, LOST_BUFFER, 8},
};
enum { BROUGHT = sizeof(BRINGS) / sizeof(*BRINGS), FILTERED = 4, OVERSIZED = 1 };

struct lane {
	pthread_t thread;
	void *context;
	uint64_t time;
};

static void *session(void *arg)
{
	struct lane *lane = arg;
	struct sn_event_record record = {.process_id = 4, .user_data = data, .user_context = lane->context};

	for (uint32_t i = 0; i < ROUNDS * BROUGHT; i++) {
		record.provider = *BRINGS[i % BROUGHT].provider;
		record.id = BRINGS[i % BROUGHT].id;
		record.opcode = BRINGS[i % BROUGHT].opcode;
		record.user_data_length = BRINGS[i % BROUGHT].size;
		record.time_stamp = 134000000000000000 + i;
		sn_etw_event_record(&record);
	}
	return NULL;
}

static void *lines(void *arg)
{
	static const char LINE[] = "{\"EventID\": 1}";

	for (int i = 0; i < LINES; i++)
		sn_etw_source__line(arg, LINE, sizeof(LINE) - 1);
	return NULL;
}

static void *match(void *engine)
{
	CHECK(sn_engine__run(engine) == 0);
	return NULL;
}

static atomic_int over;

static void *ask(void *arg)
{
	const struct sn_etw_source *source = arg;
	struct sn_etw_source_stats now, before = {0};
	struct sn_etw_provider_stats provider;

	while (!atomic_load(&over)) {
		sn_etw_source__stats(source, &now);
		CHECK(now.received >= before.received && now.recorded >= before.recorded);
		CHECK(now.dropped >= before.dropped && now.lost_events >= before.lost_events);
		before = now;
		for (uint32_t i = 0; sn_etw_source__provider(source, i, &provider); i++)
			CHECK(provider.recorded <= (uint64_t)LANES * ROUNDS);
	}
	return NULL;
}

static struct sn_etw_provider_stats of(const struct sn_etw_source *source, const struct sn_guid *guid)
{
	struct sn_etw_provider_stats found;
	int number = sn_etw__provider_of(guid);

	CHECK(number >= 0 && sn_etw_source__provider(source, (uint32_t)number, &found));
	return found;
}

static void account(struct sn_engine *engine, const struct sn_etw_source *source)
{
	struct sn_etw_provider_stats network = of(source, &NETWORK), files = of(source, &FILES);
	struct sn_etw_source_stats found;
	struct sn_stats judged;

	sn_etw_source__stats(source, &found);
	sn_engine__stats(engine, &judged);
	CHECK(network.recorded + network.dropped == (uint64_t)LANES * ROUNDS);
	CHECK(files.recorded + files.dropped == (uint64_t)LANES * ROUNDS && network.oversized == 0);
	CHECK(files.oversized == (uint64_t)LANES * ROUNDS * OVERSIZED && files.oversized == found.oversized);
	CHECK(found.filtered == (uint64_t)LANES * ROUNDS * FILTERED);
	CHECK(found.lost_events == (uint64_t)LANES * ROUNDS && found.lost_buffers == found.lost_events);
	CHECK(found.received - (LINES - found.lines) == (uint64_t)LANES * ROUNDS * BROUGHT);
	CHECK(found.received == found.filtered + found.recorded + found.dropped + found.oversized);
	CHECK(found.recorded == network.recorded + files.recorded && found.recorded > 0);
	CHECK(judged.received == found.recorded + found.lines);
	CHECK(judged.received == judged.decoded + judged.malformed);
}

int main(void)
{
	const struct sn_engine_options options = {
		.ring_bytes = 1 << 17, .alert_bytes = 1 << 18, .table_bytes = 1 << 16, .table_entries = 64};
	struct lane lane[LANES];
	struct sn_etw_source *source;
	struct sn_engine *engine;
	pthread_t matching, asking, telling;

	CHECK(sn_engine__new(&options, &engine) == 0 && sn_etw_source__new(engine, &source) == 0);
	for (int i = 0; i < LANES; i++)
		CHECK((lane[i].context = sn_etw_source__lane(source, i ? 1 : 0)));
	CHECK(!sn_etw_source__lane(source, 0));
	CHECK(!pthread_create(&matching, NULL, match, engine) && !pthread_create(&asking, NULL, ask, source));
	CHECK(!pthread_create(&telling, NULL, lines, source));
	for (int i = 0; i < LANES; i++)
		CHECK(!pthread_create(&lane[i].thread, NULL, session, &lane[i]));
	for (int i = 0; i < LANES; i++)
		CHECK(!pthread_join(lane[i].thread, NULL));
	CHECK(!pthread_join(telling, NULL));
	atomic_store(&over, 1);
	CHECK(!pthread_join(asking, NULL));
	sn_engine__stop(engine);
	CHECK(!pthread_join(matching, NULL));
	account(engine, source);
	sn_etw_source__free(source);
	sn_engine__free(engine);
	return 0;
}
