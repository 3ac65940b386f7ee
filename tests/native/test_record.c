// sources: record.c
/* sn_record__check, case by case. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "check.h"
#include "sensor.h"

static union {
	struct sn_header header;
	struct sn_exec exec;
	struct sn_connect connect;
	uint8_t bytes[SN_RECORD_MAX];
} record;

static int check(uint16_t type, size_t size)
{
	record.header.type = type;
	record.header.size = (uint32_t)size;
	return sn_record__check(&record, size);
}

static void test_sizes(void)
{
	static const struct {
		uint16_t type;
		size_t least;
	} cases[] = {
		{SN_EXEC, sizeof(struct sn_exec)},	 {SN_PROCESS, sizeof(struct sn_exec)},
		{SN_FORK, sizeof(struct sn_fork)},	 {SN_EXIT, sizeof(struct sn_exit)},
		{SN_CONNECT, sizeof(struct sn_connect)}, {SN_CONNECT_RESULT, sizeof(struct sn_connect)},
		{SN_SOCKET, sizeof(struct sn_connect)},	 {SN_LOSS, sizeof(struct sn_loss)},
		{SN_FILE, sizeof(struct sn_file)},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		memset(&record, 0, sizeof(record));
		if (cases[i].least == sizeof(struct sn_connect))
			record.connect.family = 2;
		CHECK(check(cases[i].type, cases[i].least) == 0);
		CHECK(check(cases[i].type, cases[i].least + 8) == 0); /* appended members of a later schema */
		CHECK(check(cases[i].type, SN_RECORD_MAX) == 0);
		CHECK(check(cases[i].type, SN_RECORD_MAX + 8) == -EBADMSG);
		CHECK(check(cases[i].type, cases[i].least - 8) == -EBADMSG);
		CHECK(check(cases[i].type, cases[i].least + 4) == -EBADMSG);
		check(cases[i].type, cases[i].least);
		CHECK(sn_record__check(&record, cases[i].least + 8) == -EBADMSG); /* header and true size differ */
	}
	for (uint32_t type = 0; type <= UINT16_MAX; type++)
		if (type < SN_EXEC || type >= SN_TYPES)
			CHECK(check((uint16_t)type, 1024) == -EBADMSG);
	CHECK(sn_record__check(&record, 0) == -EBADMSG);
	CHECK(sn_record__check(&record, sizeof(struct sn_header) - 1) == -EBADMSG);
}

static void test_spans(void)
{
	enum { FIXED = sizeof(struct sn_exec), SIZE = FIXED + 64 };
	static const size_t spans[] = {offsetof(struct sn_exec, image), offsetof(struct sn_exec, script),
				       offsetof(struct sn_exec, cwd), offsetof(struct sn_exec, argv)};
	static const struct {
		struct sn_span span;
		int result;
	} cases[] = {
		{{0, 0}, 0},
		{{UINT32_MAX, 0}, 0},
		{{FIXED, 64}, 0},
		{{FIXED + 63, 1}, 0},
		{{FIXED, 65}, -EBADMSG},
		{{FIXED + 64, 1}, -EBADMSG},
		{{FIXED - 1, 1}, -EBADMSG},
		{{0, 8}, -EBADMSG},
		{{SIZE + 8, 1}, -EBADMSG},
		{{UINT32_MAX, 1}, -EBADMSG},
		{{FIXED, UINT32_MAX}, -EBADMSG},
		{{UINT32_MAX, UINT32_MAX}, -EBADMSG},
	};

	for (size_t s = 0; s < sizeof(spans) / sizeof(*spans); s++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			memset(&record, 0, sizeof(record));
			memcpy(record.bytes + spans[s], &cases[i].span, sizeof(struct sn_span));
			CHECK(check(SN_EXEC, SIZE) == cases[i].result);
			CHECK(check(SN_PROCESS, SIZE) == cases[i].result);
		}
}

static void test_limits(void)
{
	static const struct {
		size_t span;
		uint32_t max;
	} cases[] = {
		{offsetof(struct sn_exec, image), SN_PATH_MAX},
		{offsetof(struct sn_exec, script), SN_PATH_MAX},
		{offsetof(struct sn_exec, cwd), SN_PATH_MAX},
		{offsetof(struct sn_exec, argv), SN_ARGV_MAX},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (uint32_t more = 0; more < 2; more++) {
			struct sn_span span = {sizeof(struct sn_exec), cases[i].max + more};

			memset(&record, 0, sizeof(record));
			memcpy(record.bytes + cases[i].span, &span, sizeof(span));
			CHECK(check(SN_EXEC, SN_RECORD_MAX) == (more ? -EBADMSG : 0));
		}
	memset(&record, 0, sizeof(record));
	record.exec.argv = (struct sn_span){sizeof(struct sn_exec), 10};
	record.exec.argv_head = 10;
	CHECK(check(SN_EXEC, 256) == 0);
	record.exec.argv_head = 11;
	CHECK(check(SN_EXEC, 256) == -EBADMSG);
	memset(&record, 0, sizeof(record));
	for (uint32_t family = 0; family < 64; family++) {
		record.connect.family = (uint16_t)family;
		CHECK(check(SN_CONNECT, sizeof(struct sn_connect)) == (family == 2 || family == 10 ? 0 : -EBADMSG));
	}
}

int main(void)
{
	test_sizes();
	test_spans();
	test_limits();
	return 0;
}
