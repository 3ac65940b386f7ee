/* SPDX-License-Identifier: Apache-2.0
 *
 * From the file handles of fanotify to inodes and paths. Linux.
 *
 * A mounted file system is remembered by the place that it is mounted on, never by a descriptor: that would keep it
 * from being unmounted. It is opened there for as long as one batch of events takes, and only if what is mounted there
 * is still the same. Paths of folders are kept by their handle; a folder that moves empties the memory.
 */
#ifndef SN_FILE_HANDLES_H
#define SN_FILE_HANDLES_H
#include <stddef.h>
#include <stdint.h>
#include <sys/fanotify.h>
#include <sys/stat.h>

/* What an event is about; borrowed from it. */
struct sn_event_about {
	const struct fanotify_event_info_fid *own;    /* the file */
	const struct fanotify_event_info_fid *folder; /* and name; NULL: the event is not about a name */
};

struct sn_event_about sn_event__about(const struct fanotify_event_metadata *event);

enum { SN_MOUNTS_MAX = 128 };

struct sn_handles;

struct sn_handles *sn_handles__new(void);
void sn_handles__free(struct sn_handles *handles);
/* The file system on `path`, opened (*fd is the caller's): 0 or -errno; `known` says whether it is one already. If not,
 * it is to be kept or dropped next: until then the thread that reads events does not know it. Any thread, one at a
 * time. */
int sn_handles__mount(struct sn_handles *handles, const char *path, uint32_t dev, int *fd, int *known);
void sn_handles__keep(struct sn_handles *handles);
void sn_handles__drop(struct sn_handles *handles);
/* The inode of an event's handle: the device as in sn_exec, or -errno: -ESTALE, it is gone. */
int sn_handles__stat(struct sn_handles *handles, const struct fanotify_event_info_fid *info, struct stat *out,
		     uint32_t *dev);
/* The path of an event's folder and name: its length, at most `size`, or -errno. */
int64_t sn_handles__path(struct sn_handles *handles, const struct fanotify_event_info_fid *info, char *out,
			 size_t size);
/* The path of an event's own handle, for one without a folder. */
int64_t sn_handles__own_path(struct sn_handles *handles, const struct fanotify_event_info_fid *info, char *out,
			     size_t size);
/* A folder moved, or mounts changed: paths are to be asked for again. */
void sn_handles__forget_paths(struct sn_handles *handles);
/* Between two batches: lets go of the file systems. */
void sn_handles__rest(struct sn_handles *handles);
/* What every other program writes to is no file: the kernel does not even queue it. */
void sn_handles__ignore_null(int fanotify);
#endif
