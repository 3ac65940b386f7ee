/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * exec: one record with image, script, cwd and argv, put together in a buffer of this CPU. Tracepoints run with
 * preemption off, but newer kernels may lift that: `busy` keeps a second exec on the same CPU out, and it is counted.
 *
 * argv is read from the new mm, after the kernel has copied it: no other thread can have changed what the program
 * gets.
 */
#include "exec_record.h"

enum {
	IMAGE_STEPS = 2080, /* SN_PATH_MAX bytes of one-letter names, and 32 mounts */
	CWD_STEPS = 512,    /* more of both exceeds what the verifier follows */
	S_IFMT_ = 0170000,
	S_IFIFO_ = 0010000,
};

/* The inode of the pipe that the open file of that number is. */
inline_fn u32 pipe_of(struct file **open, u32 number)
{
	struct file *file = 0;
	struct inode *inode;

	bpf_probe_read_kernel(&file, sizeof(file), open + number);
	if (!file)
		return 0;
	inode = READ(file, f_inode);
	return (READ(inode, i_mode) & S_IFMT_) == S_IFIFO_ ? READ(inode, i_ino) : 0;
}

/* tp_btf sched_process_exec(task, old_pid, bprm) */
inline_fn int on_exec(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct linux_binprm *bprm = (void *)ctx[2];
	u32 cpu = bpf_get_smp_processor_id();
	struct scratch *s = bpf_map_lookup_elem(MAP(scratch), &cpu);
	struct file **open;
	struct sn_exec *exec;

	if (!s)
		return 0;
	if (fetch_add(&s->busy, 1)) {
		add(&s->busy, -1);
		count_busy();
		return 0;
	}
	exec = (void *)s->record;
	begin(&exec->h, SN_EXEC, task);
	describe_task(exec, task);
	describe_session(exec, task);
	describe_file(exec, task->mm->exe_file);
	open = (struct file **)task->files->fdt->fd;
	exec->in_pipe = pipe_of(open, 0);
	exec->out_pipe = pipe_of(open, 1);
	if (!task->ioac.syscw && !task->signal->ioac.syscw)
		exec->h.flags |= SN_F_WROTE_NOTHING;
	exec->tid = ctx[1];
	exec->argc = bprm->argc;
	walk(&s->image, &task->mm->exe_file->f_path, IMAGE_STEPS);
	walk(&s->cwd, &task->fs->pwd, CWD_STEPS);
	if (is_memfd(&s->image))
		exec->h.flags |= SN_F_MEMFD;
	s->at = sizeof(*exec);
	put_path(s, &s->image, &exec->image, SN_F_IMAGE_TRUNCATED);
	put_script(s, bprm);
	put_path(s, &s->cwd, &exec->cwd, SN_F_CWD_TRUNCATED);
	put_argv(s, task->mm);
	submit(&exec->h, padded(s));
	add(&s->busy, -1);
	return 0;
}
