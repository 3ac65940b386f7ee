/* SPDX-License-Identifier: Apache-2.0
 *
 * The capture thread: from the kernel's BPF ring buffer into the engine's ring. It only copies and counts. While the
 * engine's ring is full the records stay in the kernel's, which is the larger one: what then finds no room there, the
 * probes count. Linux.
 *
 *   consumer page (rw)   producer page (ro)   data (ro), mapped twice, so that a record that wraps is contiguous
 *   +----------------+   +----------------+   +-------------------------+-------------------------+
 *   | position       |   | position       |   | len, page | record | .. |          again          |
 *   +----------------+   +----------------+   +-------------------------+-------------------------+
 *
 * The layout is the kernel's user interface (kernel/bpf/ringbuf.c, BPF_MAP_TYPE_RINGBUF); libbpf reads it the same way.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "count.h"
#include "engine.h"
#include "ring.h"
#include "sources_linux.h"

enum {
	BUSY = 1u << 31, /* BPF_RINGBUF_BUSY_BIT: reserved, not yet committed */
	DISCARDED = 1u << 30,
	FRAME = 8,		 /* BPF_RINGBUF_HDR_SZ */
	BATCH_BYTES = 256 << 10, /* then both positions are published */
	/* Each costs some 25 us, and the match thread is woken as often. */
	POLL_NS = 2000000,
	/* What follows the event that woke it, as an exec its fork, is seen sooner. Under load it is never woken. */
	SOON_NS = 250000,
	SOON_FOR_NS = 4000000,
	SOON_MAX = 400,	       /* in a second */
	IDLE_NS = 5 * POLL_NS, /* without an event, before it sleeps */
	/* A probe that looked at `asleep` just before it was set submits without a wake-up. It is done long before this
	 * has passed, unless the hypervisor took its CPU away: this bounds how late its record may be. */
	SLEEP_MS = 250,
	/* After the stop: when the match thread has taken nothing for so many polls, it is dead, and the rest is
	   dropped. */
	LAST_POLLS = 1000,
	SECOND_NS = 1000000000,
	PRIORITY = -10, /* at 0 the ring is lost against several busy producers of high priority */
};

struct counters {
	_Atomic uint64_t records, bytes, wakeups, polls, oversized, max_lag_bytes, priority_refused;
};

struct sn_capture {
	struct sn_ring *out;
	_Atomic uint64_t *consumer;
	const _Atomic uint64_t *producer;
	const uint8_t *data;
	struct sn_control *control;
	uint64_t ring_bytes;
	size_t page;
	int ring_fd;
	int wake_fd;
	_Atomic uint32_t stopping;
	_Atomic uint32_t nudged;
	uint64_t found_at; /* a look that found something */
	uint64_t woken_at;
	uint64_t second; /* in which `soon` looks came sooner */
	uint32_t soon;
	struct sn_file_events *files;	      /* of the engine: told how far the events of processes have come */
	int (*take)(void *source, int force); /* NULL: there is no other source */
	void *source;
	int left; /* the other source has more than there was room for */
	struct counters count;
};

/* ---- open, close ---- */

static int map(size_t size, int protection, int fd, size_t offset, void *out)
{
	void *memory = mmap(NULL, size, protection, MAP_SHARED, fd, (off_t)offset);

	if (memory == MAP_FAILED)
		return -errno;
	*(void **)out = memory;
	return 0;
}

static int map_all(struct sn_capture *capture, int control_fd)
{
	size_t page = capture->page;
	int rc = map(page, PROT_READ | PROT_WRITE, capture->ring_fd, 0, &capture->consumer);

	if (!rc)
		rc = map(page + 2 * capture->ring_bytes, PROT_READ, capture->ring_fd, page, &capture->producer);
	if (!rc)
		rc = map(page, PROT_READ | PROT_WRITE, control_fd, 0, &capture->control);
	if (!rc)
		capture->data = (const uint8_t *)capture->producer + page;
	return rc;
}

int sn_capture__open(int ring_fd, uint64_t ring_bytes, int control_fd, struct sn_engine *engine,
		     struct sn_capture **out)
{
	struct sn_capture *capture;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int rc;

