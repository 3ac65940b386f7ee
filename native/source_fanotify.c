/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to files, from fanotify: whole file systems are marked for files that were closed after writing,
 * created, moved or changed in their attributes. No other system call pays for it, and the queue is the kernel's own.
 * Linux.
 *
 * An event has no time. It happened before it was read, and after the last look that found the queue empty; when the
 * thread was asleep, after it was woken, and how long it waited for a CPU then the scheduler says. A file that was
 * closed after writing was written before that, so its mtime is a lower bound, too.
 *
 * An overflow of the queue becomes a record without path: something happened, nobody knows to which file.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "count.h"
#include "file_events.h"
#include "file_handles.h"
#include "folders.h"
#include "sources_linux.h"
#include "woken.h"

enum {
	READ_BYTES = 32 << 10,
	PRIORITY = -10, /* as the capture thread's */
	PAUSE_NS = 1000000,
	BUSY_NS = 10000000, /* woken more often than BUSY_WAKES in it, events are taken a PAUSE_NS at a time: */
	BUSY_WAKES = 20,    /* 8 us of CPU an event instead of 19, but who did it is known to a ms only */
	LAST_PAUSES = 1000, /* after the stop: the match thread has taken nothing for so long */
};

static const uint64_t events_wanted =
	FAN_CLOSE_WRITE | FAN_CREATE | FAN_MOVED_TO | FAN_ATTRIB | FAN_ONDIR; /* folders: for their moves */

struct counters {
	_Atomic uint64_t events, overflows, filtered, gone, unresolved, recorded, dropped, priority_refused;
};

struct sn_files {
	struct sn_engine *engine;
	struct sn_file_events *out;
	struct sn_capture *capture;
	struct sn_handles *handles;
	int fanotify, wake_fd;
	struct sn_woken woken;
	int32_t self; /* its own writes are of no interest */
	_Atomic uint32_t stopping;
	_Atomic uint32_t asked; /* somebody waits for what is in the queue now */
	uint64_t empty_at;	/* the queue was empty at this time */
	uint64_t counted_from;	/* wake-ups are counted since this time */
	uint32_t wakes;
	uint64_t since, time; /* what is being read happened between these */
	int64_t to_epoch;     /* to add to CLOCK_BOOTTIME */
	struct sn_folders places;
	struct counters count;
	struct {
		struct sn_file file;
		char path[SN_PATH_MAX + 1];
	} record;
	_Alignas(8) char buffer[READ_BYTES];
};

static uint64_t stamp(struct timespec t)
{
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return stamp(t);
}

/* ---- open, close ---- */

static void ask(void *source)
{
	struct sn_files *files = source;

	atomic_store(&files->asked, 1);
	eventfd_write(files->wake_fd, 1);
}

int sn_files__open(struct sn_engine *engine, struct sn_capture *capture, struct sn_files **out)
{
	struct sn_files *files = calloc(1, sizeof(*files));
	int rc = 0;

	if (!files)
		return -ENOMEM;
	files->engine = engine;
	files->out = sn_engine__file_events(engine);
	files->capture = capture;
	files->self = getpid();
	files->empty_at = clock_ns(CLOCK_BOOTTIME);
	files->handles = sn_handles__new();
	files->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	files->fanotify =
		fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME_TARGET | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY);
	if (files->fanotify < 0 || files->wake_fd < 0)
		rc = -errno;
	else if (!files->handles)
		rc = -ENOMEM;
	if (rc) {
		sn_files__close(files);
		return rc;
	}
	sn_handles__ignore_null(files->fanotify);
	sn_writers__set_source(files->out->writers, ask, files);
	*out = files;
	return 0;
}

