// sources: writers.c writer_programs.c writer_past.c connections.c wait.c bytes.c
// sources: process_table.c process_slots.c blob_store.c exec_blob.c clock.c
/* struct sn_writers against a twin that remembers every event: what it says is right, and what it has lost is unknown.
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "records.h"
#include "writers.h"

enum { PROCESSES = 40, INODES = 300, EVENTS = 20000, DEV = 7 };

static struct sn_table *table;
static struct sn_connections *connections;
static union {
	struct sn_exec exec;
	struct sn_file file;
	uint8_t bytes[4096];
} buffer;

static struct identity process(uint32_t n)
{
	return (struct identity){100 + n, 1000 + n};
}

static void make_processes(void)
{
	const struct sn_table_options options = {.bytes = 1 << 20, .entries = 1024, .exited_keep_ms = 1000};
	char text[64];

	CHECK(sn_table__new(&options, &table) == 0);
	connections = sn_connections__new();
	for (uint32_t n = 0; n < PROCESSES; n++) {
		struct sn_fork fork = make_fork(process(n), process(PROCESSES), 1100 + n);

		sn_table__apply(table, &fork.h);
		start_exec(&buffer.exec, SN_EXEC, process(n), 2000 + n);
		buffer.exec.image =
			add_bytes(&buffer.exec, text, (uint32_t)snprintf(text, sizeof(text), "/bin/w%u", n));
		buffer.exec.argv =
			add_bytes(&buffer.exec, text,
				  (uint32_t)snprintf(text, sizeof(text), "w%u%c-o%chttp://h/%u%c", n, 0, 0, n, 0));
		finish_exec(&buffer.exec);
		sn_table__apply(table, &buffer.exec.h);
	}
}

static struct sn_file *make_file(uint32_t n, uint64_t inode, uint32_t flags, uint64_t time, uint64_t ctime)
{
	buffer.file = (struct sn_file){.h = make_header(SN_FILE, sizeof(struct sn_file) + 8, process(n), time),
				       .since = time - 5,
				       .inode = inode,
				       .bytes = 1,
				       .mtime = ctime,
				       .ctime = ctime,
				       .dev = DEV,
				       .uid = n,
				       .path = {sizeof(struct sn_file), 2}};
	buffer.file.h.flags = flags;
	memcpy(buffer.bytes + sizeof(struct sn_file), "/x", 2);
	return &buffer.file;
}

static int find(struct sn_writers *writers, uint64_t inode, uint64_t changed, uint64_t time, struct sn_file_writer *out)
{
	const struct sn_writer_query query = {.inode = inode, .changed = changed, .time = time, .dev = DEV};

	return sn_writers__find(writers, &query, 0, out);
}

static int says(const char *text, uint32_t len, const char *wanted)
{
	return len == strlen(wanted) && memcmp(text, wanted, len) == 0;
}

struct step {
	uint32_t process, flags;
	uint64_t time, ctime;
};

/* Inode 1, step after step; then who is named for a file that runs at `time` with that ctime. */
static const struct {
	const char *what;
	struct step step[4]; /* ends with time 0 */
	uint64_t time, ctime;
	int result;
	uint32_t process;
} rows[] = {
	{"written", {{1, SN_F_WRITTEN, 10000, 50}}, 20000, 50, 1, 1},
	{"never", {{0}}, 20000, 50, 0, 0},
	{"written again", {{1, SN_F_WRITTEN, 10000, 50}, {2, SN_F_WRITTEN, 11000, 60}}, 20000, 60, 1, 2},
	{"mode changed later", {{1, SN_F_WRITTEN, 10000, 50}, {2, SN_F_CHANGED, 11000, 60}}, 20000, 60, 1, 1},
	{"ran before its mode changed", {{1, SN_F_WRITTEN, 10000, 50}, {2, SN_F_CHANGED, 11000, 60}}, 10500, 50, 1, 1},
	{"only its mode changed", {{2, SN_F_CHANGED, 11000, 60}}, 20000, 60, 1, 2},
	{"moved, then written", {{2, SN_F_MOVED, 11000, 60}, {1, SN_F_WRITTEN, 12000, 70}}, 20000, 70, 1, 1},
	{"changed since, not seen", {{1, SN_F_WRITTEN, 10000, 50}}, 20000, 51, -ENODATA, 0},
	{"an older file of that inode", {{1, SN_F_WRITTEN, 10000, 50}}, 20000, 49, -ENODATA, 0},
	{"written after it ran", {{1, SN_F_WRITTEN, 10000, 50}}, 9000, 50, -ENODATA, 0},
	{"ctime not known", {{1, SN_F_WRITTEN, 10000, 50}}, 20000, 0, 1, 1},
	{"lost before it", {{3, 0, 9000, 0}, {1, SN_F_WRITTEN, 10000, 50}}, 20000, 50, 1, 1},
	{"lost after it", {{1, SN_F_WRITTEN, 10000, 50}, {3, 0, 11000, 0}}, 20000, 50, 1, 1},
	{"changed in a loss", {{1, SN_F_WRITTEN, 10000, 50}, {3, 0, 11000, 0}}, 20000, 95, -ENODATA, 0},
	{"nobody, but in a loss", {{3, 0, 9000, 0}}, 20000, 95, -ENODATA, 0},
	{"nobody, and before the loss", {{3, 0, 9000, 0}}, 20000, 89, 0, 0},
	{"nobody, and after the loss", {{3, 0, 9000, 0}}, 20000, 101, 0, 0},
	{"written in a loss, mode changed", {{3, 0, 9000, 0}, {2, SN_F_CHANGED, 9500, 96}}, 20000, 96, -ENODATA, 0},
	{"and written at last",
	 {{3, 0, 9000, 0}, {2, SN_F_CHANGED, 9500, 96}, {1, SN_F_WRITTEN, 9600, 97}},
	 20000,
	 97,
	 1,
	 1},
};

