/* SPDX-License-Identifier: Apache-2.0
 *
 * See file_handles.h.
 */
#include "file_handles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

enum {
	FOLDERS = 512, /* paths kept */
	HANDLE_MAX_ = 48,
	FOLDER_MAX = 256,
	PLACE_MAX = 4096,
};

struct mount {
	fsid_t id;
	uint32_t dev;
	int fd; /* -1: not open now */
	char *place;
};

struct folder {
	uint64_t id; /* of its file system */
	uint32_t handle_bytes;
	int32_t handle_type;
	uint32_t len; /* of path; 0: free */
	uint8_t handle[HANDLE_MAX_];
	char path[FOLDER_MAX];
};

struct sn_handles {
	struct mount mount[SN_MOUNTS_MAX];
	_Atomic uint32_t mounts; /* those below it are whole */
	_Atomic uint32_t stale;	 /* paths are to be forgotten */
	struct folder folder[FOLDERS];
};

struct sn_handles *sn_handles__new(void)
{
	return calloc(1, sizeof(struct sn_handles));
}

void sn_handles__free(struct sn_handles *handles)
{
	if (!handles)
		return;
	sn_handles__rest(handles);
	for (uint32_t i = 0; i < handles->mounts; i++)
		free(handles->mount[i].place);
	free(handles);
}

/* ---- file systems ---- */

static int open_place(const char *place, fsid_t *id)
{
	int fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs)) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	*id = fs.f_fsid;
	return fd;
}