void sn_files__close(struct sn_files *files)
{
	const int fds[] = {files->fanotify, files->wake_fd};

	sn_writers__set_source(files->out->writers, NULL, NULL);
	for (uint32_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	sn_handles__free(files->handles);
	free(files);
}

int sn_files__place(struct sn_files *files, const char *path)
{
	return sn_folders__add(&files->places, path);
}

int sn_files__watch(struct sn_files *files, const char *path, uint32_t dev)
{
	int fd, known, rc = sn_handles__mount(files->handles, path, dev, &fd, &known);

	if (rc)
		return rc;
	/* again for a known one: another file system may have come in its place, with the same number */
	if (fanotify_mark(files->fanotify, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, events_wanted, fd, NULL)) {
		rc = -errno;
		if (!known)
			sn_handles__drop(files->handles);
	} else if (!known) {
		sn_handles__keep(files->handles);
	}
	close(fd);
	sn_handles__forget_paths(files->handles);
	return rc ? rc : known ? -EEXIST : 0;
}

/* Whether there is room now or soon: while the match thread is behind, events wait in the kernel's queue. */
static int has_room(struct sn_files *files, size_t size)
{
	for (int pauses = 0; sn_ring__must_wait(files->out->ring, size); pauses++) {
		if (atomic_load(&files->stopping) && pauses > LAST_PAUSES)
			return 0;
		sn_ring__publish(files->out->ring);
		sn_capture__nudge(files->capture);
		nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
	}
	return 1;
}

static void push(struct sn_files *files, uint32_t path_len, _Atomic uint64_t *counter)
{
	struct sn_file *file = &files->record.file;
	size_t size = (sizeof(*file) + path_len + 7) & ~(size_t)7;

	memset(files->record.path + path_len, 0, size - sizeof(*file) - path_len);
	file->path = (struct sn_span){path_len ? sizeof(*file) : 0, path_len};
	file->h.size = (uint32_t)size;
	file->h.type = SN_FILE;
	file->h.cpu = SN_CPU_NONE;
	file->h.time = files->time;
	file->uid = UINT32_MAX;
	if (has_room(files, size) && sn_ring__push(files->out->ring, file, size) == 0)
		sn_count_atomic(counter, 1);
	else
		sn_count_atomic(&files->count.dropped, 1);
}
_Static_assert(sizeof(struct sn_file) % 8 == 0, "the path follows at once");

static void push_loss(struct sn_files *files)
{
	files->record.file = (struct sn_file){.since = files->since,
					      .ctime = files->since + (uint64_t)files->to_epoch,
					      .mtime = files->time + (uint64_t)files->to_epoch};
	push(files, 0, &files->count.overflows);
}

static uint32_t flags_of(uint64_t mask, const struct stat *st)
{
	uint32_t flags = 0;

	if (mask & FAN_CLOSE_WRITE)
		flags |= SN_F_WRITTEN;
	if (mask & FAN_CREATE)
		flags |= st->st_nlink > 1 ? SN_F_LINKED : SN_F_CREATED;
	if (mask & FAN_MOVED_TO)
		flags |= SN_F_MOVED;
	if (mask & FAN_ATTRIB)
		flags |= SN_F_CHANGED;
	return flags;
}

static void put_record(struct sn_files *files, const struct fanotify_event_metadata *event, const struct stat *st,
		       uint32_t dev, uint32_t path_len)
{
	uint64_t mtime = stamp(st->st_mtim), ctime = stamp(st->st_ctim), since = files->since;
	int64_t written = (int64_t)(mtime < ctime ? mtime : ctime) - files->to_epoch;

	/* the content that the process closed is no newer than the closing */
	if (event->mask & FAN_CLOSE_WRITE && written > (int64_t)since && written <= (int64_t)files->time)
		since = (uint64_t)written;
	files->record.file = (struct sn_file){.h.pid = (uint32_t)event->pid,
					      .h.flags = flags_of(event->mask, st),
					      .since = since,
					      .inode = st->st_ino,
					      .bytes = (uint64_t)st->st_size,
					      .mtime = mtime,
					      .ctime = ctime,
					      .dev = dev,
					      .mode = st->st_mode,
					      .file_uid = st->st_uid,
					      .nlink = (uint32_t)st->st_nlink};
	push(files, path_len, &files->count.recorded);
}

/* ---- events ---- */

static void handle(struct sn_files *files, const struct fanotify_event_metadata *event)
{
	struct sn_event_about told = sn_event__about(event);
	struct stat st;
	uint32_t dev;
	int64_t len;
	int rc;

	if (event->pid == files->self || event->mask & FAN_ONDIR) {
		if (event->mask & FAN_ONDIR && event->mask & FAN_MOVED_TO)
			sn_handles__forget_paths(files->handles);
		sn_count_atomic(&files->count.filtered, 1);
		return;
	}
	rc = told.own ? sn_handles__stat(files->handles, told.own, &st, &dev) : -ENOENT;
	if (rc) {
		sn_count_atomic(rc == -ESTALE ? &files->count.gone : &files->count.unresolved, 1);
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		sn_count_atomic(&files->count.filtered, 1);
		return;
	}
	len = told.folder ? sn_handles__path(files->handles, told.folder, files->record.path, SN_PATH_MAX)
			  : sn_handles__own_path(files->handles, told.own, files->record.path, SN_PATH_MAX);
	if (len <= 0)
		sn_count_atomic(&files->count.unresolved, 1);
	else if (st.st_mode & 0111 ||
		 sn_folders__hold(&files->places,
				  (struct sn_bytes){(const uint8_t *)files->record.path, (uint32_t)len}))
		put_record(files, event, &st, dev, (uint32_t)len);
	else
		sn_count_atomic(&files->count.filtered, 1);
}

/* ---- the loop ---- */

static int is_busy(struct sn_files *files, uint64_t now)
{
	if (now - files->counted_from > BUSY_NS) {
		int was = files->wakes > BUSY_WAKES / 4;

		files->counted_from = now;
		files->wakes = 0;
		return was;
	}
	return ++files->wakes > BUSY_WAKES;
}

/* Until something happens: what is read next happened after `since`. */
static void rest(struct sn_files *files)
{
	struct pollfd fds[] = {{files->fanotify, POLLIN, 0}, {files->wake_fd, POLLIN, 0}};
	eventfd_t nudges;
	uint64_t woken;

	poll(fds, 2, -1);
	woken = sn_woken__at(&files->woken, clock_ns(CLOCK_BOOTTIME));
	if (is_busy(files, woken))
		nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
	files->since = woken > files->empty_at ? woken : files->empty_at;
	if (fds[1].revents)
		eventfd_read(files->wake_fd, &nudges);
}

/* Everything that is in the queue. */
static void drain(struct sn_files *files)
{
	files->to_epoch = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME));
	for (;;) {
		uint64_t before = clock_ns(CLOCK_BOOTTIME);
		ssize_t n = read(files->fanotify, files->buffer, sizeof(files->buffer));
		const struct fanotify_event_metadata *event = (const void *)files->buffer;

		if (n <= 0) {
			files->empty_at = before;
			break;
		}
		files->time = clock_ns(CLOCK_BOOTTIME);
		for (; FAN_EVENT_OK(event, n); event = FAN_EVENT_NEXT(event, n)) {
			sn_count_atomic(&files->count.events, 1);
			if (event->mask & FAN_Q_OVERFLOW)
				push_loss(files);
			else
				handle(files, event);
		}
		sn_ring__publish(files->out->ring);
	}
	sn_handles__rest(files->handles);
	sn_ring__publish(files->out->ring);
	atomic_store(&files->out->drained, files->empty_at);
}

int sn_files__run(struct sn_files *files)
{
	uint64_t pushed = 0, now;

	if (setpriority(PRIO_PROCESS, 0, PRIORITY))
		sn_count_atomic(&files->count.priority_refused, 1);
	sn_woken__begin(&files->woken);
	while (!atomic_load_explicit(&files->stopping, memory_order_relaxed)) {
		uint32_t asked;

		rest(files);
		asked = atomic_exchange(&files->asked, 0);
		drain(files);
		now = files->count.recorded + files->count.overflows;
		if (asked || now != pushed)
			sn_capture__nudge(files->capture);
		pushed = now;
	}
	files->since = files->empty_at;
	drain(files);
	sn_woken__end(&files->woken);
	return 0;
}

void sn_files__stop(struct sn_files *files)
{
	atomic_store(&files->stopping, 1);
	eventfd_write(files->wake_fd, 1);
}

void sn_files__stats(struct sn_files *files, struct sn_files_stats *out)
{
	struct counters *count = &files->count;

	*out = (struct sn_files_stats){count->events,	  count->overflows, count->filtered, count->gone,
				       count->unresolved, count->recorded,  count->dropped,  count->priority_refused};
}
