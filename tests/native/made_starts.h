/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts of Windows' processes of which all is known, and their events as Kernel-Process and the kernel logger write
 * them. Their texts end with the start's number.
 */
#ifndef SN_TEST_MADE_STARTS_H
#define SN_TEST_MADE_STARTS_H
#include <string.h>

#include "check.h"
#include "etw.h"

enum { STARTS = 6000, DATA_MAX = 512, MANIFEST = 0, CLASSIC = 1 };

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
#endif