static int same(fsid_t a, fsid_t b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

int sn_handles__mount(struct sn_handles *handles, const char *path, uint32_t dev, int *fd, int *known)
{
	uint32_t count = atomic_load(&handles->mounts);
	struct mount *mount = &handles->mount[count];
	fsid_t id;

	*fd = open_place(path, &id);
	if (*fd < 0)
		return *fd;
	*known = 0;
	for (uint32_t i = 0; i < count && !*known; i++)
		*known = same(handles->mount[i].id, id) && handles->mount[i].dev == dev;
	if (*known)
		return 0;
	if (count == SN_MOUNTS_MAX || strnlen(path, PLACE_MAX) == PLACE_MAX) {
		close(*fd);
		return -ENOSPC;
	}
	*mount = (struct mount){.id = id, .dev = dev, .fd = -1, .place = strdup(path)};
	if (!mount->place) {
		close(*fd);
		return -ENOMEM;
	}
	return 0;
}

void sn_handles__keep(struct sn_handles *handles)
{
	atomic_fetch_add(&handles->mounts, 1);
}

void sn_handles__drop(struct sn_handles *handles)
{
	free(handles->mount[atomic_load(&handles->mounts)].place);
}

/* The file system of an event, open; the latest of that number, should it have been given away. */
static struct mount *mount_of(struct sn_handles *handles, const struct fanotify_event_info_fid *info)
{
	fsid_t id;

	memcpy(&id, &info->fsid, sizeof(id));
	for (uint32_t i = atomic_load(&handles->mounts); i-- > 0;) {
		struct mount *mount = &handles->mount[i];
		fsid_t now;

		if (!same(mount->id, id))
			continue;
		if (mount->fd < 0) {
			mount->fd = open_place(mount->place, &now);
			if (mount->fd >= 0 && !same(now, id)) {
				close(mount->fd);
				mount->fd = -1;
			}
		}
		if (mount->fd >= 0)
			return mount;
	}
	return NULL;
}

void sn_handles__rest(struct sn_handles *handles)
{
	for (uint32_t i = atomic_load(&handles->mounts); i-- > 0;)
		if (handles->mount[i].fd >= 0) {
			close(handles->mount[i].fd);
			handles->mount[i].fd = -1;
		}
}

/* ---- handles ---- */

static int open_handle(struct sn_handles *handles, const struct fanotify_event_info_fid *info, struct mount **mount)
{
	int fd;

	*mount = mount_of(handles, info);
	if (!*mount)
		return -ENODEV;
	fd = open_by_handle_at((*mount)->fd, (struct file_handle *)(uintptr_t)info->handle, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sn_handles__stat(struct sn_handles *handles, const struct fanotify_event_info_fid *info, struct stat *out,
		     uint32_t *dev)
{
	struct mount *mount;
	int fd = open_handle(handles, info, &mount), rc;

	if (fd < 0)
		return fd;
	rc = fstat(fd, out) ? -errno : 0;
	*dev = mount->dev;
	close(fd);
	return rc;
}

/* The length of what was the path of a file, or folder, that has no name any more: the kernel says so behind it. */
static ssize_t last_path(int fd, const char *path, ssize_t len)
{
	static const char mark[] = " (deleted)";
	const ssize_t before = len - (ssize_t)strlen(mark);
	struct stat st;

	if (before > 0 && memcmp(path + before, mark, strlen(mark)) == 0 && !fstat(fd, &st) && !st.st_nlink)
		return before;
	return len;
}

static int64_t path_of(int fd, char *out, size_t size)
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, out, size);
	if (n < 0)
		return -errno;
	return (size_t)n < size && *out == '/' ? last_path(fd, out, n) : -ENAMETOOLONG;
}

int64_t sn_handles__own_path(struct sn_handles *handles, const struct fanotify_event_info_fid *info, char *out,
			     size_t size)
{
	struct mount *mount;
	int fd = open_handle(handles, info, &mount);
	int64_t n;

	if (fd < 0)
		return fd;
	n = path_of(fd, out, size);
	close(fd);
	return n;
}

/* ---- folders ---- */

static struct folder *folder_at(struct sn_handles *handles, uint64_t id, const struct file_handle *handle)
{
	uint64_t hash = id ^ (uint64_t)(uint32_t)handle->handle_type << 32;

	for (uint32_t i = 0; i < handle->handle_bytes; i++)
		hash = (hash ^ handle->f_handle[i]) * 0x100000001b3u; /* FNV-1a */
	return &handles->folder[hash >> 16 & (FOLDERS - 1)];
}

static int is_folder(const struct folder *folder, uint64_t id, const struct file_handle *handle)
{
	return folder->len && folder->id == id && folder->handle_type == handle->handle_type &&
	       folder->handle_bytes == handle->handle_bytes &&
	       memcmp(folder->handle, handle->f_handle, handle->handle_bytes) == 0;
}

void sn_handles__forget_paths(struct sn_handles *handles)
{
	atomic_store(&handles->stale, 1);
}

static int64_t folder_path(struct sn_handles *handles, const struct fanotify_event_info_fid *info, char *out,
			   size_t size)
{
	const struct file_handle *handle = (const struct file_handle *)(const void *)info->handle;
	struct folder *folder;
	uint64_t id;
	int64_t n;

	memcpy(&id, &info->fsid, sizeof(id));
	if (atomic_exchange(&handles->stale, 0))
		for (uint32_t i = 0; i < FOLDERS; i++)
			handles->folder[i].len = 0;
	folder = folder_at(handles, id, handle);
	if (is_folder(folder, id, handle) && folder->len < size) {
		memcpy(out, folder->path, folder->len);
		return folder->len;
	}
	n = sn_handles__own_path(handles, info, out, size);
	if (n <= 0 || n > FOLDER_MAX || handle->handle_bytes > HANDLE_MAX_)
		return n;
	*folder = (struct folder){
		.id = id, .handle_bytes = handle->handle_bytes, .handle_type = handle->handle_type, .len = (uint32_t)n};
	memcpy(folder->handle, handle->f_handle, handle->handle_bytes);
	memcpy(folder->path, out, (size_t)n);
	return n;
}

int64_t sn_handles__path(struct sn_handles *handles, const struct fanotify_event_info_fid *info, char *out, size_t size)
{
	const struct file_handle *handle = (const struct file_handle *)(const void *)info->handle;
	const char *name = (const char *)handle->f_handle + handle->handle_bytes;
	const char *end = (const char *)info + info->hdr.len;
	size_t len = strnlen(name, (size_t)(end - name));
	int64_t n = folder_path(handles, info, out, size);

	if (n < 0)
		return n;
	if ((size_t)n + 1 + len > size)
		return -ENAMETOOLONG;
	if (n > 1)
		out[n++] = '/';
	memcpy(out + n, name, len);
	return n + (int64_t)len;
}

/* ---- events ---- */

struct sn_event_about sn_event__about(const struct fanotify_event_metadata *event)
{
	const char *at = (const char *)event + event->metadata_len, *end = (const char *)event + event->event_len;
	struct sn_event_about told = {0};

	while (end - at >= (ptrdiff_t)sizeof(struct fanotify_event_info_fid)) {
		const struct fanotify_event_info_fid *info = (const void *)at;

		if (info->hdr.info_type == FAN_EVENT_INFO_TYPE_FID)
			told.own = info;
		else if (info->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME)
			told.folder = info;
		if (!info->hdr.len)
			break;
		at += info->hdr.len;
	}
	return told;
}

void sn_handles__ignore_null(int fanotify)
{
	const unsigned how = FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY;
	struct stat st;

	if (stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode))
		fanotify_mark(fanotify, how, FAN_CLOSE_WRITE, AT_FDCWD, "/dev/null");
}
