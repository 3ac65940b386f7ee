// sources: source_bpf.c ring.c wait.c
// sanitize: thread
/* The capture thread on a real BPF ring buffer, filled by a small program that follows the probes' side of struct
 * sn_control. Needs the right to load it: root. */
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "file_events.h"
#include "ring.h"
#include "sources_linux.h"

enum { RING = 256 << 10, VALUE = 256 << 10, BODY = 64, SIZE_MASK = 0x1ffff, NAPS = 23, RECORDS = 60000, WAITING = 500 };

/* Stands for the engine, of which a source knows only the ring and whom to tell how far it has come. */
struct sn_engine {
	struct sn_ring *ring;
	struct sn_file_events files;
};

struct sn_ring *sn_engine__ring(struct sn_engine *engine);

struct sn_ring *sn_engine__ring(struct sn_engine *engine)
{
	return engine->ring;
}

struct sn_file_events *sn_engine__file_events(struct sn_engine *engine)
{
	return &engine->files;
}

/* ---- the kernel side ---- */

static int ring_fd, control_fd, program_fd;

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static void skip(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(EXIT_SKIPPED);
}

static int map_create(uint32_t type, uint32_t key, uint32_t value, uint32_t entries, uint32_t flags)
{
	union bpf_attr attr = {
		.map_type = type, .key_size = key, .value_size = value, .max_entries = entries, .map_flags = flags};

	return bpf(BPF_MAP_CREATE, &attr);
}

#define INSN(op, dst, src, offset, immediate)                                                                          \
	((struct bpf_insn){.code = (op), .dst_reg = (dst), .src_reg = (src), .off = (offset), .imm = (immediate)})
#define MOV(dst, src)	  INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define MOV_IMM(dst, imm) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define LOAD(dst, src, o) INSN(BPF_LDX | BPF_MEM | BPF_DW, dst, src, o, 0)
#define MAP(dst, kind, f) INSN(BPF_LD | BPF_IMM | BPF_DW, dst, kind, 0, f), INSN(0, 0, 0, 0, 0)
#define CALL(function)	  INSN(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define RETURN		  INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* f(number, size, discard): submits `size` bytes that begin with the number, or reserves and discards some. */
static int load_program(void)
{
	const struct bpf_insn insns[] = {
		LOAD(6, 1, 0),
		LOAD(7, 1, 8),
		LOAD(9, 1, 16),
		MAP(8, BPF_PSEUDO_MAP_VALUE, control_fd),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 8, 6, BODY, 0),
		INSN(BPF_ALU64 | BPF_AND | BPF_K, 7, 0, 0, SIZE_MASK),
		INSN(BPF_JMP | BPF_JNE | BPF_K, 9, 0, 12, 0),
		MOV_IMM(4, BPF_RB_NO_WAKEUP),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 0, 8, 0, 0),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2, 0),
		INSN(BPF_ST | BPF_MEM | BPF_W, 8, 0, 0, 0),
		MOV_IMM(4, BPF_RB_FORCE_WAKEUP),
		MAP(1, BPF_PSEUDO_MAP_FD, ring_fd),
		MOV(2, 8),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, BODY),
		MOV(3, 7),
		CALL(BPF_FUNC_ringbuf_output),
		RETURN,
		MAP(1, BPF_PSEUDO_MAP_FD, ring_fd),
		MOV_IMM(2, 520),
		MOV_IMM(3, 0),
		CALL(BPF_FUNC_ringbuf_reserve),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3, 0),
		MOV(1, 0),
		MOV_IMM(2, BPF_RB_NO_WAKEUP),
		CALL(BPF_FUNC_ringbuf_discard),
		MOV_IMM(0, 0),
		RETURN,
	};
	static char log[65536];
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
			       .insns = (uint64_t)(uintptr_t)insns,
			       .insn_cnt = sizeof(insns) / sizeof(*insns),
			       .license = (uint64_t)(uintptr_t) "GPL",
			       .log_buf = (uint64_t)(uintptr_t)log,
			       .log_size = sizeof(log),
			       .log_level = 1};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0 && errno != EPERM)
		fprintf(stderr, "%s\n", log);
	return fd;
}

