// sources: actors.c blob_store.c bytes.c etl.c etw.c etw_described.c etw_hosts.c etw_join.c etw_keys.c etw_learn.c
// sources: etw_line.c etw_names.c etw_starts.c etw_text.c etw_told.c trace.c json_write.c json.c sysmon_form.c text.c
/* Event trace logs: any file ends, each event lies in it, data are never read beyond their end, each event is told of,
 * joined or counted, and its line has the room that is promised. */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "etl.h"
#include "etw.h"
#include "etw_line.h"
#include "trace.h"

/* A copy of the data of its own, so that a byte beyond is one of nobody's. */
static void decode_alone(const struct sn_etw_event *event)
{
	struct sn_etw_event copy = *event;
	struct sn_etw_decoded decoded;
	uint8_t *data = malloc(event->size ? event->size : 1);
	int rc;

	CHECK(data);
	memcpy(data, event->data, event->size);
	copy.data = data;
	rc = sn_etw__decode(&copy, &decoded);
	CHECK(rc == 0 || rc == -ENOENT || rc == -ENOSYS || rc == -EBADMSG);
	for (uint32_t i = 0; !rc && i < decoded.count; i++) {
		struct sn_bytes bytes = decoded.column[i].bytes;

		CHECK(!bytes.len || (bytes.at >= data && bytes.at + bytes.len <= data + event->size));
	}
	CHECK(rc || decoded.rest <= event->size);
	free(data);
}

/* As far as brackets outside of strings tell, and one line. */
static int is_one_object(const char *line, size_t size)
{
	int64_t depth = 0;
	int within = 0;

	for (size_t i = 0; i < size; i++) {
		char c = line[i];

		CHECK(c != '\n' && (i == 0 || depth > 0));
		if (within)
			i += c == '\\';
		else
			depth += (c == '{' || c == '[') - (c == '}' || c == ']');
		within ^= c == '"';
	}
	return !depth && !within;
}

static void read_trace(const uint8_t *file, size_t size)
{
	static char line[SN_ETW_LINE_MAX];
	/* made once: 10 MiB of them were most of what a run took */
	static struct sn_actors *actors;
	static struct sn_etw_names *names;
	struct sn_trace_stats stats;
	struct sn_traced next;
	struct sn_trace *trace;
	uint64_t told = 0, described = 0, broken = 0;

	if (!actors) {
		actors = sn_actors__new();
		names = sn_etw_names__new();
		CHECK(actors && names);
	}
	sn_actors__forget(actors);
	CHECK(sn_trace__open(file, size, &trace) == 0);
	CHECK(sn_trace__begin(trace, actors, names) == 0);
	while (sn_trace__next(trace, &next)) {
		struct sn_writer w = {.at = line, .end = line + sizeof(line)};

		told += next.told != NULL;
		described += next.line != NULL;
		broken += !next.told && !next.line;
		if (next.told)
			sn_etw__write_line(&w, next.told);
		CHECK(!next.line || is_one_object(next.line, next.line_size));
		CHECK(!w.full);
		CHECK(sn_trace__position(trace) <= size);
	}
	sn_trace__stats(trace, &stats);
	CHECK(told == stats.told && described == stats.described && broken == stats.broken);
	CHECK(told + described + broken + stats.joined + stats.not_decoded + stats.unknown_version == stats.events);
	sn_trace__close(trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *file = malloc(size ? size : 1);
	struct sn_etw_event event;
	struct sn_etl *etl;
	uint64_t before = 0;

	CHECK(file);
	memcpy(file, data, size);
	if (sn_etl__open(file, size, &etl) == 0) {
		while (sn_etl__next(etl, &event)) {
			CHECK(event.data >= file && event.data + event.size <= file + size);
			CHECK(event.time >= before && (event.pointer == 4 || event.pointer == 8));
			before = event.time;
			decode_alone(&event);
		}
		sn_etl__close(etl);
		read_trace(file, size);
	}
	free(file);
	return 0;
}
