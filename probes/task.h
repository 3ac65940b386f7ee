/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * The members of struct sn_exec that a task has at any time: for exec and for the snapshot.
 */
#ifndef SN_TASK_H
#define SN_TASK_H
#include "path.h"

enum {
	PIDTYPE_SID_ = 3, /* include/linux/pid_types.h */
	S_ISUID_ = 04000,
	S_ISGID_ = 02000,
	NSEC_ = 0x7fffffff, /* include/linux/fs.h: bit 31 of i_ctime_nsec is I_CTIME_QUERIED */
};

/* Linux 6.11 took the timespec64 of an inode apart. */
#ifdef SN_HAS_inode_i_mtime_sec
#define MTIME_SEC(inode)  (inode)->i_mtime_sec
#define MTIME_NSEC(inode) (inode)->i_mtime_nsec
#elif defined(SN_HAS_inode___i_mtime)
#define MTIME_SEC(inode)  (inode)->__i_mtime.tv_sec
#define MTIME_NSEC(inode) (inode)->__i_mtime.tv_nsec
#else
#define MTIME_SEC(inode)  (inode)->i_mtime.tv_sec
#define MTIME_NSEC(inode) (inode)->i_mtime.tv_nsec
#endif
#ifdef SN_HAS_inode_i_ctime_sec
#define CTIME_SEC(inode)  (inode)->i_ctime_sec
#define CTIME_NSEC(inode) (inode)->i_ctime_nsec
#elif defined(SN_HAS_inode___i_ctime)
#define CTIME_SEC(inode)  (inode)->__i_ctime.tv_sec
#define CTIME_NSEC(inode) (inode)->__i_ctime.tv_nsec
#else
#define CTIME_SEC(inode)  (inode)->i_ctime.tv_sec
#define CTIME_NSEC(inode) (inode)->i_ctime.tv_nsec
#endif

inline_fn void describe_task(struct sn_exec *exec, struct task_struct *task)
{
	exec->ppid = task->real_parent->tgid;
	exec->parent_start = start_of(task->real_parent);
	exec->creator_pid = 0;
	exec->creator_start = 0;
	exec->exit_time = 0;
	exec->exit_code = 0;
	exec->exit_signal = 0;
	exec->uid = task->cred->uid;
	exec->gid = task->cred->gid;
	exec->euid = task->cred->euid;
	exec->egid = task->cred->egid;
	exec->loginuid = task->loginuid;
	exec->cgroup_id = task->cgroups->dfl_cgrp->kn->id;
	exec->mnt_ns = task->nsproxy->mnt_ns->ns.inum;
}

inline_fn void describe_session(struct sn_exec *exec, struct task_struct *task)
{
	struct tty_struct *tty = task->signal->tty;

	exec->session = task->signal->pids[PIDTYPE_SID_]->numbers[0].nr;
	__builtin_memset(exec->tty, 0, sizeof(exec->tty));
	if (tty)
		bpf_probe_read_kernel_str(exec->tty, sizeof(exec->tty), &tty->name);
}

inline_fn void describe_file(struct sn_exec *exec, struct file *file)
{
	struct inode *inode = file->f_inode;
	struct dentry *dentry = file->f_path.dentry;

	exec->inode = inode->i_ino;
	exec->dev = inode->i_sb->s_dev;
	exec->mode = inode->i_mode;
	exec->file_uid = inode->i_uid;
	exec->nlink = inode->i_nlink;
	exec->file_size = inode->i_size;
	exec->file_mtime = MTIME_SEC(inode) * 1000000000ull + (MTIME_NSEC(inode) & NSEC_);
	exec->file_ctime = CTIME_SEC(inode) * 1000000000ull + (CTIME_NSEC(inode) & NSEC_);
	if (exec->mode & S_ISUID_)
		exec->h.flags |= SN_F_SETUID;
	if (exec->mode & S_ISGID_)
		exec->h.flags |= SN_F_SETGID;
	/* As d_unlinked(): unhashed and no root; a memfd is its own root. */
	if (dentry && !dentry->d_hash.pprev && dentry->d_parent != dentry)
		exec->h.flags |= SN_F_DELETED;
}
#endif