/* 0, or the program's error: -EAGAIN when the kernel's ring is full. */
static int kernel_submit(uint64_t number, uint64_t size, uint64_t discard)
{
	uint64_t args[] = {number, size, discard};
	union bpf_attr attr = {.test = {.prog_fd = (uint32_t)program_fd,
					.ctx_in = (uint64_t)(uintptr_t)args,
					.ctx_size_in = sizeof(args)}};

	CHECK(bpf(BPF_PROG_TEST_RUN, &attr) == 0);
	return (int)attr.test.retval;
}

/* ---- the tests ---- */

static void *run(void *capture)
{
	CHECK(sn_capture__run(capture) == 0);
	return NULL;
}

static struct sn_capture *start(struct sn_engine *engine, uint64_t engine_ring, pthread_t *thread)
{
	struct sn_capture *capture;

	CHECK(sn_ring__new(engine_ring, &engine->ring) == 0);
	CHECK(sn_capture__open(ring_fd, RING, control_fd, engine, &capture) == 0);
	CHECK(pthread_create(thread, NULL, run, capture) == 0);
	return capture;
}

/* What is in the kernel's ring when the stop comes still arrives. */
static struct sn_capture_stats finish(struct sn_capture *capture, pthread_t thread)
{
	struct sn_capture_stats stats;

	sn_capture__stop(capture);
	CHECK(pthread_join(thread, NULL) == 0);
	sn_capture__stats(capture, &stats);
	sn_capture__close(capture);
	return stats;
}

/* Takes the records up to `count` off the ring, each with its number first. */
static void expect(struct sn_ring *ring, uint64_t count, const uint32_t *sizes)
{
	for (uint64_t i = 0; i < count;) {
		const uint64_t *record;
		size_t size;

		sn_ring__wait(ring, -1);
		while ((record = sn_ring__peek(ring, &size))) {
			CHECK(size == sizes[i] && *record == i);
			i++;
			sn_ring__advance(ring);
		}
		sn_ring__release(ring);
	}
}

static uint32_t sizes[RECORDS];

static void *expect_all(void *ring)
{
	expect(ring, RECORDS, sizes);
	return NULL;
}

static void test_flood(void)
{
	struct sn_engine engine;
	struct sn_capture_stats stats;
	struct sn_ring_stats ring;
	pthread_t capturing, consuming;
	struct sn_capture *capture;
	uint64_t random = 1;

	for (uint32_t i = 0; i < RECORDS; i++)
		sizes[i] = 8 + random_below(&random, random_below(&random, 1000) ? 400 : SN_RECORD_MAX - 7);
	sizes[100] = SN_RECORD_MAX;
	capture = start(&engine, 256 << 10, &capturing);
	CHECK(pthread_create(&consuming, NULL, expect_all, engine.ring) == 0);
	for (uint64_t i = 0; i < RECORDS; i++) {
		if (random_below(&random, 8) == 0)
			kernel_submit(0, 0, 1);
		while (kernel_submit(i, sizes[i], 0))
			sched_yield();
	}
	CHECK(pthread_join(consuming, NULL) == 0);
	stats = finish(capture, capturing);
	sn_ring__stats(engine.ring, &ring);
	CHECK(stats.records == RECORDS && stats.oversized == 0 && ring.dropped == 0);
	CHECK(stats.max_lag_bytes > 0 && stats.max_lag_bytes <= RING);
	sn_ring__free(engine.ring);
}

