// sources: actors.c blob_store.c bytes.c
/* struct sn_actors against a twin that remembers everything: whom an id, a time, a number or a GUID means, who made
 * whom, which starts are one, and that no text is another's. What the table has no room for may be unknown, never
 * somebody else. */
#include <string.h>

#include "actors.h"
#include "check.h"

enum { ROUNDS = 8, PIDS = 40, HISTORY = 4096, SECOND = 1000000000 };

/* A process as it really was. */
struct truth {
	uint32_t pid, parent;
	uint64_t start, end, sequence, guid;
	uint32_t sources;
	uint32_t text; /* what it was given last; 0: nothing */
};

struct twin {
	struct sn_actors *actors;
	uint64_t random, now, next;
	struct truth process[HISTORY];
	uint32_t count;
};

static struct sn_guid guid_of(uint64_t number)
{
	struct sn_guid guid = {0};

	memcpy(guid.d, &number, sizeof(number));
	return guid;
}

/* Who had the pid at that time, by what is true; NULL: nobody that was told of. */
static struct truth *true_owner(struct twin *t, uint32_t pid, uint64_t time)
{
	for (uint32_t i = t->count; i--;)
		if (t->process[i].pid == pid && t->process[i].start <= time)
			return t->process[i].end && time > t->process[i].end ? NULL : &t->process[i];
	return NULL;
}

static void give_text(struct twin *t, struct truth *truth, struct sn_actor *actor)
{
	uint32_t size = 1 + random_below(&t->random, 500), number = (uint32_t)(truth - t->process) + 1;
	char text[512];

	for (uint32_t i = 0; i < size; i++)
		text[i] = (char)('a' + (number + i) % 26);
	sn_actors__set(t->actors, actor, SN_ACTOR_LINE, text, size);
	sn_actors__set(t->actors, actor, SN_ACTOR_MADE, &number, sizeof(number));
	truth->text = number;
}

/* The actor is the truth, and its texts are what that was given. */
static void check_same(struct twin *t, const struct truth *truth, const struct sn_actor *actor)
{
	uint32_t number;

	CHECK(actor->id.pid == truth->pid && actor->start == truth->start);
	CHECK(!truth->text == !sn_actors__size(t->actors, actor, SN_ACTOR_MADE));
	if (!truth->text)
		return;
	CHECK(sn_actors__size(t->actors, actor, SN_ACTOR_MADE) == sizeof(number));
	sn_actors__read(t->actors, actor, SN_ACTOR_MADE, &number);
	CHECK(number == truth->text);
}

/* One more source tells of a start; the clocks of two differ by a tenth of a second at most. */
static void tell(struct twin *t, struct truth *truth, enum sn_actor_source source)
{
	uint64_t late = truth->sources && !truth->end ? random_below(&t->random, SECOND / 10) : 0;
	struct sn_actor_id id = {.pid = truth->pid, .time = truth->start + late};
	struct sn_actor_id parent = {.pid = truth->parent, .time = truth->start};
	struct sn_actor *actor;

	if (source == SN_TOLD_BY_SYSMON)
		id.guid = guid_of(truth->guid);
	if (source == SN_TOLD_BY_ETW)
		id.sequence = truth->sequence;
	actor = sn_actors__start(t->actors, &id, &parent, truth->start + late, source);
	truth->sources |= source;
	CHECK(actor->sources == truth->sources);
	give_text(t, truth, actor);
	check_same(t, truth, actor);
}

static void end(struct twin *t, struct truth *truth)
{
	struct sn_actor_id id = {.pid = truth->pid, .time = t->now};
	struct sn_actor *actor = sn_actors__find(t->actors, &id);

	truth->end = t->now;
	CHECK(actor);
	sn_actors__end(actor, t->now);
	t->now += 1 + random_below(&t->random, SECOND);
}

/* Where the end of a pid's owner was not seen, one more start is told from its own by the source, the parent, or the
 * time. */
static void begin(struct twin *t)
{
	enum sn_actor_source source = (enum sn_actor_source)(1 << random_below(&t->random, 3));
	uint32_t pid = 4 * (2 + random_below(&t->random, PIDS)), parent = 4 * (2 + random_below(&t->random, 2));
	struct truth *before = true_owner(t, pid, t->now);

	if (before && random_below(&t->random, 2)) {
		end(t, before);
	} else if (before) {
		before->end = t->now;
		t->now += 1 + random_below(&t->random, SECOND / 5);
		if (!(before->sources & source) && before->parent == parent)
			t->now += SECOND;
	}
	t->next++;
	t->process[t->count++] =
		(struct truth){.pid = pid, .parent = parent, .start = t->now, .sequence = t->next, .guid = t->next};
	tell(t, &t->process[t->count - 1], source);
}

