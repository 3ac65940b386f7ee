// sources: ndjson.c ndjson_elements.c ndjson_keys.c json.c logsource.c mapping.c sysmon_form.c text.c values.c
// optimize: 0
/* sn_ndjson__decode: rows of a line, the logsource it belongs to, and what the fields then hold. */
#include <errno.h>

#include "check.h"
#include "ndjson.h"
#include "stand_in_rules.h"

static const char *const fields[] = {"Image",	      "CommandLine", "ProcessId", "EventID", "Channel",
				     "Provider_Name", "Version",     "Computer",  "Query",   NULL};

struct row {
	const char *line;
	const char *routes; /* as product/category/service, joined by spaces */
	const char *values; /* Field=value;... lists joined by |, null as %, a lost one as ! */
};

#define SYSMON "\"Channel\":\"Microsoft-Windows-Sysmon/Operational\""

static const struct row rows[] = {
	{"{}", "", ""},
	{" { } \n", "", ""},
	{"{\"EventID\":1," SYSMON ",\"Image\":\"C:\\\\a.exe\"}", "windows/process_creation/sysmon",
	 "Image=C:\\a.exe;EventID=1;Channel=Microsoft-Windows-Sysmon/Operational;"},
	{"{" SYSMON ",\"EventID\":\"13\"}", "windows/registry_event/sysmon windows/registry_set/sysmon",
	 "EventID=13;Channel=Microsoft-Windows-Sysmon/Operational;"},
	{"{\"Channel\":\"Microsoft-Windows-Sysmon\\/Operational\",\"EventID\":26}",
	 "windows/file_delete/sysmon windows/file_delete_detected/sysmon",
	 "EventID=26;Channel=Microsoft-Windows-Sysmon/Operational;"},
	{"{\"SourceName\":\"Microsoft-Windows-Sysmon\",\"EventID\":7}", "windows/image_load/sysmon", "EventID=7;"},
	{"{\"Channel\":\"Security\",\"EventID\":4624}", "windows//security", "EventID=4624;Channel=Security;"},
	{"{\"Channel\":\"No such\",\"EventID\":1}", "", "EventID=1;Channel=No such;"},
	{"{\"_cat\":\"registry_set\"," SYSMON ",\"EventID\":13}", "windows/registry_set/sysmon",
	 "EventID=13;Channel=Microsoft-Windows-Sysmon/Operational;"},
	{"{\"_cat\":\"of my own\"}", "windows/of my own/", ""},
	{"{\"src\":\"x\",\"Image\":\"outside\",\"event\":{\"Image\":\"i\",\"ProcessId\":12},\"Image\":\"outside\"}", "",
	 "Image=i;ProcessId=12;"},
	{"{\"Event\":{\"#attributes\":{\"xmlns\":\"Image\"},\"System\":{\"Provider\":{\"#attributes\":{\"Name\":"
	 "\"P\",\"Guid\":\"g\"}},\"EventID\":{\"#attributes\":{\"Qualifiers\":1},\"#text\":3}," SYSMON
	 ",\"Version\":5},\"EventData\":{\"Image\":\"i\",\"Version\":\"7\"}}}",
	 "windows/network_connection/sysmon",
	 "Image=i;EventID=3;Channel=Microsoft-Windows-Sysmon/Operational;Provider_Name=P;Version=7;"},
	{"{\"Event\":{\"EventData\":{\"Version\":\"7\"},\"System\":{\"Version\":5}}}", "", "Version=7;"},
	{"{\"Event\":{\"EventData\":{\"Data\":[{\"@Name\":\"Image\",\"#text\":\"i\"},{\"#text\":\"c\",\"@Name\":"
	 "\"CommandLine\"},{\"#attributes\":{\"Name\":\"Query\"},\"#text\":\"q\"},\"loose\"]}}}",
	 "", "Image=i;CommandLine=c;Query=q;"},
	{"{\"winlog\":{\"channel\":\"Security\",\"event_id\":4688,\"computer_name\":\"h\",\"provider_name\":\"P\","
	 "\"event_data\":{\"Image\":\"i\"}},\"event\":{\"Image\":\"ecs\"},\"Image\":\"x\"}",
	 "windows/process_creation/security", "Image=i;EventID=4688;Channel=Security;Provider_Name=P;Computer=h;"},
	{"{\"Image\":\"x\",\"winlog.channel\":\"Security\",\"winlog.event_id\":1102,\"winlog.event_data.Image\":\"i\"}",
	 "windows//security", "Image=i;EventID=1102;Channel=Security;"},
	{"{\"UserData\":{\"Operation\":{\"Query\":\"select\",\"ProcessId\":4}}}", "", "ProcessId=4;Query=select;"},
	{"{\"Image\":null,\"ProcessId\":-1.50e+3,\"Query\":true,\"Version\":[],\"CommandLine\":\"\"}", "",
	 "Image=%;CommandLine=;ProcessId=-1.50e+3;Version=%;Query=true;"},
	{"{\"Image\":[\"a\",1,null,\"b\"],\"CommandLine\":[\"a\",[\"b\"]],\"Version\":[{}],\"Query\":[\"one\"]}", "",
	 "Image=a|1|%|b;Query=one;"},
	{"{\"Image\":[\"a\",\"b\"],\"Image\":\"last\"}", "", "Image=last;"},
	{"{\"\\u0049mage\":\"\\u00e9\\ud83d\\ude00\\udc80\\b\\f\\n\\r\\t\\/\\\"\"}", "",
	 "Image=\xc3\xa9\xf0\x9f\x98\x80\x80\b\f\n\r\t/\";"},
};