static void test_sleep_and_wake(void)
{
	static const uint32_t size = 16;
	struct sn_engine engine;
	struct sn_capture_stats stats;
	pthread_t thread;
	struct sn_capture *capture = start(&engine, 1 << 20, &thread);

	for (int nap = 0; nap < NAPS; nap++) {
		do { /* it goes to sleep by itself: no event comes until then */
			sched_yield();
			sn_capture__stats(capture, &stats);
		} while (stats.wakeups <= (uint64_t)nap);
		CHECK(kernel_submit(0, size, 0) == 0);
		expect(engine.ring, 1, &size);
	}
	stats = finish(capture, thread);
	CHECK(stats.records == NAPS && stats.wakeups >= NAPS);
	sn_ring__free(engine.ring);
}

/* WAITING records of 200 bytes, more than the engine's ring takes and less than the kernel's, behind one that is too
 * large for any. */
static struct sn_capture *start_and_fill(struct sn_engine *engine, pthread_t *thread)
{
	struct sn_capture *capture = start(engine, 4096, thread);

	CHECK(kernel_submit(0, SN_RECORD_MAX + 8, 0) == 0);
	for (uint64_t i = 0; i < WAITING; i++)
		while (kernel_submit(i, sizes[i], 0))
			sched_yield();
	return capture;
}

/* The engine's ring is emptied late, at last after the stop: nothing is lost. */
static void test_engine_late(void)
{
	struct sn_engine engine;
	struct sn_capture_stats stats;
	struct sn_ring_stats ring;
	pthread_t thread;
	struct sn_capture *capture = start_and_fill(&engine, &thread);

	sn_capture__stop(capture);
	expect(engine.ring, WAITING, sizes);
	stats = finish(capture, thread);
	sn_ring__stats(engine.ring, &ring);
	CHECK(stats.records == WAITING && stats.oversized == 1 && ring.dropped == 0);
	sn_ring__free(engine.ring);
}

/* Nobody empties it any more: the stop comes to its end, and what is lost is counted. */
static void test_engine_dead(void)
{
	struct sn_engine engine;
	struct sn_capture_stats stats;
	struct sn_ring_stats ring;
	pthread_t thread;
	struct sn_capture *capture = start_and_fill(&engine, &thread);
	uint64_t kept = 0;
	size_t size;

	stats = finish(capture, thread);
	for (; sn_ring__peek(engine.ring, &size); kept++)
		sn_ring__advance(engine.ring);
	sn_ring__stats(engine.ring, &ring);
	CHECK(stats.records == WAITING && stats.oversized == 1);
	CHECK(kept > 0 && kept + ring.dropped == WAITING && ring.dropped_bytes == 200 * ring.dropped);
	sn_ring__free(engine.ring);
}

static void test_open(void)
{
	struct sn_engine engine = {.ring = NULL};
	struct sn_capture *capture;

	CHECK(sn_capture__open(ring_fd, RING - 1, control_fd, &engine, &capture) == -EINVAL);
	CHECK(sn_capture__open(ring_fd, 0, control_fd, &engine, &capture) == -EINVAL);
	CHECK(sn_capture__open(ring_fd, RING * 2, control_fd, &engine, &capture) < 0);
	CHECK(sn_capture__open(-1, RING, control_fd, &engine, &capture) == -EBADF);
	CHECK(sn_capture__open(ring_fd, RING, program_fd, &engine, &capture) < 0);
	sn_capture__close(NULL);
}

int main(void)
{
	ring_fd = map_create(BPF_MAP_TYPE_RINGBUF, 0, 0, RING, 0);
	if (ring_fd < 0)
		skip("cannot make a BPF ring buffer");
	control_fd = map_create(BPF_MAP_TYPE_ARRAY, 4, VALUE, 1, BPF_F_MMAPABLE);
	CHECK(control_fd >= 0);
	program_fd = load_program();
	if (program_fd < 0)
		skip("cannot load a raw tracepoint program");
	test_open();
	test_sleep_and_wake();
	test_flood();
	for (uint32_t i = 0; i < WAITING; i++)
		sizes[i] = 200;
	test_engine_late();
	test_engine_dead();
	return 0;
}
