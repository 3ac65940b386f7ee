// sources: etw_view.c etw_line.c etw_told.c etw_hosts.c etw_join.c etw_keys.c etw_learn.c etw_names.c
// sources: etw_starts.c etw_text.c etw.c actors.c blob_store.c bytes.c json_write.c json.c ndjson.c
// sources: ndjson_elements.c ndjson_keys.c logsource.c mapping.c sysmon_form.c text.c values.c
/* sn_etw_view: what rules see of random events of every layout is what ndjson.c takes from the event's line, whichever
 * fields the rules read. */
#include "check.h"
#include "etw_join.h"
#include "etw_line.h"
#include "etw_view.h"
#include "mapping.h"
#include "ndjson.h"
#include "stand_in_rules.h"

enum { EVENTS = 4000, DATA_MAX = 8192, NAMES_MAX = 400, LINE_MAX = 1 << 20, PIDS = 24, TEXT_UNITS = 40 };

/* ---- layouts, anew ---- */

struct column {
	uint8_t since, type;
};

#define SN_ETW_COLUMN(layout, since, type, name) {since, SN_ETW_##type},
#define SN_ETW_LAYOUT(layout, columns)		 static const struct column layout_##layout[] = {columns};
#include "etw_layout.def"
#undef SN_ETW_COLUMN

static const struct sn_guid guids[] = {
#define SN_ETW_PROVIDER(key, name, ...) __VA_ARGS__,
#include "etw_layout.def"
};

