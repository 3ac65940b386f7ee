/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * Processes that begin and end: fork and exit. Threads are neither.
 */
#include "probe.h"

/* tp_btf sched_process_fork(parent, child): in the creator's context, before the child runs. */
inline_fn int on_fork(u64 *ctx)
{
	struct task_struct *creator = (void *)ctx[0], *child = (void *)ctx[1];
	struct sn_fork fork;

	if (child->pid != child->tgid)
		return 0;
	begin(&fork.h, SN_FORK, child);
	fork.parent_start = start_of(child->real_parent);
	fork.creator_start = start_of(creator);
	fork.ppid = child->real_parent->tgid;
	fork.creator_pid = creator->tgid;
	fork.uid = child->cred->uid;
	fork.pad = 0;
	submit(&fork.h, sizeof(fork));
	return 0;
}

/* Whether the task that exits is the last of its process. Older kernels do not say; there several of the last threads
 * can find `live` at 0, and the first of them counts. */
inline_fn int ends_process(u64 *ctx, struct task_struct *task)
{
#if SN_ARGS_sched_process_exit >= 2
	return ctx[1] & 1;
#else
	struct {
		u64 start;
		u64 pid;
	} process = {start_of(task), task->tgid};
	u8 one = 1;

	return !task->signal->live && !bpf_map_update_elem(MAP(ended), &process, &one, BPF_NOEXIST);
#endif
}

/* tp_btf sched_process_exit(task, group_dead) */
inline_fn int on_exit(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct sn_exit exit;
	u32 status;

	if (!ends_process(ctx, task))
		return 0;
	status = task->signal->group_exit_code;
	begin(&exit.h, SN_EXIT, task);
	exit.code = status >> 8 & 0xff;
	exit.signal = status & 0x7f;
	if (status & 0x80)
		exit.h.flags |= SN_F_CORE_DUMPED;
	if (!task->ioac.syscw && !task->signal->ioac.syscw)
		exit.h.flags |= SN_F_WROTE_NOTHING;
	submit(&exit.h, sizeof(exit));
	return 0;
}
