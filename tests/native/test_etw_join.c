// sources: etw_join.c etw_hosts.c etw_told.c etw_keys.c etw_learn.c etw_names.c etw_starts.c etw_text.c etw.c
// sources: actors.c blob_store.c bytes.c json_write.c json.c text.c sysmon_form.c
/* sn_etw_join on random starts of which all is known: each process is told of by Kernel-Process in any version, by the
 * kernel logger, by both in either order, or by neither; their process ids are used again. What is told is held against
 * what was made: two events of one start are told as one if they are at most a millisecond apart, and no other two. */
#include <string.h>

#include "etw_join.h"
#include "made_starts.h"

enum {
	PIDS = 400,
	MS = 1000000,
	WAIT = 200 * MS,
	APART = MS, /* that two events of one start may be */
};

static const uint64_t begin = 1555526400000000000u;

static struct delivery deliveries[3 * STARTS];
static uint32_t count;
static uint64_t seed;

static uint32_t below(uint32_t n)
{
	return random_below(&seed, n);
}

/* ---- what there is to be told ---- */

static void deliver(uint32_t number, int classic, int is_image, uint64_t time)
{
	deliveries[count] = (struct delivery){time, number, count, (uint8_t)classic, (uint8_t)is_image};
	count++;
}

/* How far its second event is behind the first. */
static uint64_t between(void)
{
	static const uint64_t often[] = {0, 100, APART, APART + 100};

	return below(2) ? often[below(4)] : below(3 * APART / 2) / 100 * 100;
}

static uint64_t taken[PIDS + 1]; /* by pid / 4: when it began, or made another */

/* One of which all is told that happened to it. */
static uint32_t settled_pid(uint64_t time)
{
	uint32_t pid;

	do
		pid = 1 + below(PIDS);
	while (taken[pid] + 5 * APART > time);
	return 4 * pid;
}

/* `all`: no event is lost. */
static void make_start(uint32_t number, uint64_t time, uint32_t *holder, int all)
{
	struct made *start = &made[number];
	int first = (int)below(2), lost = all ? 3 : (int)below(8);

	*start = (struct made){.pid = settled_pid(time), .version = {below(6), 3 + below(2)}};
	taken[start->pid / 4] = time;
	start->parent = settled_pid(time);
	taken[start->parent / 4] = time;
	start->parent_number = holder[start->parent / 4];
	start->at[first] = time;
	start->at[!first] = time + between();
	if (lost < 2)
		start->at[lost] = 0;
	else if (lost == 2)
		start->at[0] = start->at[1] = 0;
	for (int classic = 0; classic < 2; classic++)
		if (start->at[classic])
			deliver(number, classic, 0, start->at[classic]);
	if (start->at[CLASSIC] && below(2))
		deliver(number, CLASSIC, 1, start->at[CLASSIC] + 2 * APART);
	holder[start->pid / 4] = number;
}

static int by_time(const void *a, const void *b)
{
	const struct delivery *left = a, *right = b;

	if (left->time != right->time)
		return left->time < right->time ? -1 : 1;
	return left->order < right->order ? -1 : 1;
}

static void make_all(int all)
{
	uint32_t holder[PIDS + 1] = {0};
	uint64_t time = begin;

	memset(taken, 0, sizeof(taken));
	count = 0;
	for (uint32_t number = 1; number <= STARTS; number++) {
		time += 100 * (below(4) ? 1 + below(2000) : 250000 + below(300000));
		make_start(number, time, holder, all);
	}
	qsort(deliveries, count, sizeof(*deliveries), by_time);
}

/* ---- what was told ---- */

static uint32_t number_in(const char *text, uint32_t len)
{
	char digits[6] = "";

	CHECK(len >= 5);
	memcpy(digits, text + len - 5, 5);
	return (uint32_t)strtoul(digits, NULL, 10);
}

static uint32_t number_of_wide(struct sn_bytes text)
{
	char narrow[64];
	uint32_t len = text.len / 2;

	CHECK(len < sizeof(narrow));
	for (uint32_t i = 0; i < len; i++)
		narrow[i] = (char)text.at[2 * i];
	return number_in(narrow, len);
}

/* Of whom a process's texts speak; 0: it has none. They never speak of two. */
static uint32_t number_of_actor(struct sn_actors *actors, const struct sn_actor *actor)
{
	uint32_t numbers[2] = {0};

	for (uint32_t which = 0; actor && which < 2; which++) {
		struct sn_bytes text = sn_actors__text(actors, actor, (enum sn_actor_text)which);

		if (text.len)
			numbers[which] = number_in((const char *)text.at, text.len);
	}
	CHECK(!numbers[0] || !numbers[1] || numbers[0] == numbers[1]);
	return numbers[0] ? numbers[0] : numbers[1];
}

