/* SPDX-License-Identifier: Apache-2.0
 *
 * The public functions that only Linux has, where events come from; by the same rules as sensor.h.
 */
#ifndef SN_SOURCES_LINUX_H
#define SN_SOURCES_LINUX_H
#include <stdint.h>

struct sn_engine;

/* ---- capture from the BPF ring (source_bpf.c) ---- */
struct sn_capture;

struct sn_capture_stats {
	uint64_t records, bytes, wakeups, polls, oversized, max_lag_bytes;
	uint64_t priority_refused; /* 1: could not raise its priority (CAP_SYS_NICE) */
};

/* mmaps the kernel ring (`ring_bytes` as created) and the control element. The descriptors stay the caller's. */
int sn_capture__open(int ring_fd, uint64_t ring_bytes, int control_fd, struct sn_engine *engine,
		     struct sn_capture **out);
void sn_capture__close(struct sn_capture *capture);
/* Capture thread: until sn_capture__stop. Looks each 2 ms while events come, sooner after the one that woke it; sleeps
 * in poll when none do. */
int sn_capture__run(struct sn_capture *capture);
void sn_capture__stop(struct sn_capture *capture);
void sn_capture__stats(struct sn_capture *capture, struct sn_capture_stats *out);
/* From the run on, its thread calls `take(source, force)` at each look: everything that the probes wrote before what is
 * then taken from that source is in the ring first. It returns whether it left something for want of room, which it
 * must not with `force`. Before the run. */
void sn_capture__take_too(struct sn_capture *capture, int (*take)(void *source, int force), void *source);
/* Makes it look at the kernel's ring now, even if it sleeps. Any thread. */
void sn_capture__nudge(struct sn_capture *capture);

/* ---- what happens to files (source_fanotify.c) ---- */
struct sn_files;

/* events = filtered + gone + unresolved + recorded + dropped + overflows. */
struct sn_files_stats {
	uint64_t events, overflows;
	uint64_t filtered;   /* no plain file, neither executable nor in one of the places, or the sensor's own */
	uint64_t gone;	     /* deleted before it could be looked at */
	uint64_t unresolved; /* it or its path could not be found */
	uint64_t recorded, dropped; /* dropped: no room in the ring when the source was stopped */
	uint64_t priority_refused;
};

/* -EPERM, -ENOSYS: fanotify cannot be used. `capture` tells how far the events of processes have come. */
int sn_files__open(struct sn_engine *engine, struct sn_capture *capture, struct sn_files **out);
void sn_files__close(struct sn_files *files);
/* A folder below which every file counts. Before the run. -ENOSPC. */
int sn_files__place(struct sn_files *files, const char *path);
/* Watches the whole file system that is mounted on `path`; `dev` as in sn_exec. Any thread. -EEXIST: it is watched;
 * -errno of fanotify_mark; -ENOSPC. */
int sn_files__watch(struct sn_files *files, const char *path, uint32_t dev);
/* Its thread: until sn_files__stop. */
int sn_files__run(struct sn_files *files);
void sn_files__stop(struct sn_files *files);
void sn_files__stats(struct sn_files *files, struct sn_files_stats *out);

/* ---- libraries: what is mapped executable (source_perf.c) ---- */
struct sn_loads;

/* events = filtered + recorded + dropped. */
struct sn_loads_stats {
	uint64_t events;
	uint64_t filtered;	    /* no file, or one of the trees of packages that nobody wrote lately */
	uint64_t recorded, dropped; /* dropped: no room in the ring */
	uint64_t lost;		    /* not even seen: the kernel had no room for them */
};

/* Begins to collect; the capture thread reads. `capture` must not run yet. -EACCES, -EPERM: perf events cannot be
 * used. */
int sn_loads__open(struct sn_engine *engine, struct sn_capture *capture, struct sn_loads **out);
/* After the capture thread has ended. */
void sn_loads__close(struct sn_loads *loads);
/* A folder whose files are packages': they are told only when somebody wrote them lately. Before the run. -ENOSPC. */
int sn_loads__tree(struct sn_loads *loads, const char *path);
/* Takes what there is, before the capture thread runs: the kernel's buffers hold a fraction of a second. */
void sn_loads__look(struct sn_loads *loads);
void sn_loads__stats(const struct sn_loads *loads, struct sn_loads_stats *out);
#endif