static void take(struct sn_writers *writers, const struct step *step)
{
	struct sn_file *file = make_file(step->process, 1, step->flags, step->time, step->ctime);

	if (!step->flags) { /* a loss from 90 to 100 */
		file->path.len = 0;
		file->ctime = 90;
		file->mtime = 100;
	}
	sn_writers__see(writers, table, connections, file);
}

static void test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sn_writers *writers = sn_writers__new();
		struct sn_file_writer out = {.pid = 0};
		char image[16], url[16];
		int rc;

		for (const struct step *step = rows[i].step; step < rows[i].step + 4 && step->time; step++)
			take(writers, step);
		rc = find(writers, 1, rows[i].ctime, rows[i].time, &out);
		snprintf(image, sizeof(image), "/bin/w%u", rows[i].process);
		snprintf(url, sizeof(url), "http://h/%u", rows[i].process);
		if (rc != rows[i].result || (rc == 1 && out.uid != rows[i].process))
			fprintf(stderr, "%s: %d, uid %u\n", rows[i].what, rc, out.uid);
		CHECK(rc == rows[i].result);
		CHECK(rc != 1 || (out.pid == process(rows[i].process).pid && out.uid == rows[i].process &&
				  says(out.image, out.image_len, image) && says(out.url, out.url_len, url)));
		sn_writers__free(writers);
	}
}

/* Which program, when the process became another one. */
static void test_programs(void)
{
	struct sn_writers *writers = sn_writers__new();
	struct sn_file_writer out;
	uint64_t time;

	for (uint32_t unsure = 0; unsure < 2; unsure++) {
		time = 30000 + 1000 * unsure;
		start_exec(&buffer.exec, SN_EXEC, process(5), time);
		buffer.exec.image = add_bytes(&buffer.exec, "/bin/next", 9);
		finish_exec(&buffer.exec);
		sn_writers__exec(writers, table, &buffer.exec);
		sn_table__apply(table, &buffer.exec.h);
		sn_writers__see(writers, table, connections,
				make_file(5, 2, SN_F_WRITTEN | SN_F_UNSURE, time + (unsure ? 10 : -10), 50));
		CHECK(find(writers, 2, 50, time + 500, &out) == 1 && out.pid == process(5).pid);
		/* the time in question lies before the exec: the program before; across it: none */
		CHECK(unsure ? !out.image_len : says(out.image, out.image_len, "/bin/w5"));
	}
	sn_writers__free(writers);
}

