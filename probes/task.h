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
};

inline_fn void describe_task(struct sn_exec *exec, struct task_struct *task)
{
	exec->ppid = task->real_parent->tgid;
	exec->parent_start = start_of(task->real_parent);
	exec->creator_pid = 0;
	exec->creator_start = 0;
	exec->exit_time = 0;
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
	if (exec->mode & S_ISUID_)
		exec->h.flags |= SN_F_SETUID;
	if (exec->mode & S_ISGID_)
		exec->h.flags |= SN_F_SETGID;
	/* As d_unlinked(): unhashed and no root; a memfd is its own root. */
	if (dentry && !dentry->d_hash.pprev && dentry->d_parent != dentry)
		exec->h.flags |= SN_F_DELETED;
}
#endif
