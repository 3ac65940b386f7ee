/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * iter/task: one struct sn_exec a process, as SN_PROCESS without texts. Reading the iterator runs it.
 */
#include "task.h"

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task; /* NULL at the end */
};

inline_fn int on_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct sn_exec process = {};
	struct mm_struct *mm;

	if (!task || task->pid != task->tgid)
		return 0;
	begin(&process.h, SN_PROCESS, task);
	process.h.size = sizeof(process);
	process.tid = process.h.pid;
	describe_task(&process, task);
	describe_session(&process, task);
	mm = task->mm;
	if (mm)
		describe_file(&process, mm->exe_file);
	bpf_seq_write(ctx->meta->seq, &process, sizeof(process));
	return 0;
}