struct memory {
	uint64_t ctime;
	uint32_t writer;
	int any, content;
};

static void test_twin(uint64_t seed)
{
	static struct memory memory[INODES];
	struct sn_writers *writers = sn_writers__new();
	struct sn_writers_stats stats;
	struct sn_file_writer out;
	uint64_t state = seed, time = 10000;
	uint32_t named = 0;

	memset(memory, 0, sizeof(memory));
	for (uint32_t i = 0; i < EVENTS; i++) {
		uint32_t inode = random_below(&state, INODES), who = random_below(&state, 5), flags;
		struct memory *m = &memory[inode];

		flags = random_below(&state, 2) ? SN_F_WRITTEN : SN_F_CHANGED;
		time += 10;
		sn_writers__see(writers, table, connections, make_file(who, inode + 1, flags, time, time));
		if (flags == SN_F_WRITTEN || !m->content)
			m->writer = who;
		m->content |= flags == SN_F_WRITTEN;
		m->any = 1;
		m->ctime = time;
		m = &memory[random_below(&state, INODES)];
		if (find(writers, (uint64_t)(m - memory) + 1, m->ctime, time + 100, &out) == 1) {
			CHECK(m->any && out.uid == m->writer);
			CHECK(((out.how & SN_F_WRITTEN) != 0) == m->content);
			named++;
		} else {
			CHECK(!m->any);
		}
	}
	sn_writers__stats(writers, &stats);
	CHECK(stats.seen == EVENTS && !stats.forgotten && named > EVENTS / 2);
	sn_writers__free(writers);
}

/* More files than there is room for: none is named wrongly, the latest is always there. */
/* A process makes a file at 12000, starts a child that runs a program from `exec` (0: none) to `exit`, and closes the
 * file at 14000: who wrote it. */
static const struct {
	const char *what;
	uint32_t creator, exit_flags;
	uint64_t exec, exit;
	int is_child;
} children[] = {
	{"wrote in between", 1, 0, 12500, 13500, 1},	 {"wrote nothing", 1, SN_F_WROTE_NOTHING, 12500, 13500, 0},
	{"ran a program before", 1, 0, 11000, 13500, 0}, {"ended later", 1, 0, 12500, 14500, 0},
	{"ran no program", 1, 0, 0, 13500, 0},		 {"of another process", 2, 0, 12500, 13500, 0},
};

static void test_children(void)
{
	for (uint32_t i = 0; i < sizeof(children) / sizeof(*children); i++) {
		const struct identity child = {500 + i, 11000 + i};
		struct sn_writers *writers = sn_writers__new();
		struct sn_fork fork = make_fork(child, process(children[i].creator), 11000);
		struct sn_exit exit = {.h = make_header(SN_EXIT, sizeof(exit), child, children[i].exit)};
		struct sn_file_writer out;

		exit.h.flags = children[i].exit_flags;
		sn_table__apply(table, &fork.h);
		if (children[i].exec) {
			start_exec(&buffer.exec, SN_EXEC, child, children[i].exec);
			finish_exec(&buffer.exec);
			sn_table__apply(table, &buffer.exec.h);
		}
		sn_writers__see(writers, table, connections, make_file(1, 1, SN_F_CREATED, 12000, 50));
		sn_writers__exit(writers, table, &exit);
		sn_table__apply(table, &exit.h);
		sn_writers__see(writers, table, connections, make_file(1, 1, SN_F_WRITTEN, 14000, 60));
		CHECK(find(writers, 1, 60, 20000, &out) == 1);
		if ((out.pid == child.pid) != children[i].is_child)
			printf("%s: pid %u\n", children[i].what, out.pid);
		CHECK(out.pid == (children[i].is_child ? child.pid : process(1).pid));
		sn_writers__see(writers, table, connections, make_file(1, 1, SN_F_WRITTEN, 15000, 70));
		CHECK(find(writers, 1, 70, 20000, &out) == 1 && out.pid == process(1).pid); /* it was there already */
		sn_writers__free(writers);
	}
}

