/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence.h"

#include <errno.h>
#include <stdlib.h>

enum { GAPS = 16, SECONDS = 16 };

struct gap {
	uint64_t first;
	uint64_t count;
	uint64_t second; /* when it was found out */
};

struct account {
	uint64_t next; /* number expected */
	uint64_t lost;
	struct gap gap[GAPS]; /* a ring, the oldest is overwritten: what it missed then stays lost */
	uint32_t gaps;	      /* ever opened */
	struct {
		uint64_t second;
		uint64_t lost;
	} by_second[SECONDS];
};

/* Accounts are touched by the CPUs that exist alone: the rest of the array stays unmapped zero pages. */
struct sn_evidence {
	uint64_t total;
	struct account account[SN_EVIDENCE_CPUS];
};

struct sn_evidence *sn_evidence__new(void)
{
	return calloc(1, sizeof(struct sn_evidence));
}

void sn_evidence__free(struct sn_evidence *evidence)
{
	free(evidence);
}

static void open_gap(struct account *account, uint64_t first, uint64_t count, uint64_t second)
{
	account->gap[account->gaps++ % GAPS] = (struct gap){first, count, second};
}

static void lose(struct sn_evidence *evidence, struct account *account, uint64_t count, uint64_t second)
{
	uint32_t slot = second % SECONDS;

	if (account->by_second[slot].second != second) {
		account->by_second[slot].second = second;
		account->by_second[slot].lost = 0;
	}
	account->by_second[slot].lost += count;
	open_gap(account, account->next, count, second);
	account->lost += count;
	account->next += count;
	evidence->total += count;
}

/* Takes `seq` out of the gap that holds it. A number in the midst of a gap leaves two. */
static int64_t repair(struct sn_evidence *evidence, struct account *account, uint64_t seq)
{
	for (uint32_t i = 0; i < GAPS; i++) {
		struct gap *gap = &account->gap[i];
		uint64_t before = seq - gap->first, after;
		uint32_t slot = gap->second % SECONDS;

		if (before >= gap->count)
			continue;
		after = gap->count - before - 1;
		account->lost--;
		evidence->total--;
		if (account->by_second[slot].second == gap->second)
			account->by_second[slot].lost--;
		if (before && after)
			open_gap(account, seq + 1, after, gap->second);
		if (!before)
			gap->first = seq + 1;
		gap->count = before ? before : after;
		break;
	}
	return -EALREADY;
}

int64_t sn_evidence__arrived(struct sn_evidence *evidence, uint16_t cpu, uint64_t seq, uint64_t time)
{
	struct account *account;
	uint64_t missing;

	if (cpu >= SN_EVIDENCE_CPUS)
		return -EINVAL;
	account = &evidence->account[cpu];
	if (seq < account->next)
		return repair(evidence, account, seq);
	missing = seq - account->next;
	if (missing)
		lose(evidence, account, missing, time / 1000000000);
	account->next = seq + 1;
	return (int64_t)missing;
}

int64_t sn_evidence__missing(struct sn_evidence *evidence, uint16_t cpu, uint64_t seq, uint64_t count, uint64_t time)
{
	struct account *account;
	uint64_t missing;

	if (cpu >= SN_EVIDENCE_CPUS || count > UINT64_MAX - seq)
		return -EINVAL;
	account = &evidence->account[cpu];
	if (seq + count <= account->next)
		return 0;
	missing = seq + count - account->next;
	lose(evidence, account, missing, time / 1000000000);
	return (int64_t)missing;
}

uint64_t sn_evidence__lost(const struct sn_evidence *evidence, uint16_t cpu)
{
	return cpu < SN_EVIDENCE_CPUS ? evidence->account[cpu].lost : 0;
}

uint64_t sn_evidence__recent(const struct sn_evidence *evidence, uint16_t cpu, uint64_t time)
{
	uint64_t second = time / 1000000000, lost = 0;

	if (cpu >= SN_EVIDENCE_CPUS)
		return 0;
	for (uint32_t i = 0; i < SECONDS; i++)
		if (second - evidence->account[cpu].by_second[i].second <= SN_EVIDENCE_RECENT)
			lost += evidence->account[cpu].by_second[i].lost;
	return lost;
}

uint64_t sn_evidence__total(const struct sn_evidence *evidence)
{
	return evidence->total;
}