static const char *const refused[] = {
	"",
	" ",
	"[]",
	"1",
	"null",
	"\"x\"",
	"{",
	"{\"a\"}",
	"{\"a\":}",
	"{\"a\":1,}",
	"{,}",
	"{\"a\":1}}",
	"{} {}",
	"{a:1}",
	"{'a':1}",
	"{\"a\":01}",
	"{\"a\":1.}",
	"{\"a\":.5}",
	"{\"a\":+1}",
	"{\"a\":-}",
	"{\"a\":1e}",
	"{\"a\":NaN}",
	"{\"a\":Infinity}",
	"{\"a\":tru}",
	"{\"a\":truex}",
	"{\"a\":\"\\x\"}",
	"{\"a\":\"\\u12g4\"}",
	"{\"a\":\"\\u12\"}",
	"{\"a\":\"\t\"}",
	"{\"a\":\"x}",
	"{\"a\":\"\xff\"}",
	"{\"a\":\"\xc3\"}",
	"{\"a\":\"\xed\xa0\x80\"}",
	"{\"a\":\"\xf4\x90\x80\x80\"}",
	"{\"a\":\"\xc0\x80\"}",
	"{\"a\":[1,]}",
	"{\"a\":[1 2]}",
	"{\"a\":[}",
	"{\"a\":{]}",
	"{\"Image\":\"\\",
	"{\"Image\":\"\\u",
	"{\"Image\":[\"a\"",
	"\xef\xbb\xbf{}",
	"{\"a\":1 \"b\":2}",
	"{\"winlog.",
	"{\"#text\"",
	"{\"Data\":{\"@Name\":",
	"{} x",
};

static void put_value(char *out, const struct sn_value *value)
{
	if (value->state == SN_NULL)
		strcat(out, "%");
	else if (value->state == SN_LOST)
		strcat(out, "!");
	else
		strncat(out, (const char *)value->text, value->len);
}

static void show(const struct sn_values *values, char *out)
{
	for (uint32_t i = 0; i < values->event.fields; i++) {
		const struct sn_value *value = &values->event.value[i];

		if (value->state == SN_ABSENT)
			continue;
		sprintf(out + strlen(out), "%s=", fields[i]);
		put_value(out, value);
		while (value->next) {
			value = &values->event.more[value->next - 1];
			strcat(out, "|");
			put_value(out, value);
		}
		strcat(out, ";");
	}
}