	if (ring_bytes < page || (ring_bytes & (ring_bytes - 1)) || ring_bytes > INT32_MAX)
		return -EINVAL;
	capture = calloc(1, sizeof(*capture));
	if (!capture)
		return -ENOMEM;
	capture->out = sn_engine__ring(engine);
	capture->files = sn_engine__file_events(engine);
	capture->ring_bytes = ring_bytes;
	capture->page = page;
	capture->ring_fd = ring_fd;
	capture->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = capture->wake_fd < 0 ? -errno : map_all(capture, control_fd);
	if (rc) {
		sn_capture__close(capture);
		return rc;
	}
	*out = capture;
	return 0;
}

void sn_capture__close(struct sn_capture *capture)
{
	if (!capture)
		return;
	if (capture->consumer)
		munmap((void *)capture->consumer, capture->page);
	if (capture->producer)
		munmap((void *)(uintptr_t)capture->producer, capture->page + 2 * capture->ring_bytes);
	if (capture->control)
		munmap(capture->control, capture->page);
	if (capture->wake_fd >= 0)
		close(capture->wake_fd);
	free(capture);
}

/* ---- the loop ---- */

static int is_empty(const struct sn_capture *capture)
{
	return atomic_load_explicit(capture->consumer, memory_order_relaxed) ==
	       atomic_load_explicit(capture->producer, memory_order_acquire);
}

/* Everything before `end` that is committed and finds room (with `force` all; the engine's ring counts what it drops),
 * whole batches at a time. Returns whether there was anything. */
static int drain(struct sn_capture *capture, uint64_t end, int force)
{
	uint64_t at = atomic_load_explicit(capture->consumer, memory_order_relaxed), published = at, begin = at;
	uint64_t records = 0, oversized = 0;

	if (end - at > atomic_load_explicit(&capture->count.max_lag_bytes, memory_order_relaxed))
		atomic_store_explicit(&capture->count.max_lag_bytes, end - at, memory_order_relaxed);
	while (at < end) {
		const uint8_t *frame = capture->data + (at & (capture->ring_bytes - 1));
		uint32_t word =
			atomic_load_explicit((const _Atomic uint32_t *)(const void *)frame, memory_order_acquire);
		uint32_t size = word & ~(uint32_t)(BUSY | DISCARDED);

		if (word & BUSY)
			break;
		if (!(word & DISCARDED) && size > SN_RECORD_MAX)
			oversized++;
		else if (!(word & DISCARDED)) {
			if (!force && sn_ring__must_wait(capture->out, size))
				break;
			sn_ring__push(capture->out, frame + FRAME, size);
			records++;
		}
		at += FRAME + (((uint64_t)size + 7) & ~(uint64_t)7);
		if (at - published >= BATCH_BYTES) {
			atomic_store_explicit(capture->consumer, at, memory_order_release);
			sn_ring__publish(capture->out);
			published = at;
		}
	}
	if (at == begin)
		return 0;
	atomic_store_explicit(capture->consumer, at, memory_order_release);
	sn_ring__publish(capture->out);
	sn_count_atomic(&capture->count.records, records);
	sn_count_atomic(&capture->count.oversized, oversized);
	sn_count_atomic(&capture->count.bytes, at - begin);
	return 1;
}

/* How far the kernel's ring goes now. The other source is read behind that: what a process did before a record that is
 * taken next is known when the match thread comes to the record. */
static uint64_t end_of_ring(struct sn_capture *capture, int force)
{
	uint64_t end = atomic_load_explicit(capture->producer, memory_order_acquire);

	if (capture->take)
		capture->left = capture->take(capture->source, force);
	return end;
}

static void pause_ns(int64_t ns)
{
	nanosleep(&(struct timespec){0, ns}, NULL);
}

