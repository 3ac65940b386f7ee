// sources: etw_join.c etw_told.c etw_keys.c etw_learn.c etw_names.c etw_starts.c etw_text.c etw.c
// sources: actors.c blob_store.c bytes.c json_write.c json.c text.c sysmon_form.c
/* sn_etw_join on random starts of which all is known: each process is told of by Kernel-Process in any version, by the
 * kernel logger, by both in either order, or by neither; their process ids are used again. What is told is held against
 * what was made: two events of one start are told as one if they are at most a millisecond apart, and no other two. */
#include <string.h>

#include "check.h"
#include "etw_join.h"

enum {
	STARTS = 6000,
	PIDS = 400,
	DATA_MAX = 512,
	MS = 1000000,
	WAIT = 200 * MS,
	APART = MS, /* that two events of one start may be */
	MANIFEST = 0,
	CLASSIC = 1,
};

static const uint64_t begin = 1555526400000000000u;

/* One start as it was. */
struct made {
	uint32_t pid, parent;
	uint32_t parent_number; /* whose pid that was; 0: nobody's */
	uint64_t at[2];		/* by `classic`: of its events; 0: it is lost */
	uint32_t version[2];
	uint8_t told[2];
};

/* An event that is delivered: half of a start, or the first file that a process maps. */
struct delivery {
	uint64_t time;
	uint32_t number, order;
	uint8_t classic, is_image;
};

static struct made made[STARTS + 1]; /* by number, from 1 */
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

/* ---- as events ---- */

static uint8_t data[DATA_MAX];
static uint32_t size;

static void put(uint64_t value, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		data[size++] = i < 8 ? (uint8_t)(value >> 8 * i) : 0;
}

static void put_wide(const char *text)
{
	for (; *text; text++)
		put((uint8_t)*text, 2);
	put(0, 2);
}

static uint64_t sequence_of(uint32_t number)
{
	return number ? 1000 + number : 0;
}

static uint64_t filetime(uint64_t time)
{
	return time / 100 + 116444736000000000u;
}

/* Texts end with the start's number. */
static const char *named(const char *head, uint32_t number)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s%05u", head, number);
	return text;
}

static void put_manifest(const struct made *start, uint32_t number)
{
	uint32_t version = start->version[MANIFEST];

	put(start->pid, 4);
	if (version >= 3)
		put(sequence_of(number), 8);
	put(filetime(start->at[MANIFEST]), 8);
	put(start->parent, 4);
	if (version >= 3)
		put(sequence_of(start->parent_number), 8);
	put(1, 4);
	if (version >= 1)
		put(0, 4);
	if (version >= 3) {
		put(0, 8);
		put(0x1000000000000101, 8); /* S-1-16-12288 */
		put(12288, 4);
	}
	put_wide(named("\\Device\\", number));
	if (version >= 2) {
		put(0, 8);
		put_wide("");
		put_wide("");
	}
	put(0, version >= 5 ? 10 : version >= 4 ? 4 : 0);
}

static void put_classic(const struct made *start, uint32_t number)
{
	put(0xffff8000, 8);
	put(start->pid, 4);
	put(start->parent, 4);
	put(1, 4);
	put(259, 4);
	put(0, 8);
	if (start->version[CLASSIC] >= 4)
		put(0, 4);
	put(0, 4); /* no user */
	for (const char *text = named("", number); *text; text++)
		put((uint8_t)*text, 1);
	put(0, 1);
	put_wide(named("line ", number));
	if (start->version[CLASSIC] >= 4) {
		put_wide("");
		put_wide("");
	}
}

static void put_image(const struct made *start, uint32_t number)
{
	put(0, 16);
	put(start->pid, 4);
	put(0, 12);
	put(0, 8 + 16);
	put_wide(named("\\Device\\", number));
}

static struct sn_etw_event event_of(const struct delivery *delivery)
{
	static const struct sn_guid guids[] = {
#define SN_ETW_PROVIDER(key, name, ...) __VA_ARGS__,
#include "etw_layout.def"
	};
	const struct made *start = &made[delivery->number];
	enum sn_etw_provider provider = delivery->is_image  ? SN_ETW_CLASSIC_IMAGE
					: delivery->classic ? SN_ETW_CLASSIC_PROCESS
							    : SN_ETW_KERNEL_PROCESS;

	size = 0;
	if (delivery->is_image)
		put_image(start, delivery->number);
	else if (delivery->classic)
		put_classic(start, delivery->number);
	else
		put_manifest(start, delivery->number);
	CHECK(size <= DATA_MAX);
	return (struct sn_etw_event){.provider = guids[provider],
				     .id = delivery->is_image ? 10 : 1,
				     .version = (uint8_t)(delivery->is_image ? 3 : start->version[delivery->classic]),
				     .classic = delivery->classic,
				     .pointer = 8,
				     .pid = 4,
				     .time = delivery->time,
				     .index = 2 * delivery->number + delivery->classic,
				     .data = data,
				     .size = size};
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