/* The line in memory of exactly its size, so that the sanitizer sees a read beyond. */
static int decode(struct sn_ndjson *ndjson, struct sn_values *values, const char *line, size_t size, char *out)
{
	char *copy = malloc(size ? size : 1);
	struct sn_routes routes;
	int rc;

	CHECK(copy);
	memcpy(copy, line, size);
	rc = sn_ndjson__decode(ndjson, copy, size, UINT32_MAX, values, &routes);
	*out = 0;
	if (rc == 0)
		show(values, out);
	free(copy);
	return rc;
}

static void test_rows(struct sn_rules *rules, struct sn_ndjson *ndjson, struct sn_values *values)
{
	char shown[4096], routed[1024];
	struct sn_routes routes;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *line = rows[i].line;

		CHECK(sn_ndjson__decode(ndjson, line, strlen(line), UINT32_MAX, values, &routes) == 0);
		*routed = *shown = 0;
		for (uint32_t r = 0; r < routes.count; r++)
			sprintf(routed + strlen(routed), "%s%s", r ? " " : "", stand_in(rules)->route[routes.route[r]]);
		show(values, shown);
		if (strcmp(routed, rows[i].routes) != 0 || strcmp(shown, rows[i].values) != 0)
			fprintf(stderr, "%s\n  routes %s\n  not    %s\n  values %s\n  not    %s\n", line, routed,
				rows[i].routes, shown, rows[i].values);
		CHECK(strcmp(routed, rows[i].routes) == 0 && strcmp(shown, rows[i].values) == 0);
		CHECK(sn_ndjson__decode(ndjson, line, strlen(line), 77, values, &routes) == 0);
		CHECK(routes.count == 1 && routes.route[0] == 77);
	}
}

static void test_refused(struct sn_ndjson *ndjson, struct sn_values *values)
{
	char out[4096], deep[1024];

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		if (decode(ndjson, values, refused[i], strlen(refused[i]), out) == 0)
			fprintf(stderr, "taken: %s\n", refused[i]);
		CHECK(decode(ndjson, values, refused[i], strlen(refused[i]), out) == -EBADMSG);
	}
	/* every cut of every good line is refused */
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t size = (size_t)(strrchr(rows[i].line, '}') - rows[i].line);

		for (size_t cut = 0; cut <= size; cut++)
			CHECK(decode(ndjson, values, rows[i].line, cut, out) == -EBADMSG);
	}
	for (const char *open = "[{"; *open; open++) {
		size_t n = (size_t)sprintf(deep, "{\"Image\":");

		for (int i = 0; i < 80; i++)
			n += (size_t)sprintf(deep + n, *open == '[' ? "[" : "{\"Data\":");
		CHECK(decode(ndjson, values, deep, n, out) == -EBADMSG);
	}
}

/* What keys are expected is learnt from the lines before: after any of them each line says the same. */
static void test_every_order(struct sn_ndjson *ndjson, struct sn_values *values)
{
	char shown[4096];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (size_t j = 0; j < sizeof(rows) / sizeof(*rows); j++) {
			CHECK(decode(ndjson, values, rows[i].line, strlen(rows[i].line), shown) == 0);
			CHECK(decode(ndjson, values, rows[j].line, strlen(rows[j].line), shown) == 0);
			CHECK(strcmp(shown, rows[j].values) == 0);
		}
	}
}

