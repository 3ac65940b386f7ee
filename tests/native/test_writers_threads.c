// sources: writers.c writer_programs.c writer_past.c connections.c wait.c bytes.c
// sources: process_table.c process_slots.c blob_store.c exec_blob.c clock.c
// sanitize: thread
/* The match thread writes, others ask: what they get is whole, and they are woken when the table has come far enough.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "records.h"
#include "writers.h"

enum { ROUNDS = 20000, INODES = 16, READERS = 2, PATIENCE_MS = 60000 };

static struct sn_writers *writers;
static struct sn_connections *connections;
static _Atomic uint32_t asked;

static void ask(void *source)
{
	(void)source;
	atomic_fetch_add(&asked, 1);
}

/* Every member of an answer is made of its ctime. */
static void *read_all(void *arg)
{
	struct sn_connection connection[4];
	struct sn_file_writer out;
	uint64_t found = 0;

	(void)arg;
	for (uint64_t time = INODES; time < ROUNDS; time += 100) {
		struct sn_writer_query query = {.inode = time % INODES, .time = time, .dev = 1};
		int rc = sn_writers__find(writers, &query, PATIENCE_MS, &out);

		CHECK(rc != 0);
		if (rc == 1) {
			CHECK(out.pid == out.uid && out.start == out.uid + 1000u && out.time >= out.uid);
			found++;
		}
		for (uint32_t i = sn_connections__of(connections, 7, 7, 0, UINT64_MAX, connection, 4); i-- > 0;)
			CHECK(connection[i].dport == (uint16_t)connection[i].time && connection[i].pid == 7);
	}
	CHECK(found > 0);
	return NULL;
}

int main(void)
{
	const struct sn_table_options options = {.bytes = 1 << 16, .entries = 16};
	struct sn_table *table;
	pthread_t reader[READERS];
	union {
		struct sn_file file;
		uint8_t bytes[sizeof(struct sn_file) + 8];
	} record;

	CHECK(sn_table__new(&options, &table) == 0);
	writers = sn_writers__new();
	connections = sn_connections__new();
	sn_writers__set_source(writers, ask, NULL);
	for (int i = 0; i < READERS; i++)
		CHECK(pthread_create(&reader[i], NULL, read_all, NULL) == 0);
	for (uint64_t time = 1; time <= ROUNDS; time++) {
		struct identity who = {(uint32_t)time, time + 1000};
		struct sn_connect connect = {
			.h = make_header(SN_CONNECT, sizeof(connect), (struct identity){7, 7}, time),
			.family = 2,
			.dport = (uint16_t)time};

		record.file = (struct sn_file){.h = make_header(SN_FILE, sizeof(record), who, time),
					       .inode = time % INODES,
					       .ctime = time,
					       .dev = 1,
					       .uid = (uint32_t)time,
					       .path = {sizeof(struct sn_file), 2}};
		record.file.h.flags = SN_F_WRITTEN;
		sn_writers__see(writers, table, connections, &record.file);
		sn_connections__see(connections, table, &connect);
		sn_writers__settle(writers, time);
	}
	for (int i = 0; i < READERS; i++)
		pthread_join(reader[i], NULL);
	sn_writers__free(writers);
	sn_connections__free(connections);
	sn_table__free(table);
	return 0;
}
