/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * The buffer in which an exec record is put together, and its variable parts, one after another behind struct sn_exec.
 */
#ifndef SN_EXEC_RECORD_H
#define SN_EXEC_RECORD_H
#include "task.h"

struct scratch {
	u64 busy;
	u64 at; /* in record: where the next bytes go */
	struct walk image;
	struct walk cwd;
	u8 record[SN_RECORD_MAX];
};

_Static_assert(sizeof(struct scratch) == VALUE_scratch, "maps.def: scratch");
_Static_assert(sizeof(struct sn_exec) + 3 * SN_PATH_MAX < 16384, "offsets fit the mask");

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

/* The record's size with its end filled up to a multiple of 8. */
inline_fn u32 padded(struct scratch *s)
{
	u64 size = s->at;

	hide(size);
	size &= 65535;
	if (size > SN_RECORD_MAX - 8)
		size = SN_RECORD_MAX - 8; /* cannot be: the parts have bounds */
	*(u64 *)&s->record[size] = 0;
	return (size + 7) & ~7u;
}
#endif
