// sources: connections.c bytes.c
// sources: process_table.c process_slots.c blob_store.c exec_blob.c
/* struct sn_connections against a list of all attempts: what is asked for is whole, in order, and what is missing is
 * owned up to. */
#include <string.h>

#include "check.h"
#include "connections.h"
#include "records.h"

enum { PROCESSES = 50, ATTEMPTS = 20000, PORTS = 6 };

struct attempt {
	uint64_t time;
	uint32_t process;
	uint16_t port;
};

static struct attempt attempts[ATTEMPTS];
static struct sn_connection found[SN_CONNECTIONS_KEPT];

static struct identity process(uint32_t n)
{
	return (struct identity){100 + n, 1000 + n};
}

static void see(struct sn_connections *connections, const struct sn_table *table, const struct attempt *attempt)
{
	struct sn_connect record = {
		.h = make_header(SN_CONNECT, sizeof(record), process(attempt->process), attempt->time),
		.family = 2,
		.dport = attempt->port};

	sn_connections__see(connections, table, &record);
}

/* Of one process, in the order of their first attempts. */
static void check_process(const struct sn_connections *connections, uint32_t n, uint32_t seen)
{
	struct identity who = process(n);
	uint64_t forgotten = sn_connections__forgotten(connections);
	uint32_t count = sn_connections__of(connections, who.pid, who.start, 0, UINT64_MAX, found, SN_CONNECTIONS_KEPT);

	for (uint32_t i = 1; i < count; i++)
		CHECK(found[i - 1].last < found[i].time);
	for (uint32_t i = 0; i < seen; i++) {
		uint32_t told = 0;

		if (attempts[i].process != n || attempts[i].time <= forgotten)
			continue;
		for (uint32_t k = 0; k < count; k++)
			told += found[k].time <= attempts[i].time && attempts[i].time <= found[k].last &&
				found[k].dport == attempts[i].port;
		CHECK(told == 1);
	}
}

/* The seventh is no part of the others' pipe. */
static uint64_t start_of(uint32_t pid)
{
	return pid < 7 ? 1000 : 3000000000;
}

/* What a process, or the other end of its pipe, fetched from outside stays the source when it then asks its own host.
 */
static void test_source(void)
{
	static const struct {
		uint32_t pid;
		uint64_t time;
		int result;
		uint16_t port;
	} cases[] = {{5, 1019, 0, 0}, {5, 1020, 1, 1}, {5, 9000, 1, 2}, {5, 1035, 1, 1},
		     {6, 9000, 1, 2}, {7, 9000, 0, 0}, {6, 1019, 0, 0}};
	const struct sn_table_options options = {.bytes = 1 << 16, .entries = 64, .exited_keep_ms = 1000};
	struct sn_connections *connections = sn_connections__new();
	struct sn_connection source;
	struct sn_table *table;

	CHECK(connections && sn_table__new(&options, &table) == 0);
	for (uint32_t pid = 4; pid < 8; pid++) {
		struct identity who = {pid, pid == 4 ? 4 : start_of(pid)},
				creator = {pid == 4 ? 1 : 4, pid == 4 ? 1 : 4};
		struct sn_fork fork = make_fork(who, creator, 1001);

		sn_table__apply(table, &fork.h);
	}
	for (uint16_t i = 0; i < 5; i++) { /* in turn to outside and to loopback: ports 1 and 2 are outside */
		struct sn_connect record = {
			.h = make_header(SN_CONNECT, sizeof(record), (struct identity){5, 1000}, 1010 + 10 * i),
			.family = 2,
			.dport = (uint16_t)(i % 2 ? 1 + i / 2 : 80 + i),
			.daddr = {i % 2 ? 192 : 127}};

		sn_connections__see(connections, table, &record);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CHECK(sn_connections__source(connections, table, cases[i].pid, start_of(cases[i].pid), cases[i].time,
					     &source) == cases[i].result);
		CHECK(!cases[i].result || source.dport == cases[i].port);
	}
	sn_connections__free(connections);
	sn_table__free(table);
}

int main(void)
{
	const struct sn_table_options options = {.bytes = 1 << 16, .entries = 64, .exited_keep_ms = 1000};
	struct sn_connections *connections = sn_connections__new();
	struct sn_table *table;
	uint64_t random = 3;

	test_source();
	CHECK(connections && sn_table__new(&options, &table) == 0);
	for (uint32_t i = 0; i < ATTEMPTS; i++) {
		/* the first process repeats itself for long, so its last attempt is newer than what came after its
		 * first */
		uint32_t n = random_below(&random, 4) ? 1 + random_below(&random, PROCESSES - 1) : 0;

		attempts[i] = (struct attempt){10 + i, n, (uint16_t)(n ? random_below(&random, PORTS) : i / 5000)};
		see(connections, table, &attempts[i]);
		if (i % 1000 == 999)
			for (uint32_t k = 0; k < PROCESSES; k++)
				check_process(connections, k, i + 1);
	}
	CHECK(sn_connections__forgotten(connections));
	sn_connections__free(connections);
	sn_table__free(table);
	return 0;
}
