// sources: waiting.c facts.c bytes.c
/* Events that wait, against a list that forgets nothing: everyone goes once, with its own frame and the answers it
 * asked for, when it has them or its time is up, and there is room for whoever fits. */
#include <string.h>

#include "check.h"
#include "waiting.h"

enum { OPERATIONS = 200000, NAMES = 64, FRAME_MAX = 6000, ALL = 1 << 20 };

struct twin {
	uint64_t question[2], deadline;
	uint32_t size, answered; /* bit 1 << i: question i got its answer */
	uint8_t first;
	uint8_t waits;
};

static struct twin twins[ALL];
static uint32_t count, oldest;
static uint8_t frame[SN_WAITING_BYTES];

static struct sn_facts answer_of(uint64_t number)
{
	struct sn_facts facts = *sn_facts__empty(SN_FACTS_LOST);

	facts.state = SN_FACTS_KNOWN;
	facts.changed = (int64_t)number;
	return facts;
}

/* The twin that the held one is: its number stands in the frame. */
static struct twin *twin_of(const struct sn_held *held)
{
	uint32_t number;

	memcpy(&number, held->frame, sizeof(number));
	CHECK(number < count && twins[number].waits);
	return &twins[number];
}

static void check_held(const struct sn_held *held, const struct twin *twin)
{
	CHECK(held->frame_size == twin->size && (uintptr_t)held->frame % 8 == 0 && held->deadline == twin->deadline);
	for (uint32_t i = sizeof(uint32_t); i < twin->size; i++)
		CHECK(held->frame[i] == twin->first);
	for (uint32_t q = 0; q < 2; q++) {
		CHECK((held->facts[q] != NULL) == (twin->question[q] != 0));
		if (!twin->question[q])
			continue;
		CHECK((held->question[q] == 0) == (twin->answered >> q & 1));
		if (twin->answered >> q & 1)
			CHECK(held->facts[q]->state == SN_FACTS_KNOWN &&
			      held->facts[q]->changed == (int64_t)twin->question[q]);
		else
			CHECK(held->facts[q]->state == SN_FACTS_LATE);
	}
}

static uint32_t waiting_now(void)
{
	uint32_t n = 0;

	for (uint32_t i = oldest; i < count; i++)
		n += twins[i].waits;
	return n;
}

static void hold(struct sn_waiting *waiting, uint64_t *random, uint64_t now)
{
	struct twin *twin = &twins[count];
	struct sn_held *held;
	uint32_t before = sn_waiting__count(waiting);

	*twin = (struct twin){.deadline = now + 1000,
			      .size = 8 * (1 + random_below(random, FRAME_MAX / 8)),
			      .first = (uint8_t)random_below(random, 256)};
	twin->question[0] = random_below(random, NAMES);
	twin->question[1] = random_below(random, 2) ? NAMES + 1 + random_below(random, NAMES) : 0;
	if (!twin->question[0] && !twin->question[1])
		twin->question[0] = 1;
	memset(frame, twin->first, twin->size);
	memcpy(frame, &count, sizeof(count));
	held = sn_waiting__hold(waiting, frame, twin->size, twin->question, twin->deadline);
	CHECK(held || before); /* an empty room takes anybody */
	if (!held)
		return;
	twin->waits = 1;
	count++;
	CHECK(twin_of(held) == twin);
	check_held(held, twin);
}

static void answer(struct sn_waiting *waiting, uint64_t number)
{
	struct sn_facts facts = answer_of(number);
	uint32_t wanted = 0;

	for (uint32_t i = oldest; i < count; i++)
		for (uint32_t q = 0; q < 2 && twins[i].waits; q++)
			if (number && twins[i].question[q] == number && !(twins[i].answered >> q & 1)) {
				twins[i].answered |= 1u << q;
				wanted++;
			}
	CHECK(sn_waiting__answer(waiting, number, &facts) == wanted);
}

static int is_due(const struct twin *twin, uint64_t now)
{
	return twin->waits && (twin->deadline <= now || ((!twin->question[0] || twin->answered & 1) &&
							 (!twin->question[1] || twin->answered & 2)));
}

static void settle(struct sn_waiting *waiting, uint64_t now)
{
	struct sn_held *held;

	while ((held = sn_waiting__due(waiting, now))) {
		struct twin *twin = twin_of(held);

		CHECK(is_due(twin, now));
		check_held(held, twin);
		twin->waits = 0;
		sn_waiting__release(waiting, held);
	}
	for (uint32_t i = oldest; i < count; i++)
		CHECK(!is_due(&twins[i], now));
	while (oldest < count && !twins[oldest].waits)
		oldest++;
	CHECK(sn_waiting__count(waiting) == waiting_now());
	CHECK((sn_waiting__deadline(waiting) == UINT64_MAX) == (oldest == count));
	CHECK(oldest == count || sn_waiting__deadline(waiting) == twins[oldest].deadline);
}

int main(void)
{
	struct sn_waiting *waiting = sn_waiting__new();
	uint64_t random = 11, now = 0;
	const uint64_t nothing[2] = {1, 0};

	CHECK(waiting);
	CHECK(!sn_waiting__hold(waiting, frame, SN_WAITING_BYTES / 2 + 8, nothing, 1));
	for (uint32_t i = 0; i < OPERATIONS && count < ALL; i++) {
		/* busy spells that fill the room, quiet ones that empty it */
		uint32_t busy = i / 4096 % 2 ? 3 : 12, what = random_below(&random, 16);

		if (what < busy)
			hold(waiting, &random, now);
		else if (what < 14)
			answer(waiting, random_below(&random, 2 * NAMES + 1));
		else
			now += random_below(&random, 40);
		if (what >= busy)
			settle(waiting, now);
	}
	settle(waiting, UINT64_MAX);
	CHECK(oldest == count && count > OPERATIONS / 4);
	sn_waiting__free(waiting);
	return 0;
}
