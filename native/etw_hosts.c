/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_hosts.h"

#include <stdlib.h>
#include <string.h>

#include "key_hash.h"
#include "text.h"

enum {
	SET_BITS = 8,
	NAME_ROOM = 512, /* bytes: no host's name is longer than 253 characters */
	IPV4 = 2,
};

struct host {
	uint8_t address[16]; /* of 4 bytes as ::ffff:1.2.3.4 */
	uint64_t time;
	uint32_t pid;
	uint32_t len; /* 0: free */
	uint8_t name[NAME_ROOM];
};

struct sn_etw_hosts {
	struct host slot[1 << SET_BITS][SN_ETW_HOST_WAYS];
};

struct sn_etw_hosts *sn_etw_hosts__new(void)
{
	return calloc(1, sizeof(struct sn_etw_hosts));
}

void sn_etw_hosts__free(struct sn_etw_hosts *hosts)
{
	free(hosts);
}

static void mapped(uint8_t out[16], const uint8_t *address, uint32_t len)
{
	static const uint8_t head[12] = {[10] = 0xff, [11] = 0xff};

	if (len == 4)
		memcpy(out, head, sizeof(head));
	memcpy(out + 16 - len, address, len);
}

static uint32_t set_of(const uint8_t address[16])
{
	uint64_t high, low;

	memcpy(&high, address, 8);
	memcpy(&low, address + 8, 8);
	return sn_pair_hash(high * 31 + low, 0, SET_BITS);
}

/* Events of several processors can come a little out of order: what is told later may be of before. */
static int counts(const struct host *host, uint64_t time)
{
	return host->len && (time <= host->time || time - host->time <= SN_ETW_HOST_NS);
}

/* ---- answers ---- */

/* Its own slot, a free one, or that of the answer that is oldest. */
static struct host *slot_for(struct host *set, const uint8_t address[16], uint32_t pid)
{
	struct host *oldest = set, *unused = NULL;

	for (uint32_t i = 0; i < SN_ETW_HOST_WAYS; i++) {
		if (set[i].len && set[i].pid == pid && memcmp(set[i].address, address, 16) == 0)
			return &set[i];
		if (!set[i].len)
			unused = &set[i];
		if (set[i].time < oldest->time)
			oldest = &set[i];
	}
	return unused ? unused : oldest;
}

static uint32_t keep(struct sn_etw_hosts *hosts, const struct host *answer, struct sn_bytes name)
{
	struct host *host = slot_for(hosts->slot[set_of(answer->address)], answer->address, answer->pid);
	int is_other = host->pid != answer->pid || memcmp(host->address, answer->address, 16) != 0;
	uint32_t lost = is_other && counts(host, answer->time);

	memcpy(host->address, answer->address, 16);
	host->time = answer->time;
	host->pid = answer->pid;
	host->len = name.len;
	memcpy(host->name, name.at, name.len);
	return lost;
}

/* The address that stands between `from` and `to`; 0: what stands there is none, as `type:  5 name`. */
static int read_address(uint8_t out[16], struct sn_bytes text, uint32_t from, uint32_t to)
{
	char plain[SN_TEXT_ADDRESS + 8];
	uint8_t address[16];
	uint32_t len = 0;
	uint16_t family;

	for (uint32_t at = from; at < to; at += 2) {
		if (len == sizeof(plain) || text.at[at + 1] || text.at[at] >= 0x80)
			return 0;
		plain[len++] = (char)text.at[at];
	}
	family = sn_text__parse_address(plain, len, address);
	if (family)
		mapped(out, address, family == IPV4 ? 4 : 16);
	return family != 0;
}

uint32_t sn_etw_hosts__answered(struct sn_etw_hosts *hosts, uint32_t pid, uint64_t time, struct sn_bytes name,
				struct sn_bytes results)
{
	struct host answer = {.time = time, .pid = pid};
	uint32_t kept = 0, lost = 0, from = 0;

	if (!name.len || name.len > NAME_ROOM)
		return 0;
	for (uint32_t at = 0; results.len - at >= 2 && kept < SN_ETW_HOST_ADDRESSES; at += 2) {
		int is_end = results.at[at] == ';' && !results.at[at + 1];

		if (!is_end && results.len - at >= 4)
			continue;
		if (read_address(answer.address, results, from, is_end ? at : at + 2)) {
			lost += keep(hosts, &answer, name);
			kept++;
		}
		from = at + 2;
	}
	return lost;
}

/* ---- questions ---- */

struct sn_bytes sn_etw_hosts__name(const struct sn_etw_hosts *hosts, uint32_t pid, uint64_t time,
				   struct sn_bytes address)
{
	const struct host *best = NULL;
	const struct host *set;
	uint8_t wanted[16];

	mapped(wanted, address.at, address.len);
	set = hosts->slot[set_of(wanted)];
	for (uint32_t i = 0; i < SN_ETW_HOST_WAYS; i++) {
		if (!counts(&set[i], time) || memcmp(set[i].address, wanted, 16) != 0)
			continue;
		if (!best || (set[i].pid == pid) > (best->pid == pid) ||
		    (best->pid != pid && set[i].time >= best->time))
			best = &set[i];
	}
	return best ? (struct sn_bytes){best->name, best->len} : (struct sn_bytes){0};
}