static void test_room(void)
{
	struct sn_writers *writers = sn_writers__new();
	struct sn_writers_stats stats;
	struct sn_file_writer out;
	uint32_t kept = 0;

	for (uint64_t i = 1; i <= 50000; i++) {
		sn_writers__see(writers, table, connections,
				make_file((uint32_t)(i % 5), i, SN_F_WRITTEN, 10000 + i, i));
		CHECK(find(writers, i, i, 90000, &out) == 1 && out.uid == i % 5);
	}
	for (uint64_t i = 1; i <= 50000; i++) {
		int rc = find(writers, i, i, 90000, &out);

		CHECK(rc == 0 || (rc == 1 && out.uid == i % 5));
		kept += rc == 1;
	}
	sn_writers__stats(writers, &stats);
	CHECK(stats.forgotten + kept == 50000 && kept > 4000);
	sn_writers__free(writers);
}

static void ask(void *source)
{
	++*(uint32_t *)source;
}

static void test_late(void)
{
	struct sn_writers *writers = sn_writers__new();
	struct sn_file_writer out;
	uint32_t asked = 0;

	sn_writers__set_source(writers, ask, &asked);
	CHECK(find(writers, 1, 50, 20000, &out) == -EAGAIN && asked == 1);
	sn_writers__settle(writers, 19999);
	CHECK(find(writers, 1, 50, 20000, &out) == -EAGAIN && asked == 2);
	sn_writers__settle(writers, 20000);
	CHECK(find(writers, 1, 50, 20000, &out) == 0 && asked == 2);
	CHECK(sn_writers__alias(writers, 99, DEV) == 0);
	sn_writers__see(writers, table, connections, make_file(1, 1, SN_F_WRITTEN, 10000, 50));
	CHECK(sn_writers__find(writers, &(struct sn_writer_query){.inode = 1, .time = 20000, .dev = 99}, 0, &out) == 1);
	sn_writers__free(writers);
}

/* A pid that two processes had, from 100 and from 500 on: who had it between two times. */
static void test_tenants(void)
{
	static const struct {
		uint64_t from, until;
		int result;
		uint64_t start;
	} cases[] = {
		{10, 99, -ENOENT, 0}, {10, 100, 1, 100},   {100, 499, 1, 100},	   {200, 500, -EEXIST, 0},
		{500, 600, 1, 500},   {501, 9000, 1, 500}, {10, 9000, -EEXIST, 0}, {99, 499, 1, 100},
	};
	const struct sn_table_options options = {.bytes = 1 << 16, .entries = 16, .exited_keep_ms = 1000};
	const struct sn_process *found;
	struct sn_table *own;
	struct sn_who who;

	CHECK(sn_table__new(&options, &own) == 0);
	for (uint64_t start = 100; start <= 500; start += 400) {
		struct sn_fork fork = make_fork((struct identity){5, start}, (struct identity){1, 1}, start);

		sn_table__apply(own, &fork.h);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CHECK(sn_table__tenant(own, 5, cases[i].from, cases[i].until, &found) == cases[i].result);
		if (cases[i].result != 1)
			continue;
		sn_table__who(found, &who);
		CHECK(who.pid == 5 && who.start == cases[i].start);
	}
	CHECK(sn_table__tenant(own, 6, 10, 9000, &found) == -ENOENT);
	sn_table__free(own);
}

int main(void)
{
	test_tenants();
	make_processes();
	test_rows();
	test_programs();
	for (uint64_t seed = 1; seed <= 3; seed++)
		test_twin(seed);
	test_children();
	test_room();
	test_late();
	sn_connections__free(connections);
	sn_table__free(table);
	return 0;
}
