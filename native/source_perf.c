/* SPDX-License-Identifier: Apache-2.0
 *
 * What is mapped executable, from perf's side-band records: one event a CPU that counts nothing and tells of mappings.
 * Each mapping that some system call or exec makes costs the kernel a record here, 7 of them an exec of a small
 * program; the capture thread reads them at each of its looks. Linux.
 *
 *   page 0 (rw)                       data (ro; head grows in the kernel, tail here)
 *   +------------------------+        +--------+--------+--------+--------
 *   | .. data_head data_tail |        | header, body, time | ..
 *   +------------------------+        +--------+--------+--------+--------
 *
 * The layout is the kernel's user interface (include/uapi/linux/perf_event.h). Nobody is woken: when the capture thread
 * sleeps, what is mapped waits until its next look; while our ring is full, records stay in the kernel's.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "count.h"
#include "file_events.h"
#include "folders.h"
#include "sources_linux.h"

enum {
	DATA_BYTES = 128 << 10, /* of each CPU: 150 ms at 2,000 execs a second on it */
	CPUS_MAX = 1024,
	BEGUN = 1024, /* processes whose last exec is remembered until what it maps has been read */
};
#define NONE UINT64_MAX

struct cpu {
	int fd;
	struct perf_event_mmap_page *page;
	const uint8_t *data;
	/* during a look */
	uint64_t tail, head;
	uint64_t next; /* time of the record at tail; NONE: all have been taken */
};

/* The kernel's records, which have no types of their own in its header. */
struct mapped {
	struct perf_event_header h;
	uint32_t pid, tid;
	uint64_t address, length, offset;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t protection, flags;
	char path[];
};

struct named {
	struct perf_event_header h;
	uint32_t pid, tid;
};

struct missed {
	struct perf_event_header h;
	uint64_t id, count;
};

struct counters {
	_Atomic uint64_t events, filtered, recorded, dropped, lost;
};

struct sn_loads {
	struct sn_file_events *out;
	struct sn_capture *capture;
	uint32_t cpus;
	size_t page;
	struct counters count;
	struct {
		uint64_t time;
		uint32_t pid;
	} begun[BEGUN]; /* an exec */
	struct sn_folders trees;
	struct {
		struct sn_load load;
		char path[SN_PATH_MAX + 8];
	} record;
	_Alignas(8) uint8_t wrapped[1 << 16]; /* a record that goes on at the data's begin */
	struct cpu cpu[];
};

/* ---- records ---- */

/* Without path: some are not known. Returns whether there was room. */
static int push(struct sn_loads *loads, uint32_t path_len)
{
	struct sn_load *load = &loads->record.load;
	size_t size = (sizeof(*load) + path_len + 7) & ~(size_t)7;

	memset(loads->record.path + path_len, 0, size - sizeof(*load) - path_len);
	load->path = (struct sn_span){path_len ? sizeof(*load) : 0, path_len};
	load->h.size = (uint32_t)size;
	load->h.type = SN_LOAD;
	load->h.cpu = SN_CPU_NONE;
	load->uid = UINT32_MAX;
	return sn_ring__push(loads->out->loads, load, size) == 0;
}
_Static_assert(sizeof(struct sn_load) % 8 == 0, "the path follows at once");

static int ends_in(struct sn_bytes text, const char *end)
{
	size_t n = strlen(end);

	return text.len >= n && memcmp(text.at + text.len - n, end, n) == 0;
}

/* What the kernel says where it could make no path; it then leaves out the inode, too. */
static int is_nameless(struct sn_bytes path)
{
	return (path.len == 9 && ends_in(path, "//toolong")) || (path.len == 8 && ends_in(path, "//enomem"));
}

/* The time stands at the end of every record. */
static uint64_t time_of(const struct perf_event_header *h)
{
	uint64_t time;

	memcpy(&time, (const uint8_t *)h + h->size - sizeof(time), sizeof(time));
	return time;
}

static uint64_t exec_of(const struct sn_loads *loads, uint32_t pid)
{
	return loads->begun[pid % BEGUN].pid == pid ? loads->begun[pid % BEGUN].time : 0;
}

