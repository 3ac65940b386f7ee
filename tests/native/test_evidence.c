// sources: evidence.c
/* struct sn_evidence against a twin that remembers every number. */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "evidence.h"

enum { NUMBERS = 4000, SECOND = 1000000000 };

struct arrival {
	const char *what;
	uint64_t seq[8]; /* ends in UINT64_MAX */
	uint64_t lost;
	uint64_t late;
};

static const struct arrival rows[] = {
	{"in order", {0, 1, 2, UINT64_MAX}, 0, 0},
	{"the first are missing", {3, 4, UINT64_MAX}, 3, 0},
	{"one gap", {0, 3, UINT64_MAX}, 2, 0},
	{"overtaken", {1, 0, 2, UINT64_MAX}, 0, 1},
	{"the midst of a gap comes late, then its ends", {0, 6, 3, 1, 5, UINT64_MAX}, 2, 3},
	{"a late one twice repairs once", {0, 4, 2, 2, UINT64_MAX}, 2, 2},
	{"nothing missing, the same again", {0, 1, 1, 0, UINT64_MAX}, 0, 2},
};

static void test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sn_evidence *evidence = sn_evidence__new();
		uint64_t late = 0;

		for (const uint64_t *seq = rows[i].seq; *seq != UINT64_MAX; seq++)
			late += sn_evidence__arrived(evidence, 3, *seq, SECOND) == -EALREADY;
		if (sn_evidence__lost(evidence, 3) != rows[i].lost || late != rows[i].late)
			fprintf(stderr, "%s: lost %lu late %lu\n", rows[i].what,
				(unsigned long)sn_evidence__lost(evidence, 3), (unsigned long)late);
		CHECK(sn_evidence__lost(evidence, 3) == rows[i].lost && late == rows[i].late);
		CHECK(sn_evidence__total(evidence) == rows[i].lost && sn_evidence__lost(evidence, 4) == 0);
		sn_evidence__free(evidence);
	}
}

/* Numbers come with gaps and up to four places late, a loss record now and then: what never came is what is lost. */
static void test_twin(uint64_t seed)
{
	struct sn_evidence *evidence = sn_evidence__new();
	static uint8_t came[NUMBERS];
	uint64_t order[NUMBERS], state = seed, lost = 0, highest = 0;
	uint32_t n = 0;

	memset(came, 0, sizeof(came));
	for (uint64_t seq = 0; seq < NUMBERS; seq++)
		if (random_below(&state, 20))
			order[n++] = seq;
	for (uint32_t i = 0; i + 4 < n; i++) {
		uint32_t other = i + random_below(&state, 3);
		uint64_t swapped = order[i];

		order[i] = order[other];
		order[other] = swapped;
	}
	for (uint32_t i = 0; i < n; i++) {
		sn_evidence__arrived(evidence, 0, order[i], SECOND);
		came[order[i]] = 1;
		highest = order[i] > highest ? order[i] : highest;
		/* what the capture thread reports has been seen as a gap already, or will not be seen again */
		if (i % 64 == 0)
			CHECK(sn_evidence__missing(evidence, 0, order[i], 1, SECOND) == 0);
	}
	for (uint64_t seq = 0; seq <= highest; seq++)
		lost += !came[seq];
	CHECK(sn_evidence__lost(evidence, 0) == lost && sn_evidence__total(evidence) == lost);
	CHECK(sn_evidence__missing(evidence, 0, highest + 1, 5, SECOND) == 5);
	CHECK(sn_evidence__missing(evidence, 0, highest + 1, 5, SECOND) == 0);
	CHECK(sn_evidence__lost(evidence, 0) == lost + 5);
	sn_evidence__free(evidence);
}

static void test_recent(void)
{
	struct sn_evidence *evidence = sn_evidence__new();

	sn_evidence__arrived(evidence, 0, 2, 100ull * SECOND);
	sn_evidence__arrived(evidence, 0, 4, 105ull * SECOND);
	CHECK(sn_evidence__recent(evidence, 0, 105ull * SECOND) == 3);
	CHECK(sn_evidence__recent(evidence, 0, 110ull * SECOND) == 3);
	CHECK(sn_evidence__recent(evidence, 0, 111ull * SECOND) == 1);
	CHECK(sn_evidence__recent(evidence, 0, 116ull * SECOND) == 0);
	sn_evidence__arrived(evidence, 0, 3, 106ull * SECOND);
	CHECK(sn_evidence__recent(evidence, 0, 106ull * SECOND) == 2);
	CHECK(sn_evidence__recent(evidence, 1, 106ull * SECOND) == 0);
	sn_evidence__free(evidence);
}

static void test_refused(void)
{
	struct sn_evidence *evidence = sn_evidence__new();

	CHECK(sn_evidence__arrived(evidence, SN_EVIDENCE_CPUS, 0, 0) == -EINVAL);
	CHECK(sn_evidence__missing(evidence, 0, UINT64_MAX, 2, 0) == -EINVAL);
	CHECK(sn_evidence__lost(evidence, 0xffff) == 0 && sn_evidence__recent(evidence, 0xffff, 0) == 0);
	sn_evidence__free(evidence);
}

int main(void)
{
	test_rows();
	for (uint64_t seed = 1; seed <= 50; seed++)
		test_twin(seed);
	test_recent();
	test_refused();
	return 0;
}