static void stop(struct twin *t)
{
	struct truth *truth = &t->process[t->count - 1 - random_below(&t->random, t->count < 60 ? t->count : 60)];

	if (true_owner(t, truth->pid, t->now) == truth)
		end(t, truth);
}

static void tell_more(struct twin *t)
{
	struct truth *truth = &t->process[t->count - 1];
	uint32_t source = 1u << random_below(&t->random, 3);

	if (!(truth->sources & source))
		tell(t, truth, (enum sn_actor_source)source);
}

static void ask(struct twin *t)
{
	struct truth *truth = &t->process[t->count - 1 - random_below(&t->random, t->count < 60 ? t->count : 60)];
	struct sn_actor_id by_guid = {.pid = truth->pid, .time = UINT64_MAX, .guid = guid_of(truth->guid)};
	struct sn_actor_id by_number = {.pid = truth->pid, .time = UINT64_MAX, .sequence = truth->sequence};
	struct sn_actor_id by_time = {.pid = truth->pid, .time = t->now};
	const struct truth *owner = true_owner(t, truth->pid, t->now);
	const struct sn_actor *actor;

	if (truth->sources & SN_TOLD_BY_SYSMON && (actor = sn_actors__find(t->actors, &by_guid)) &&
	    (owner == truth || memcmp(&actor->id.guid, &by_guid.guid, sizeof(by_guid.guid)) == 0))
		check_same(t, truth, actor);
	if (truth->sources & SN_TOLD_BY_ETW && (actor = sn_actors__find(t->actors, &by_number)) &&
	    (owner == truth || actor->id.sequence == truth->sequence)) {
		check_same(t, truth, actor);
		CHECK(actor->id.sequence == truth->sequence);
	}
	actor = sn_actors__find(t->actors, &by_time);
	if (owner && actor)
		check_same(t, owner, actor);
	else if (actor)
		CHECK(actor->end && t->now - actor->end <= 2 * (uint64_t)SECOND);
	by_time.time = UINT64_MAX;
	owner = true_owner(t, truth->pid, UINT64_MAX);
	CHECK(!sn_actors__find(t->actors, &by_time) == !owner);
	if (actor && (actor = sn_actors__parent(t->actors, actor))) {
		CHECK(actor->start <= t->now);
	}
}

static void run(struct twin *t)
{
	t->now = 1000ull * SECOND;
	while (t->count < HISTORY - 1) {
		t->now += random_below(&t->random, SECOND / 50);
		switch (t->count ? random_below(&t->random, 8) : 0) {
		case 0:
		case 1:
			begin(t);
			break;
		case 2:
			tell_more(t);
			break;
		case 3:
			stop(t);
			break;
		default:
			ask(t);
		}
	}
}

static void test_root(struct sn_actors *actors)
{
	static const struct {
		uint32_t pid;
		const char *image;
		int is_root;
	} rows[] = {{4, "", 1},
		    {40, "C:\\Windows\\System32\\smss.exe", 1},
		    {40, "\\Device\\HarddiskVolume3\\WINDOWS\\system32\\Services.EXE", 1},
		    {40, "C:\\Windows\\System32\\x\\smss.exe", 0},
		    {40, "C:\\Windows\\smss.exe", 0},
		    {40, "smss.exe", 0},
		    {40, "C:\\Windows\\System32\\xsmss.exe", 0},
		    {40, "", 0}};

	for (uint32_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sn_actor *actor = sn_actors__begin(actors, &(struct sn_actor_id){.pid = rows[i].pid}, 1);

		sn_actors__set(actors, actor, SN_ACTOR_IMAGE, rows[i].image, strlen(rows[i].image));
		CHECK(sn_actors__is_root(actors, actor) == rows[i].is_root);
	}
}

int main(void)
{
	static struct twin twin;
	struct sn_actors *actors = sn_actors__new();
	struct sn_actors_stats stats;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		/* all of its room comes back: what leaked in one round would be missing in the next */
		twin = (struct twin){.actors = actors, .random = round};
		CHECK(twin.actors);
		run(&twin);
		stats = *sn_actors__stats(twin.actors);
		CHECK(stats.same && stats.actors <= twin.count);
		sn_actors__forget(twin.actors);
		stats = *sn_actors__stats(twin.actors);
		CHECK(!stats.actors);
	}
	test_root(actors);
	sn_actors__free(actors);
	return 0;
}