static void take_mapped(struct sn_loads *loads, const struct mapped *m)
{
	static const char deleted[] = " (deleted)", memory[] = "/memfd:";
	const char *end = (const char *)m + m->h.size - sizeof(uint64_t);
	struct sn_bytes path = {(const uint8_t *)m->path, (uint32_t)strnlen(m->path, (size_t)(end - m->path))};
	uint32_t dev = m->major << 20 | m->minor, flags = 0;

	sn_count_atomic(&loads->count.events, 1);
	if (is_nameless(path))
		path.len = 0;
	/* without inode: memory that is no file's */
	else if (!m->inode || !path.len || *path.at != '/' || path.len > SN_PATH_MAX ||
		 (sn_folders__hold(&loads->trees, path) && !sn_writers__knows(loads->out->writers, dev, m->inode))) {
		sn_count_atomic(&loads->count.filtered, 1);
		return;
	}
	if (ends_in(path, deleted)) {
		flags |= SN_F_DELETED;
		path.len -= (uint32_t)strlen(deleted);
	}
	if (path.len > strlen(memory) && memcmp(path.at, memory, strlen(memory)) == 0) {
		flags = SN_F_MEMFD;
		path.at++;
		path.len--;
	}
	loads->record.load = (struct sn_load){.h.time = time_of(&m->h),
					      .h.pid = m->pid,
					      .h.flags = flags,
					      .inode = m->inode,
					      .execing = exec_of(loads, m->pid),
					      .dev = dev};
	memcpy(loads->record.path, path.at, path.len);
	sn_count_atomic(push(loads, path.len) ? &loads->count.recorded : &loads->count.dropped, 1);
}

static void take(struct sn_loads *loads, const struct perf_event_header *h)
{
	switch (h->type) {
	case PERF_RECORD_MMAP2:
		take_mapped(loads, (const struct mapped *)(const void *)h);
		break;
	case PERF_RECORD_COMM:
		if (h->misc & PERF_RECORD_MISC_COMM_EXEC) {
			uint32_t pid = ((const struct named *)(const void *)h)->pid;

			loads->begun[pid % BEGUN].pid = pid;
			loads->begun[pid % BEGUN].time = time_of(h);
		}
		break;
	case PERF_RECORD_LOST:
		sn_count_atomic(&loads->count.lost, ((const struct missed *)(const void *)h)->count);
		loads->record.load = (struct sn_load){.h.time = time_of(h)};
		push(loads, 0);
		break;
	default: /* that a process began or ended */
		break;
	}
}

/* ---- a look: records of all CPUs in the order of time, since a process moves from one to another ---- */

static const struct perf_event_header *header_at(const struct cpu *cpu, uint64_t position)
{
	return (const void *)(cpu->data + (position & (DATA_BYTES - 1))); /* records are 8-aligned, so it is whole */
}

static void find_next(struct cpu *cpu)
{
	const struct perf_event_header *h = header_at(cpu, cpu->tail);

	cpu->next = NONE;
	if (cpu->tail != cpu->head)
		memcpy(&cpu->next, header_at(cpu, cpu->tail + h->size - sizeof(cpu->next)), sizeof(cpu->next));
}

static void begin_look(struct cpu *cpu)
{
	cpu->tail = cpu->page->data_tail; /* nobody else writes it */
	cpu->head = atomic_load_explicit((_Atomic uint64_t *)(void *)&cpu->page->data_head, memory_order_acquire);
	find_next(cpu);
}

static void take_next(struct sn_loads *loads, struct cpu *cpu)
{
	const struct perf_event_header *h = header_at(cpu, cpu->tail);
	size_t first = DATA_BYTES - (cpu->tail & (DATA_BYTES - 1)), size = h->size;

	if (size > first) {
		memcpy(loads->wrapped, h, first);
		memcpy(loads->wrapped + first, cpu->data, size - first);
		h = (const void *)loads->wrapped;
	}
	take(loads, h);
	cpu->tail += size;
	find_next(cpu);
}

/* Of the records' clock. */
static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The CPU whose next record is the first of all; `rival`: the time of the first of the others. */
static struct cpu *first_of(struct sn_loads *loads, uint64_t *rival)
{
	struct cpu *first = &loads->cpu[0];

	*rival = NONE;
	for (uint32_t i = 1; i < loads->cpus; i++) {
		struct cpu *cpu = &loads->cpu[i];
		uint64_t later = cpu->next < first->next ? first->next : cpu->next;

		if (later < *rival)
			*rival = later;
		if (cpu->next < first->next)
			first = cpu;
	}
	return first;
}

