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

/* The fifth asks; what forks whom is its pipe, or is not. */
static const struct {
	uint32_t pid, creator;
	uint64_t start;
	int execs; /* before it forks others */
} family[] = {
	{4, 1, 4, 0},	       {5, 4, 1000, 0},
	{6, 4, 1000, 0},       {7, 4, 3000000000, 0}, /* too late to be of the same pipe */
	{8, 4, 1000, 0}, /* a subshell: whatever it starts has its end of the pipe, whenever */
	{9, 8, 5000000000, 0}, {10, 9, 5000000000, 0},
	{11, 4, 1000, 1}, /* a program: what that starts is on its own word */
	{12, 11, 1000, 0},
};
enum { FAMILY = sizeof(family) / sizeof(*family) };

static struct identity of_family(uint32_t pid)
{
	for (size_t i = 0; i < FAMILY; i++)
		if (family[i].pid == pid)
			return (struct identity){pid, family[i].start};
	return (struct identity){pid, pid};
}

static void make_family(struct sn_table *table)
{
	static union {
		struct sn_exec exec;
		uint8_t bytes[1024];
	} buffer;

	for (size_t i = 0; i < FAMILY; i++) {
		struct identity who = of_family(family[i].pid);
		struct sn_fork fork = make_fork(who, of_family(family[i].creator), 1001 + i);

		sn_table__apply(table, &fork.h);
		if (!family[i].execs)
			continue;
		start_exec(&buffer.exec, SN_EXEC, who, 1005);
		finish_exec(&buffer.exec);
		sn_table__apply(table, &buffer.exec.h);
	}
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
	} cases[] = {{5, 1019, 0, 0}, {5, 1020, 1, 1},	{5, 9000, 1, 2}, {5, 1035, 1, 1},
		     {6, 9000, 1, 2}, {7, 9000, 0, 0},	{6, 1019, 0, 0}, {9, 9000, 1, 2},
		     {9, 1019, 0, 0}, {10, 9000, 1, 2}, {12, 9000, 0, 0}};
	const struct sn_table_options options = {.bytes = 1 << 16, .entries = 64, .exited_keep_ms = 1000};
	struct sn_connections *connections = sn_connections__new();
	struct sn_connection source;
	struct sn_table *table;

	CHECK(connections && sn_table__new(&options, &table) == 0);
	make_family(table);
	for (uint16_t i = 0; i < 5; i++) { /* in turn to outside and to loopback: ports 1 and 2 are outside */
		struct sn_connect record = {.h = make_header(SN_CONNECT, sizeof(record), of_family(5), 1010 + 10 * i),
					    .family = 2,
					    .dport = (uint16_t)(i % 2 ? 1 + i / 2 : 80 + i),
					    .daddr = {i % 2 ? 192 : 127}};

		sn_connections__see(connections, table, &record);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct identity who = of_family(cases[i].pid);

		CHECK(sn_connections__source(connections, table, who.pid, who.start, cases[i].time, &source) ==
		      cases[i].result);
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
