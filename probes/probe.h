/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * What every probe does: name the process, number the record, submit it, count what was lost.
 *
 * A cgroup program can be preempted and a softirq interrupts any, so counters are only added to atomically. Each
 * record takes the next number of its CPU just before it is submitted, whether the ring has room or not: a gap is a
 * loss, exactly.
 */
#ifndef SN_PROBE_H
#define SN_PROBE_H
#include "bcc.h"
#include "kernel.h"
#define SN_BPF
#include "event.h"

_Static_assert(sizeof(struct sn_counters) == VALUE_counters, "maps.def: counters");
_Static_assert(sizeof(struct sn_control) == VALUE_control, "maps.def: control");

enum {
	AF_INET_ = 2,
	AF_INET6_ = 10,
	PF_KTHREAD_ = 0x200000, /* include/linux/sched.h */
};

inline_fn struct sn_counters *counters_of_cpu(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(MAP(counters), &zero);
}

/* The identity of the process that `task` belongs to. A thread that execs takes over its leader's start. */
inline_fn u64 start_of(struct task_struct *task)
{
	return task->group_leader->start_boottime;
}

inline_fn void begin(struct sn_header *h, u16 type, struct task_struct *task)
{
	h->size = 0;
	h->type = type;
	h->cpu = SN_CPU_NONE;
	h->seq = 0;
	h->time = bpf_ktime_get_boot_ns();
	h->start = start_of(task);
	h->pid = task->tgid;
	h->flags = task->flags & PF_KTHREAD_ ? SN_F_KERNEL_THREAD : 0;
}

inline_fn u64 next_seq(struct sn_counters *count)
{
	add(&count->seen, 1);
	return fetch_add(&count->next_seq, 1);
}

inline_fn u64 wake_flags(void)
{
	u32 zero = 0;
	struct sn_control *control = bpf_map_lookup_elem(MAP(control), &zero);

	if (!control || !control->asleep)
		return BPF_RB_NO_WAKEUP;
	control->asleep = 0;
	return BPF_RB_FORCE_WAKEUP;
}

inline_fn void submit(struct sn_header *h, u32 size)
{
	struct sn_counters *count = counters_of_cpu();

	if (!count)
		return;
	h->size = size;
	h->cpu = bpf_get_smp_processor_id();
	h->seq = next_seq(count);
	if (ring_output(h, size, wake_flags())) {
		add(&count->ring_full, 1);
		return;
	}
	add(&count->submitted, 1);
	add(&count->by_type[h->type & 15], 1);
}

/* An event that found the scratch buffer taken. */
inline_fn void count_busy(void)
{
	struct sn_counters *count = counters_of_cpu();

	if (!count)
		return;
	next_seq(count);
	add(&count->busy, 1);
}
#endif
