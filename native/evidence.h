/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_evidence: what was lost, where and when, from the per-CPU sequence numbers.
 *
 *   sequence of one CPU:   0 1 2 3 . . 6 7 8 . 10        next = 11
 *                                  gap 4,5   gap 9        lost = 3
 *   5 arrives late:                gap 4                  lost = 2, late = 1
 *
 * A probe that interrupts another on its CPU overtakes it, so a number that comes late takes itself out of its gap.
 * The last GAPS gaps of a CPU are kept for that. Losses are also kept by the second for RECENT seconds.
 */
#ifndef SN_EVIDENCE_H
#define SN_EVIDENCE_H
#include <stdint.h>

enum {
	SN_EVIDENCE_CPUS = 8192, /* NR_CPUS of the largest distribution kernels */
	SN_EVIDENCE_RECENT = 10, /* seconds */
};

struct sn_evidence;

struct sn_evidence *sn_evidence__new(void);
void sn_evidence__free(struct sn_evidence *evidence);
/* A record with that number arrived at `time` (ns). Returns 0 in order, the count of numbers newly missing before it,
 * -EALREADY when it came late, -EINVAL when there is no such CPU. */
int64_t sn_evidence__arrived(struct sn_evidence *evidence, uint16_t cpu, uint64_t seq, uint64_t time);
/* A SN_LOSS record: `count` numbers from `seq` on are missing. Says nothing new when a gap has shown them already. */
int64_t sn_evidence__missing(struct sn_evidence *evidence, uint16_t cpu, uint64_t seq, uint64_t count, uint64_t time);
/* Lost on that CPU since the start. */
uint64_t sn_evidence__lost(const struct sn_evidence *evidence, uint16_t cpu);
/* Of them those found out within SN_EVIDENCE_RECENT s before `time`, to the whole second. */
uint64_t sn_evidence__recent(const struct sn_evidence *evidence, uint16_t cpu, uint64_t time);
/* Lost on all CPUs. */
uint64_t sn_evidence__total(const struct sn_evidence *evidence);
#endif