static const struct kind {
	uint32_t provider, columns;
	uint16_t id;
	uint8_t from, to, plus;
	const struct column *column;
} kinds[] = {
#define SN_ETW_EVENT(provider, id, from, to, plus, more, layout)                                                       \
	{SN_ETW_##provider, sizeof(layout_##layout) / sizeof(struct column), id, from, to, plus, layout_##layout},
#include "etw_layout.def"
};

/* Every name that a member has, and those that Sigma has for them. */
static const char *const names[] = {
#define SN_ETW_OWN_MEMBER(name)			    #name,
#define SN_ETW_COLUMN(layout, since, type, name)    #name,
#define SN_ETW_LAYOUT(layout, columns)		    columns
#define SN_MAP(service, category, field, how, from) field,
	SN_ETW_OWN_MEMBERS(SN_ETW_OWN_MEMBER)
#include "etw_layout.def"
#include "taxonomy.def"
};

/* ---- random events ---- */

static uint64_t seed = 1;

static uint32_t below(uint32_t n)
{
	return random_below(&seed, n);
}

struct data {
	uint8_t bytes[DATA_MAX];
	uint32_t size;
};

static void put(struct data *data, uint64_t value, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		data->bytes[data->size++] = i < 8 ? (uint8_t)(value >> 8 * i) : 0;
}

static void put_wide(struct data *data, const char *head)
{
	static const uint16_t odd[] = {'"',    '\\',   '\n',   1,      0x7f,   0x80,   0xe9,   0x7ff,  0x800,
				       0x202e, 0xd800, 0xdbff, 0xdc00, 0xdc80, 0xdcff, 0xdfff, 0xfeff, 0xffff};
	uint32_t units = below(TEXT_UNITS), odds = below(3);

	while (*head)
		put(data, (uint8_t)*head++, 2);
	for (uint32_t i = 0; i < units; i++)
		put(data, odds && !below(6) ? odd[below(sizeof(odd) / sizeof(*odd))] : ' ' + below(0x5f), 2);
	put(data, 0, 2);
}

static void put_path(struct data *data)
{
	static const char *const heads[] = {"", "\\Device\\HarddiskVolume3\\", "\\??\\C:\\", "\\Device\\Mup\\s\\",
					    "\\REGISTRY\\MACHINE\\"};

	put_wide(data, heads[below(sizeof(heads) / sizeof(*heads))]);
}

static void put_sid(struct data *data)
{
	static const uint32_t last[] = {18, 1001, 8192, 12288, 5};
	int is_label = below(2) != 0;

	put(data, 1 | 1 << 8, 2);
	put(data, (uint64_t)(is_label ? 16 : 5) << 40, 6);
	put(data, last[below(sizeof(last) / sizeof(*last))], 4);
}

static void put_column(struct data *data, uint32_t type, uint32_t pointer)
{
	switch (type) {
	case SN_ETW_U8:
		put(data, below(256), 1);
		return;
	case SN_ETW_U16:
	case SN_ETW_PORT:
		put(data, below(65536), 2);
		return;
	case SN_ETW_U32:
	case SN_ETW_I32:
	case SN_ETW_IP4:
		put(data, below(4) ? 4 * below(PIDS) : random_next(&seed), 4);
		return;
	case SN_ETW_U64:
		put(data, below(2) ? below(100) : random_next(&seed), 8);
		return;
	case SN_ETW_PTR:
		put(data, below(2) ? below(100) : random_next(&seed), pointer);
		return;
	case SN_ETW_TIME:
		put(data, below(4) ? 132000000000000000 + below(1000000) : below(100), 8);
		return;
	case SN_ETW_SID:
		put_sid(data);
		return;
	case SN_ETW_USER:
		put(data, below(2), 4);
		if (!data->bytes[data->size - 4])
			return;
		put(data, 0, 2 * pointer - 4);
		put_sid(data);
		return;
	case SN_ETW_WTEXT:
		put_wide(data, "");
		return;
	case SN_ETW_WPATH:
		put_path(data);
		return;
	case SN_ETW_ATEXT:
		for (uint32_t n = below(20); n > 0; n--)
			put(data, 1 + below(255), 1);
		put(data, 0, 1);
		return;
	case SN_ETW_BOOL:
		put(data, below(2), below(2) ? 1 : 4);
		return;
	case SN_ETW_IP6:
		put(data, random_next(&seed), 8);
		put(data, random_next(&seed), 8);
		return;
	default:
		put(data, 4 * below(3), 2);
		put(data, random_next(&seed), data->bytes[data->size - 2]);
	}
}

static struct sn_etw_event make(const struct kind *kind, struct data *data, uint64_t time)
{
	uint32_t version = kind->from + below(kind->to - kind->from + 1u), pointer = below(4) ? 8 : 4;

	data->size = 0;
	for (uint32_t i = 0; i < kind->columns; i++)
		if (version + kind->plus >= kind->column[i].since)
			put_column(data, kind->column[i].type, pointer);
	CHECK(data->size <= DATA_MAX);
	return (struct sn_etw_event){.provider = guids[kind->provider],
				     .id = kind->id,
				     .version = (uint8_t)version,
				     .classic = (uint8_t)sn_etw__is_classic((enum sn_etw_provider)kind->provider),
				     .pointer = (uint8_t)pointer,
				     .pid = below(8) ? 4 * below(PIDS) : UINT32_MAX,
				     .tid = below(100),
				     .time = time,
				     .data = data->bytes,
				     .size = data->size};
}

static uint32_t command_line(uint32_t pid, uint64_t start, uint8_t *out, const char **from)
{
	(void)start;
	*from = "process";
	if (pid % 8)
		return 0;
	memcpy(out, "a \"b\"\x01", 6);
	return 6;
}

/* ---- the same twice ---- */

static int is_same(const struct sn_value *a, const struct sn_value *b)
{
	return a->state == b->state && a->len == b->len && (!a->len || memcmp(a->text, b->text, a->len) == 0);
}

/* What rules read, and what is kept of each event; who starts, and by whom, is told besides, and what a process that
 * does something was started as is only for rules. Other members behind the table are taken only where something is
 * made from them. */
static void compare(const struct sn_rules *rules, bool starts, const struct sn_values *a, const struct sn_values *b)
{
	CHECK(a->event.more_count == b->event.more_count);
	for (uint32_t i = 0; i < a->event.fields; i++)
		CHECK(is_same(&a->event.value[i], &b->event.value[i]));
	for (uint32_t i = 0; i < SN_START_FIELDS; i++) {
		uint32_t number = sn_mapping__start_field(rules, (enum sn_start_field)i);

		if (starts ? i == SN_START_PROCESS_ID || i == SN_START_PARENT_PROCESS_ID
			   : i == SN_START_COMMAND_LINE || i == SN_START_PARENT_IMAGE ||
				     i == SN_START_PARENT_COMMAND_LINE)
			continue;
		CHECK(is_same(&a->event.value[number], &b->event.value[number]));
	}
	for (uint32_t i = 0; i < a->event.more_count; i++)
		CHECK(is_same(&a->event.more[i], &b->event.more[i]));
}

struct bench {
	const struct sn_rules *rules;
	struct sn_etw_view *view;
	struct sn_ndjson *ndjson;
	struct sn_values *direct, *by_line;
	uint64_t judged;
};

static void check(struct bench *bench, const struct sn_etw_told *told)
{
	static char line[LINE_MAX];
	struct sn_writer w = {.at = line, .end = line + sizeof(line)};
	struct sn_routes routes, wanted;

	sn_etw__write_line(&w, told);
	CHECK(!w.full);
	CHECK(sn_ndjson__decode(bench->ndjson, line, (size_t)(w.at - line), UINT32_MAX, bench->by_line, &wanted) == 0);
	sn_etw_view__fill(bench->view, bench->direct, told, &routes);
	CHECK(routes.count == wanted.count && routes.starts == wanted.starts && routes.service == wanted.service &&
	      routes.id == wanted.id && memcmp(routes.route, wanted.route, routes.count * sizeof(*routes.route)) == 0);
	if (!routes.count)
		return;
	compare(bench->rules, routes.starts, bench->direct, bench->by_line);
	bench->judged++;
}

static void run(const char *const *fields)
{
	static struct stand_in rules;
	static struct data data;
	struct bench bench = {0};
	struct sn_etw_join_options options = {
		.actors = sn_actors__new(), .names = sn_etw_names__new(), .wait_ns = 5, .command_line = command_line};
	struct sn_etw_join *join = sn_etw_join__new(&options);
	const struct sn_etw_told *told;

	rules = (struct stand_in){.field = fields};
	bench.rules = &rules.rules;
	bench.view = sn_etw_view__new(&rules.rules);
	bench.ndjson = sn_ndjson__new(&rules.rules);
	bench.direct = sn_values__new(&rules.rules);
	bench.by_line = sn_values__new(&rules.rules);
	CHECK(join && bench.view && bench.ndjson && bench.direct && bench.by_line);
	CHECK(sn_etw_names__set_path(options.names, "\\Device\\HarddiskVolume3", "D \"x\" \\:") == 0);
	CHECK(sn_etw_names__set_account(options.names, "S-1-5-1001", "CORP\\ann\xc3\xa9") == 0);
	for (uint64_t time = 0; time < EVENTS; time++) {
		struct sn_etw_event event =
			make(&kinds[below(sizeof(kinds) / sizeof(*kinds))], &data, 1555526400000000000 + time);

		while (sn_etw_join__is_due(join, event.time, event.size))
			check(&bench, sn_etw_join__release(join));
		CHECK(sn_etw_join__take(join, &event, &told) == 0);
		if (told)
			check(&bench, told);
	}
	CHECK(bench.judged > EVENTS / 4);
	sn_etw_join__free(join);
	sn_actors__free(options.actors);
	sn_etw_names__free(options.names);
	sn_etw_view__free(bench.view);
	sn_ndjson__free(bench.ndjson);
	sn_values__free(bench.direct);
	sn_values__free(bench.by_line);
}

int main(void)
{
	static const char *fields[NAMES_MAX], *none[] = {NULL};

	for (uint32_t round = 0; round < 6; round++) {
		uint32_t count = 0;

		for (uint32_t i = 0; i < sizeof(names) / sizeof(*names) && count < NAMES_MAX - 2; i++) {
			uint32_t j = 0;

			while (j < count && strcmp(fields[j], names[i]) != 0)
				j++;
			if (j == count && (!round || below(2)))
				fields[count++] = names[i];
		}
		if (round % 2)
			fields[count++] = "*";
		fields[count] = NULL;
		run(fields);
	}
	run(none);
	return 0;
}
