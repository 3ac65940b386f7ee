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

/* From a mount's root to where it is mounted. Returns whether there is no such place. */
inline_fn int walk_to_mountpoint(struct walk *w)
{
	struct mount *mount = (void *)w->mnt - __builtin_offsetof(struct mount, mnt);
	struct mount *above = READ(mount, mnt_parent);

	w->dentry = READ(mount, mnt_mountpoint);
	w->mnt = &above->mnt;
	w->mnt_root = READ(&above->mnt, mnt_root);
	return above == mount;
}

/* Prepends "/name" and goes to the folder. Returns whether that ended the walk. */
inline_fn int walk_to_parent(struct walk *w)
{
	struct dentry *dentry = w->dentry, *parent = READ(dentry, d_parent);
	struct qstr name = READ(dentry, d_name);
	u64 len = name.len & NAME_BYTES, at = w->at - len - 1;

	if (at >= SN_PATH_MAX) { /* below 0 */
		w->flags |= WALK_TRUNCATED;
		return 1;
	}
	w->at = at;
	w->dentry = parent;
	hide(at);
	at &= SN_PATH_MAX - 1;
	w->text[at] = '/';
	bpf_probe_read_kernel(&w->text[at + 1], len, name.name);
	if (parent != dentry)
		return 0;
	w->flags |= WALK_DETACHED;
	return 1;
}

/* A step is a name or a mount. The verifier follows each one and remembers each branch in it, so there are few. */
inline_fn void walk(struct walk *w, struct path *path, int steps)
{
	w->mnt = path->mnt;
	w->dentry = path->dentry;
	w->mnt_root = path->mnt->mnt_root;
	w->at = SN_PATH_MAX;
	w->flags = 0;
	for (int i = 0; i < steps; i++)
		if (w->dentry == w->mnt_root ? walk_to_mountpoint(w) : walk_to_parent(w))
			return;
	w->flags |= WALK_TRUNCATED;
}

#define MEMFD 0x3a64666d656d2full /* "/memfd:" as a little-endian number */

inline_fn int is_memfd(struct walk *w)
{
	u64 at = w->at;

	hide(at);
	at &= SN_PATH_MAX - 1;
	return (w->flags & WALK_DETACHED) && (*(u64 *)&w->text[at] & ~(0xffull << 56)) == MEMFD;
}
#endif
