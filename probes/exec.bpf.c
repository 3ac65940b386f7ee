/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * exec: one record with image, script, cwd and argv, put together in a buffer of this CPU. Tracepoints run with
 * preemption off, but newer kernels may lift that: `busy` keeps a second exec on the same CPU out, and it is counted.
 *
 * argv is read from the new mm, after the kernel has copied it: no other thread can have changed what the program
 * gets. Paths of more than SHALLOW steps go on in `deeper`, by tail calls: one loop that long costs the verifier half a
 * second at every start.
 */
#include "task.h"

enum {
	SHALLOW = 64, /* steps of image and cwd together, most programs need 10 */
	DEEP = 128,   /* a tail call; the kernel allows 33 of them, SN_PATH_MAX has room for 2 * 2048 names */
	IMAGE = 0,
	CWD = 1,
	DONE = 2,
};

struct scratch {
	u64 busy;
	u32 walking; /* IMAGE, CWD, DONE */
	u32 at;	     /* in record: where the next bytes go */
	struct walk walk[2];
	u8 record[SN_RECORD_MAX];
};

_Static_assert(sizeof(struct scratch) == VALUE_scratch, "maps.def: scratch");
_Static_assert(sizeof(struct sn_exec) + 3 * SN_PATH_MAX < 16384, "offsets fit the mask");

inline_fn struct scratch *scratch_of_cpu(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(MAP(scratch), &cpu);
}

/* Returns whether both paths are complete. */
inline_fn int walk_paths(struct scratch *s, int steps)
{
	for (int i = 0; i < steps; i++) {
		u32 which = *(volatile u32 *)&s->walking;

		if (which >= DONE)
			return 1;
		if (walk_step(&s->walk[which]))
			s->walking = which + 1;
	}
	return s->walking >= DONE;
}

inline_fn void put_path(struct scratch *s, struct walk *w, struct sn_span *span, u32 truncated)
{
	struct sn_exec *exec = (void *)s->record;
	u64 from = w->at, at = s->at, len = SN_PATH_MAX - from;

	if (!len) { /* the root itself */
		w->text[SN_PATH_MAX - 1] = '/';
		from = SN_PATH_MAX - 1;
		len = 1;
	}
	span->off = at;
	span->len = len;
	s->at = at + len;
	if (w->flags & WALK_TRUNCATED)
		exec->h.flags |= truncated;
	hide(from);
	hide(at);
	hide(len);
	if (len > SN_PATH_MAX)
		return;
	bpf_probe_read_kernel(&s->record[at & 16383], len, &w->text[from & (SN_PATH_MAX - 1)]);
}

/* The path as it was given when the kernel went on to another file for it: #! or binfmt_misc. */
inline_fn void put_script(struct scratch *s, struct linux_binprm *bprm)
{
	struct sn_exec *exec = (void *)s->record;
	const void *filename = bprm->filename;
	u32 at = s->at;
	long len;

	exec->script.off = at;
	exec->script.len = 0;
	if (filename == bprm->interp)
		return;
	hide(at);
	len = bpf_probe_read_kernel_str(&s->record[at & 16383], SN_PATH_MAX, filename);
	if (len <= 0)
		return;
	if (len == SN_PATH_MAX)
		exec->h.flags |= SN_F_SCRIPT_TRUNCATED;
	exec->script.len = len - 1;
	s->at = at + len - 1;
}

/* Reads `len` bytes of the program's memory to the end of the record; returns whether they were there. */
inline_fn int put_user(struct scratch *s, u64 from, u64 len)
{
	u32 at = s->at;
	u64 size = len;

	hide(size);
	if (size > SN_ARGV_MAX)
		return 0;
	hide(at);
	at &= 65535;
	if (at > SN_RECORD_MAX - SN_ARGV_MAX - 8)
		return 0;
	if (bpf_probe_read_user(&s->record[at], size, (const void *)from))
		return 0;
	s->at = at + len;
	return 1;
}

inline_fn void put_argv(struct scratch *s, struct mm_struct *mm)
{
	struct sn_exec *exec = (void *)s->record;
	u64 from = mm->arg_start, to = mm->arg_end, bytes = to - from;
	u64 head = bytes <= SN_ARGV_MAX ? bytes : SN_ARGV_HEAD;
	u32 begin = s->at;
	int whole;

	exec->argv_bytes = bytes;
	exec->argv.off = begin;
	whole = put_user(s, from, head);
	exec->argv_head = s->at - begin;
	if (bytes > SN_ARGV_MAX) {
		exec->h.flags |= SN_F_ARGV_TRUNCATED;
		whole &= put_user(s, to - SN_ARGV_TAIL, SN_ARGV_TAIL);
	}
	exec->argv.len = s->at - begin;
	if (!whole)
		exec->h.flags |= SN_F_ARGV_UNREADABLE;
}

/* Everything but the paths' steps, and out. */
inline_fn void finish(struct scratch *s, u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct linux_binprm *bprm = (void *)ctx[2];
	struct sn_exec *exec = (void *)s->record;
	struct mm_struct *mm = task->mm;
	u32 size;

	describe_task(exec, task);
	describe_session(exec, task);
	describe_file(exec, mm->exe_file);
	exec->tid = ctx[1];
	exec->argc = bprm->argc;
	if (s->walk[IMAGE].flags & WALK_DETACHED)
		exec->h.flags |= SN_F_MEMFD;
	s->at = sizeof(*exec);
	put_path(s, &s->walk[IMAGE], &exec->image, SN_F_IMAGE_TRUNCATED);
	put_script(s, bprm);
	put_path(s, &s->walk[CWD], &exec->cwd, SN_F_CWD_TRUNCATED);
	put_argv(s, mm);
	size = s->at;
	hide(size);
	size &= 65535;
	if (size > SN_RECORD_MAX - 8)
		size = SN_RECORD_MAX - 8; /* cannot be: the parts have bounds */
	*(u64 *)&s->record[size] = 0;
	submit(&exec->h, (size + 7) & ~7u);
	add(&s->busy, -1);
}

/* Deeper by a tail call, as long as there is one to be had. */
inline_fn void go_on(struct scratch *s, u64 *ctx)
{
	bpf_tail_call(ctx, MAP(deeper), 0);
	for (int i = 0; i < DONE; i++)
		if (i >= s->walking)
			s->walk[i].flags |= WALK_TRUNCATED;
	finish(s, ctx);
}

/* tp_btf sched_process_exec(task, old_pid, bprm) */
inline_fn int on_exec(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct scratch *s = scratch_of_cpu();
	struct path *image = &task->mm->exe_file->f_path, *cwd = &task->fs->pwd;

	if (!s)
		return 0;
	if (fetch_add(&s->busy, 1)) {
		add(&s->busy, -1);
		count_busy();
		return 0;
	}
	begin((void *)s->record, SN_EXEC, task);
	walk_from(&s->walk[IMAGE], image);
	walk_from(&s->walk[CWD], cwd);
	s->walking = IMAGE;
	if (walk_paths(s, SHALLOW))
		finish(s, ctx);
	else
		go_on(s, ctx);
	return 0;
}

inline_fn int on_deeper(u64 *ctx)
{
	struct scratch *s = scratch_of_cpu();

	if (!s)
		return 0;
	if (walk_paths(s, DEEP))
		finish(s, ctx);
	else
		go_on(s, ctx);
	return 0;
}
