// sources: etw_hosts.c text.c
/* sn_etw_hosts: names of hosts against a list of all answers, on random answers and connections. */
#include "etw_hosts.h"

#include <stdbool.h>
#include <string.h>

#include "check.h"

enum { ROUNDS = 40, STEPS = 400, FEW = 2, MANY = 4000, PIDS = 3, TEXT = 600, NAME = 16 };

struct answer {
	uint64_t time;
	uint32_t pid, address;
	char name[NAME];
};

static uint64_t seed = 7;
static struct answer answers[STEPS * SN_ETW_HOST_ADDRESSES];
static uint32_t count;

static uint32_t below(uint32_t n)
{
	return random_below(&seed, n);
}

static struct sn_bytes wide(uint8_t *out, const char *text)
{
	uint32_t len = (uint32_t)strlen(text);

	for (uint32_t i = 0; i < len; i++) {
		out[2 * i] = (uint8_t)text[i];
		out[2 * i + 1] = 0;
	}
	return (struct sn_bytes){out, 2 * len};
}

/* Even ones are of IPv4. */
static struct sn_bytes address_of(uint8_t out[16], uint32_t number)
{
	memset(out, 0, 16);
	if (number % 2 == 0) {
		out[0] = 10;
		out[1] = (uint8_t)(number >> 8);
		out[2] = (uint8_t)number;
		return (struct sn_bytes){out, 4};
	}
	out[0] = 0x20;
	out[14] = (uint8_t)(number >> 8);
	out[15] = (uint8_t)number;
	return (struct sn_bytes){out, 16};
}

/* As one of the forms that Windows has for it. */
static void write_address(char *out, uint32_t number)
{
	if (number % 2 == 0)
		snprintf(out, TEXT, "%s10.%u.%u.0", below(2) ? "::ffff:" : "", number >> 8, number & 255);
	else
		snprintf(out, TEXT, "2000::%x", number);
}

static uint32_t answered(struct sn_etw_hosts *hosts, uint64_t time, uint32_t addresses)
{
	uint8_t name[2 * NAME], results[2 * TEXT];
	char text[TEXT] = "", part[TEXT];
	struct answer answer = {.time = time, .pid = below(PIDS)};

	snprintf(answer.name, sizeof(answer.name), "host%u.x", below(1000));
	for (uint32_t i = below(3); i > 0; i--) {
		if (below(3) == 0)
			strcat(text, "type:  5 alias.x;");
		answer.address = below(addresses);
		write_address(part, answer.address);
		strcat(text, part);
		strcat(text, i > 1 || below(2) ? ";" : "");
		answers[count++] = answer;
	}
	return sn_etw_hosts__answered(hosts, answer.pid, time, wide(name, answer.name), wide(results, text));
}

static bool is_better(const struct answer *a, const struct answer *b, uint32_t pid)
{
	if ((a->pid == pid) != (b->pid == pid))
		return a->pid == pid;
	return a->time >= b->time;
}

static const struct answer *expected(uint32_t pid, uint64_t time, uint32_t address)
{
	const struct answer *best = NULL;

	for (uint32_t i = 0; i < count; i++)
		if (answers[i].address == address &&
		    (time < answers[i].time || time - answers[i].time <= SN_ETW_HOST_NS) &&
		    (!best || is_better(&answers[i], best, pid)))
			best = &answers[i];
	return best;
}

static bool is_name(struct sn_bytes found, const char *name)
{
	uint8_t text[2 * NAME];
	struct sn_bytes said = wide(text, name);

	return said.len == found.len && memcmp(said.at, found.at, said.len) == 0;
}

static struct sn_bytes asked(const struct sn_etw_hosts *hosts, uint32_t pid, uint64_t time, uint32_t address)
{
	uint8_t bytes[16];

	return sn_etw_hosts__name(hosts, pid, time, address_of(bytes, address));
}

/* Few addresses, so that nothing is forgotten for want of room. */
static void compare(void)
{
	struct sn_etw_hosts *hosts = sn_etw_hosts__new();
	uint64_t time = SN_ETW_HOST_NS;

	CHECK(hosts);
	count = 0;
	for (uint32_t step = 0; step < STEPS; step++) {
		uint32_t pid = below(PIDS + 1), address = below(FEW);
		uint64_t when = time + below(2) * below(1000) - below(50);
		struct sn_bytes found;
		const struct answer *best;

		time += 1 + (below(20) ? below(1000000000) : SN_ETW_HOST_NS / (1 + below(3)));
		CHECK(answered(hosts, time, FEW) == 0);
		found = asked(hosts, pid, when, address);
		best = expected(pid, when, address);
		CHECK(best ? is_name(found, best->name) : !found.len);
	}
	sn_etw_hosts__free(hosts);
}

/* Many: what is found was answered, and what is lost is counted. */
static void overflow(void)
{
	struct sn_etw_hosts *hosts = sn_etw_hosts__new();
	uint32_t lost = 0, found = 0, known = 0;

	CHECK(hosts);
	count = 0;
	for (uint32_t step = 0; step < MANY; step++) {
		uint8_t name[8], results[64], bytes[16];
		char text[64];

		write_address(text, step);
		lost += sn_etw_hosts__answered(hosts, 1, 1000 + step, wide(name, "h.x"), wide(results, text));
		CHECK(is_name(sn_etw_hosts__name(hosts, 2, 1000 + step, address_of(bytes, step)), "h.x"));
	}
	for (uint32_t step = 0; step < MANY; step++) {
		found += asked(hosts, 1, MANY, step).len != 0;
		known += asked(hosts, 1, MANY + 1000 + SN_ETW_HOST_NS, step).len != 0;
	}
	CHECK(found + lost == MANY && lost && !known);
	sn_etw_hosts__free(hosts);
}

/* What is no address, no name, cut in the middle. */
static void odd(void)
{
	static const char *const results[] = {"",
					      ";",
					      ";;;",
					      "-",
					      "type:  5 x;",
					      "1.2.3",
					      "1.2.3.4.5;",
					      "::g;",
					      "10.0.0.0:53;",
					      "000000000000000000000000000000000000000000000000000.0;"};
	struct sn_etw_hosts *hosts = sn_etw_hosts__new();
	uint8_t name[8], text[256], odd_end[] = {'1', 0, '.'}, bytes[16];
	struct sn_bytes host = wide(name, "h.x");

	CHECK(hosts);
	for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++)
		sn_etw_hosts__answered(hosts, 1, 1, host, wide(text, results[i]));
	sn_etw_hosts__answered(hosts, 1, 1, host, (struct sn_bytes){odd_end, sizeof(odd_end)});
	sn_etw_hosts__answered(hosts, 1, 1, host, (struct sn_bytes){0});
	sn_etw_hosts__answered(hosts, 1, 1, (struct sn_bytes){0}, wide(text, "10.0.0.0;"));
	for (uint32_t i = 0; i < MANY; i++)
		CHECK(!asked(hosts, 1, 1, i).len);
	sn_etw_hosts__answered(hosts, 1, 1, host, wide(text, "type: 28 y;10.0.0.0"));
	CHECK(is_name(sn_etw_hosts__name(hosts, 1, 1, address_of(bytes, 0)), "h.x"));
	sn_etw_hosts__free(hosts);
}

int main(void)
{
	for (uint32_t round = 0; round < ROUNDS; round++)
		compare();
	overflow();
	odd();
	return 0;
}