/* Keys are refused behind a line that had them, too: cut anywhere, or with more behind a name. */
static void test_expected_keys(struct sn_ndjson *ndjson, struct sn_values *values)
{
	static const char line[] = "{\"Image\":\"i\",\"no field\":1,\"Query\":\"q\"}";
	static const char *const other[] = {"{\"Image\":\"i\",\"no field2\":1,\"Query\":\"r\"}",
					    "{\"Image\":\"i\",\"no fiel\":1,\"Query\":\"r\"}",
					    "{\"\\u0049mage\":\"i\",\"Version\":[],\"Query\":\"r\"}"};
	static const char *const says[] = {"Image=i;Query=r;", "Image=i;Query=r;", "Image=i;Version=%;Query=r;"};
	char shown[4096];

	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
		CHECK(decode(ndjson, values, line, strlen(line), shown) == 0);
		CHECK(strcmp(shown, "Image=i;Query=q;") == 0);
		for (int times = 0; times < 2; times++) {
			CHECK(decode(ndjson, values, other[i], strlen(other[i]), shown) == 0);
			CHECK(strcmp(shown, says[i]) == 0);
		}
	}
	for (size_t cut = 0; cut + 1 < sizeof(line); cut++) {
		CHECK(decode(ndjson, values, line, strlen(line), shown) == 0);
		CHECK(decode(ndjson, values, line, cut, shown) == -EBADMSG);
	}
}

/* Blocks of 16 bytes are read at once: an escape and a character that is not ASCII at each place of them. */
static void test_places(struct sn_ndjson *ndjson, struct sn_values *values)
{
	static const char fill[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN";
	static const struct {
		const char *written, *means;
	} odd[] = {{"\\\\", "\\"},
		   {"\\n", "\n"},
		   {"\\/", "/"},
		   {"\\u0041", "A"},
		   {"\x7f", "\x7f"},
		   {"\xc3\xa9", "\xc3\xa9"},
		   {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"}};
	char line[256], shown[4096], wanted[256];

	for (size_t o = 0; o < sizeof(odd) / sizeof(*odd); o++) {
		for (int before = 0; before <= 34; before++) {
			for (int behind = 0; behind <= 34; behind += before % 16 ? 17 : 1) {
				sprintf(line, "{\"Image\":\"%.*s%s%.*s%s\"}", before, fill, odd[o].written, behind,
					fill, odd[o].written);
				sprintf(wanted, "Image=%.*s%s%.*s%s;", before, fill, odd[o].means, behind, fill,
					odd[o].means);
				CHECK(decode(ndjson, values, line, strlen(line), shown) == 0);
				CHECK(strcmp(shown, wanted) == 0);
			}
		}
	}
}

/* A list longer than there is room for makes its field undecidable, and no other. */
static void test_long_list(struct sn_ndjson *ndjson, struct sn_values *values)
{
	uint32_t count = SN_VALUES_MORE + 2;
	char *line = malloc(2 * count + 64), *at = line;
	struct sn_routes routes;

	CHECK(line);
	at += sprintf(at, "{\"Query\":\"q\",\"Image\":[1");
	for (uint32_t i = 1; i < count; i++)
		at += sprintf(at, ",1");
	at += sprintf(at, "]}");
	CHECK(sn_ndjson__decode(ndjson, line, (size_t)(at - line), UINT32_MAX, values, &routes) == 0);
	CHECK(values->event.value[0].state == SN_LOST && values->event.value[8].state == SN_PRESENT);
	CHECK(sn_ndjson__decode(ndjson, "{}", 2, UINT32_MAX, values, &routes) == 0);
	CHECK(values->event.value[0].state == SN_ABSENT && values->event.more_count == 0);
	free(line);
}

int main(void)
{
	static struct stand_in rules = {.field = fields};
	struct sn_values *values = sn_values__new(&rules.rules);
	struct sn_ndjson *ndjson = sn_ndjson__new(&rules.rules);

	CHECK(values && ndjson);
	test_rows(&rules.rules, ndjson, values);
	test_refused(ndjson, values);
	test_every_order(ndjson, values);
	test_expected_keys(ndjson, values);
	test_places(ndjson, values);
	test_long_list(ndjson, values);
	sn_ndjson__free(ndjson);
	sn_values__free(values);
	return 0;
}