/* On the capture thread, at each look: what there is room for, with `force` everything; in the kernel there is more
 * room than in our ring. Returns whether there is more.
 *
 * What comes during the look waits for the next one. So all that has been taken is earlier than what any process does
 * after a mapping that was not seen yet, and the match thread, which stops at the first that is too late, misses none.
 */
static int take_all(void *source, int force)
{
	struct sn_loads *loads = source;
	uint64_t until = force ? NONE - 1 : now_ns(), rival;
	struct cpu *cpu;
	int full = 0;

	for (uint32_t i = 0; i < loads->cpus; i++)
		if (loads->cpu[i].page)
			begin_look(&loads->cpu[i]);
	while (!full && (cpu = first_of(loads, &rival))->next <= until) {
		while (!full && cpu->next <= until && cpu->next <= rival) {
			full = !force && sn_ring__must_wait(loads->out->loads, sizeof(loads->record));
			if (!full)
				take_next(loads, cpu);
		}
	}
	for (uint32_t i = 0; i < loads->cpus; i++)
		if (loads->cpu[i].page)
			atomic_store_explicit((_Atomic uint64_t *)(void *)&loads->cpu[i].page->data_tail,
					      loads->cpu[i].tail, memory_order_release);
	sn_ring__publish(loads->out->loads);
	return full;
}

/* ---- open, close ---- */

static int open_cpu(struct sn_loads *loads, uint32_t number)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TIME,
		.mmap = 1,
		.mmap2 = 1,
		.comm = 1,
		.comm_exec = 1,
		.sample_id_all = 1,
		.watermark = 1, /* so far behind nobody is: no wake-ups */
		.wakeup_watermark = DATA_BYTES,
		.use_clockid = 1,
		.clockid = CLOCK_BOOTTIME,
	};
	struct cpu *cpu = &loads->cpu[number];
	void *memory;

	cpu->next = NONE; /* one that is off stays so */
	cpu->fd = (int)syscall(SYS_perf_event_open, &attr, -1, (int)number, -1, PERF_FLAG_FD_CLOEXEC);
	if (cpu->fd < 0)
		return errno == ENODEV ? 0 : -errno; /* the CPU is off */
	memory = mmap(NULL, loads->page + DATA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	cpu->page = memory;
	cpu->data = (const uint8_t *)memory + loads->page;
	return 0;
}

int sn_loads__open(struct sn_engine *engine, struct sn_capture *capture, struct sn_loads **out)
{
	int64_t cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct sn_loads *loads;
	int rc = 0;

	if (cpus < 1 || cpus > CPUS_MAX)
		return -EINVAL;
	loads = calloc(1, sizeof(*loads) + (size_t)cpus * sizeof(struct cpu));
	if (!loads)
		return -ENOMEM;
	loads->out = sn_engine__file_events(engine);
	loads->capture = capture;
	loads->page = (size_t)sysconf(_SC_PAGESIZE);
	for (; loads->cpus < (uint32_t)cpus && !rc; loads->cpus++)
		rc = open_cpu(loads, loads->cpus);
	if (rc) {
		sn_loads__close(loads);
		return rc;
	}
	sn_capture__take_too(capture, take_all, loads);
	*out = loads;
	return 0;
}

void sn_loads__close(struct sn_loads *loads)
{
	sn_capture__take_too(loads->capture, NULL, NULL);
	for (uint32_t i = 0; i < loads->cpus; i++) {
		if (loads->cpu[i].page)
			munmap(loads->cpu[i].page, loads->page + DATA_BYTES);
		if (loads->cpu[i].fd >= 0)
			close(loads->cpu[i].fd);
	}
	free(loads);
}

int sn_loads__tree(struct sn_loads *loads, const char *path)
{
	return sn_folders__add(&loads->trees, path);
}

void sn_loads__look(struct sn_loads *loads)
{
	take_all(loads, 0);
}

void sn_loads__stats(const struct sn_loads *loads, struct sn_loads_stats *out)
{
	const struct counters *count = &loads->count;

	*out = (struct sn_loads_stats){count->events, count->filtered, count->recorded, count->dropped, count->lost};
}
