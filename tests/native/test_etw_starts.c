// sources: etw_starts.c
/* sn_etw_starts against a list that copies everything into memory of its own, on random operations. */
#include <string.h>

#include "check.h"
#include "etw_starts.h"

enum { STEPS = 20000, MANY = 2 * SN_ETW_STARTS_MAX, PIDS = 6, DATA_MAX = 1 << 16 };

struct twin {
	struct sn_etw_start_id id;
	uint64_t index;
	uint8_t *data[2];
	uint32_t size[2];
};

static struct twin waiting[MANY];
static uint32_t count;
static uint64_t seed = 1;
static uint8_t data[DATA_MAX];

static uint32_t below(uint32_t n)
{
	return random_below(&seed, n);
}

/* An event whose second column is the end of its data. */
static struct sn_etw_event make(struct sn_etw_decoded *decoded)
{
	uint32_t size = below(20) ? below(600) : below(DATA_MAX);
	struct sn_etw_event event = {.id = 1, .index = random_next(&seed), .data = data, .size = size};

	for (uint32_t i = 0; i < size; i++)
		data[i] = (uint8_t)random_next(&seed);
	*decoded = (struct sn_etw_decoded){
		.provider = SN_ETW_KERNEL_PROCESS, .kind = 3, .first = 2, .count = 2, .rest = 7};
	decoded->column[0].number = size;
	decoded->column[1].bytes = (struct sn_bytes){data + size / 2, size - size / 2};
	return event;
}

static void keep(struct twin *twin, int classic, const struct sn_etw_event *event)
{
	twin->size[classic] = event->size;
	twin->data[classic] = malloc(event->size + 1u);
	CHECK(twin->data[classic]);
	memcpy(twin->data[classic], event->data, event->size);
}

static void compare(const struct sn_etw_start *start, const struct twin *twin)
{
	CHECK(memcmp(&start->id, &twin->id, sizeof(twin->id)) == 0 && start->index == twin->index);
	for (int i = 0; i < 2; i++) {
		const struct sn_etw_decoded *decoded = start->decoded[i];
		uint32_t size = twin->size[i];

		CHECK((start->event[i] != NULL) == (twin->data[i] != NULL));
		if (!twin->data[i])
			continue;
		CHECK(start->event[i]->size == size && memcmp(start->event[i]->data, twin->data[i], size) == 0);
		CHECK(decoded->provider == SN_ETW_KERNEL_PROCESS && decoded->kind == 3 && decoded->first == 2 &&
		      decoded->count == 2 && decoded->rest == 7 && decoded->column[0].number == size);
		CHECK(decoded->column[1].bytes.at == start->event[i]->data + size / 2 &&
		      decoded->column[1].bytes.len == size - size / 2);
	}
}

static struct twin *find(const struct sn_etw_start_id *id, int classic, uint64_t apart)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t a = waiting[i].id.time, b = id->time;

		if (waiting[i].id.pid == id->pid && waiting[i].id.parent == id->parent && !waiting[i].data[classic] &&
		    (a > b ? a - b : b - a) <= apart)
			return &waiting[i];
	}
	return NULL;
}

static void drop_first(struct sn_etw_starts *starts)
{
	free(waiting[0].data[0]);
	free(waiting[0].data[1]);
	memmove(waiting, waiting + 1, --count * sizeof(*waiting));
	sn_etw_starts__drop_first(starts);
}

/* Of one that comes: to its twin, or behind all others; those that wait go first where there is no room. */
static void come(struct sn_etw_starts *starts, uint64_t now)
{
	struct sn_etw_start_id id = {.pid = below(PIDS), .parent = below(2), .time = now + below(10)};
	int classic = (int)below(2);
	struct sn_etw_decoded decoded;
	struct sn_etw_event event = make(&decoded);
	struct sn_etw_start *start;
	struct twin *twin;

	while (!sn_etw_starts__has_room(starts, event.size)) {
		CHECK(count > 3); /* room for the data of four events at least */
		drop_first(starts);
	}
	start = sn_etw_starts__twin(starts, &id, classic, 20);
	twin = find(&id, classic, 20);
	CHECK(!start == !twin);
	if (start) {
		sn_etw_starts__pair(starts, start, classic, &event, &decoded);
	} else {
		sn_etw_starts__add(starts, &id, classic, &event, &decoded);
		twin = &waiting[count++];
		*twin = (struct twin){.id = id, .index = event.index};
	}
	keep(twin, classic, &event);
}

int main(void)
{
	struct sn_etw_starts *starts = sn_etw_starts__new();
	uint32_t most = 0;

	CHECK(starts);
	for (uint64_t step = 0; step < STEPS; step++) {
		/* by turns they are left to pile up, and all go */
		if (below(step / 2000 % 2 ? 2 : 30))
			come(starts, 1000 + 4 * step);
		else if (count)
			drop_first(starts);
		CHECK(count <= SN_ETW_STARTS_MAX);
		CHECK(!sn_etw_starts__first(starts) == !count);
		if (count)
			compare(sn_etw_starts__first(starts), &waiting[0]);
		most = count > most ? count : most;
	}
	CHECK(most > SN_ETW_STARTS_MAX / 2);
	while (count) {
		compare(sn_etw_starts__first(starts), &waiting[0]);
		drop_first(starts);
	}
	CHECK(!sn_etw_starts__first(starts));
	sn_etw_starts__free(starts);
	return 0;
}