/* Asks to be woken, gives a probe that did not see it yet the time to finish, looks again, and blocks. */
static void sleep_until_event(struct sn_capture *capture)
{
	_Atomic uint32_t *asleep = (_Atomic uint32_t *)(void *)&capture->control->asleep;
	eventfd_t nudges;
	struct pollfd fds[] = {{capture->ring_fd, POLLIN, 0}, {capture->wake_fd, POLLIN, 0}};

	atomic_store(asleep, 1);
	pause_ns(SOON_NS);
	if (is_empty(capture) && !atomic_load(&capture->nudged) && poll(fds, 2, SLEEP_MS) > 0 && fds[1].revents)
		eventfd_read(capture->wake_fd, &nudges);
	atomic_store(asleep, 0);
	sn_count_atomic(&capture->count.wakeups, 1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* One look at the kernel's ring, and at the other source: whether there was anything. */
static int look(struct sn_capture *capture)
{
	uint32_t nudged = atomic_exchange(&capture->nudged, 0);
	uint64_t begin = now_ns(), end = end_of_ring(capture, 0);
	int found = drain(capture, end, 0);

	/* not when a record before `end` is still being written, or finds no room: then the next look will tell */
	if (atomic_load_explicit(capture->consumer, memory_order_relaxed) >= end)
		atomic_store(&capture->files->captured, begin);
	else if (nudged)
		atomic_store(&capture->nudged, 1);
	if (nudged || capture->left)
		sn_ring__interrupt(capture->out);
	return found || capture->left;
}

/* What was committed before the stop is not lost. */
static void drain_last(struct sn_capture *capture)
{
	for (int polls = 0; polls < LAST_POLLS && (!is_empty(capture) || capture->left); polls++) {
		if (look(capture) && !capture->left)
			polls = 0;
		else
			pause_ns(POLL_NS);
	}
	drain(capture, end_of_ring(capture, 1), 1);
}

/* Until the next look, at `now`. */
static int64_t patience(struct sn_capture *capture, uint64_t now)
{
	if (now / SECOND_NS != capture->second) {
		capture->second = now / SECOND_NS;
		capture->soon = 0;
	}
	return now - capture->woken_at < SOON_FOR_NS && capture->soon++ < SOON_MAX ? SOON_NS : POLL_NS;
}

int sn_capture__run(struct sn_capture *capture)
{
	/* The calling thread's priority only: on Linux PRIO_PROCESS with 0 is the thread. */
	if (setpriority(PRIO_PROCESS, 0, PRIORITY))
		sn_count_atomic(&capture->count.priority_refused, 1);
	while (!atomic_load_explicit(&capture->stopping, memory_order_relaxed)) {
		int found = look(capture);
		uint64_t now = now_ns();

		if (found)
			capture->found_at = now;
		if (now - capture->found_at < IDLE_NS) {
			pause_ns(patience(capture, now));
			sn_count_atomic(&capture->count.polls, 1);
		} else {
			sleep_until_event(capture);
			capture->woken_at = now_ns();
		}
	}
	drain_last(capture);
	return 0;
}

static void wake(struct sn_capture *capture)
{
	eventfd_write(capture->wake_fd, 1);
}

void sn_capture__stop(struct sn_capture *capture)
{
	atomic_store(&capture->stopping, 1);
	wake(capture);
}

void sn_capture__take_too(struct sn_capture *capture, int (*take)(void *source, int force), void *source)
{
	capture->take = take;
	capture->source = source;
}

void sn_capture__nudge(struct sn_capture *capture)
{
	/* awake, it looks within POLL_NS anyway */
	if (!atomic_exchange(&capture->nudged, 1) && atomic_load((_Atomic uint32_t *)(void *)&capture->control->asleep))
		wake(capture);
}

void sn_capture__stats(struct sn_capture *capture, struct sn_capture_stats *out)
{
	struct counters *count = &capture->count;

	out->records = atomic_load_explicit(&count->records, memory_order_relaxed);
	out->bytes = atomic_load_explicit(&count->bytes, memory_order_relaxed);
	out->wakeups = atomic_load_explicit(&count->wakeups, memory_order_relaxed);
	out->polls = atomic_load_explicit(&count->polls, memory_order_relaxed);
	out->oversized = atomic_load_explicit(&count->oversized, memory_order_relaxed);
	out->priority_refused = atomic_load_explicit(&count->priority_refused, memory_order_relaxed);
	out->max_lag_bytes = atomic_load_explicit(&count->max_lag_bytes, memory_order_relaxed);
}