static int is_joined(const struct made *start)
{
	uint64_t a = start->at[MANIFEST], b = start->at[CLASSIC];

	return a && b && (a > b ? a - b : b - a) <= APART;
}

/* Whether its sequence number was told, with all else that was told of it. */
static int has_sequence(const struct made *start)
{
	return start->at[MANIFEST] && start->version[MANIFEST] >= 3 && (!start->at[CLASSIC] || is_joined(start));
}

/* A parent of whom nothing was said is not another who had its id before, where sequence numbers tell. */
static void check_parent(struct sn_actors *actors, const struct sn_etw_told *told, const struct made *start)
{
	const struct made *parent = &made[start->parent_number];
	uint32_t number = number_of_actor(actors, told->parent);
	int knows = told->main->provider == SN_ETW_KERNEL_PROCESS && start->version[MANIFEST] >= 3;

	if (parent->at[MANIFEST] || parent->at[CLASSIC])
		CHECK(number == start->parent_number);
	else if (start->parent_number && knows && number)
		CHECK(!has_sequence(&made[number]));
}

static void check(struct sn_actors *actors, const struct sn_etw_told *told, uint64_t *last)
{
	int is_manifest = told->main->provider == SN_ETW_KERNEL_PROCESS;
	const struct sn_etw_decoded *classic = is_manifest ? told->classic : told->main;
	uint32_t number = 0, other = 0;
	struct made *start;
	int is_late; /* what came too late to be joined: who had the parent's id then is another question */

	if (told->main->provider == SN_ETW_CLASSIC_IMAGE)
		return;
	CHECK(told->event.id == 1);
	if (is_manifest)
		number = number_of_wide(told->main->column[SN_ETW_PROCESS_START_ImageName].bytes);
	if (classic)
		other = number_of_wide(classic->column[SN_ETW_CLASSIC_PROCESS_CommandLine].bytes);
	CHECK(!number || !other || number == other);
	number = number ? number : other;
	start = &made[number];
	is_late = start->told[MANIFEST] || start->told[CLASSIC];
	start->told[MANIFEST] += is_manifest != 0;
	start->told[CLASSIC] += classic != NULL;
	CHECK(told->time >= *last);
	*last = told->time;
	CHECK(told->index / 2 == number && told->time == start->at[told->index % 2]);
	CHECK(!(is_manifest && classic) || told->time <= start->at[told->index % 2 ? MANIFEST : CLASSIC]);
	CHECK(told->process && number_of_actor(actors, told->process) == number);
	if (!is_late)
		check_parent(actors, told, start);
}

static void check_all(const struct sn_etw_join_stats *stats, uint32_t *joined)
{
	uint64_t pairs = 0;

	for (uint32_t number = 1; number <= STARTS; number++) {
		const struct made *start = &made[number];
		CHECK(start->told[MANIFEST] == (start->at[MANIFEST] != 0) &&
		      start->told[CLASSIC] == (start->at[CLASSIC] != 0));
		pairs += (uint32_t)is_joined(start);
	}
	CHECK(stats->joined == pairs);
	CHECK(stats->told + stats->joined == count);
	CHECK(!stats->hurried && !stats->broken && !stats->unknown_version && !stats->not_decoded);
	*joined += (uint32_t)pairs;
}

static void run(int all, uint32_t *joined)
{
	struct sn_etw_join_options options = {
		.actors = sn_actors__new(), .names = sn_etw_names__new(), .wait_ns = WAIT};
	struct sn_etw_join *join = sn_etw_join__new(&options);
	const struct sn_etw_told *told;
	uint64_t last = 0;

	CHECK(join);
	make_all(all);
	for (uint32_t i = 0; i < count; i++) {
		struct sn_etw_event event = event_of(&deliveries[i]);

		while (sn_etw_join__is_due(join, event.time, event.size))
			check(options.actors, sn_etw_join__release(join), &last);
		CHECK(sn_etw_join__take(join, &event, &told) == 0);
		if (told)
			check(options.actors, told, &last);
	}
	while (sn_etw_join__is_waiting(join))
		check(options.actors, sn_etw_join__release(join), &last);
	check_all(sn_etw_join__stats(join), joined);
	sn_etw_join__free(join);
	sn_actors__free(options.actors);
	sn_etw_names__free(options.names);
}

int main(void)
{
	uint32_t joined = 0;

	for (seed = 1; seed < 5; seed++) {
		uint64_t round = seed;

		run(round % 2 == 0, &joined);
		seed = round;
	}
	CHECK(joined > STARTS); /* two events of one start are what it is about */
	return 0;
}
