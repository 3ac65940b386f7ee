/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * Paths by walking dentries upwards, across mounts, to the root of the mount namespace: what /proc/PID/exe says to
 * a reader outside of any chroot. bpf_d_path is not allowed in raw tracepoints.
 *
 * A path is written from its end backwards. All state is in the map value: in registers the verifier would follow
 * every combination of it. A concurrent rename can give a name that never was whole; it cannot give an address.
 */
#ifndef SN_PATH_H
#define SN_PATH_H
#include "probe.h"

enum {
	NAME_BYTES = 255,
	WALK_TRUNCATED = 1, /* longer than SN_PATH_MAX: the end of the path is there */
	WALK_DETACHED = 2,  /* ends at a file that is in no folder: memfd, pipe */
};

struct walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct dentry *mnt_root;
	u32 at; /* the path is text[at..SN_PATH_MAX) */
	u32 flags;
	u8 text[SN_PATH_MAX + NAME_BYTES + 1];
};

inline_fn void walk_from(struct walk *w, struct path *path)
{
	w->mnt = path->mnt;
	w->dentry = path->dentry;
	w->mnt_root = path->mnt->mnt_root;
	w->at = SN_PATH_MAX;
	w->flags = 0;
}

/* Prepends "/name". Returns whether it fitted. */
inline_fn int prepend(struct walk *w, struct dentry *dentry)
{
	struct qstr name = READ(dentry, d_name);
	u32 len = name.len, at = w->at;

	if (len > NAME_BYTES)
		len = NAME_BYTES;
	if (len + 1 > at) {
		w->flags |= WALK_TRUNCATED;
		return 0;
	}
	at -= len + 1;
	w->at = at;
	hide(at);
	at &= SN_PATH_MAX - 1;
	w->text[at] = '/';
	hide(len);
	len &= NAME_BYTES;
	bpf_probe_read_kernel(&w->text[at + 1], len, name.name);
	return 1;
}

/* One step up; returns whether it was the last. */
inline_fn int walk_step(struct walk *w)
{
	struct dentry *dentry = w->dentry, *up;

	if (!dentry)
		return 1;
	if (dentry == w->mnt_root) {
		struct mount *mount = (void *)w->mnt - __builtin_offsetof(struct mount, mnt);
		struct mount *above = READ(mount, mnt_parent);

		if (!above || above == mount)
			return 1;
		w->dentry = READ(mount, mnt_mountpoint);
		w->mnt = &above->mnt;
		w->mnt_root = READ(&above->mnt, mnt_root);
		return 0;
	}
	up = READ(dentry, d_parent);
	if (!prepend(w, dentry))
		return 1;
	if (up == dentry) {
		w->flags |= WALK_DETACHED;
		return 1;
	}
	w->dentry = up;
	return 0;
}
#endif
