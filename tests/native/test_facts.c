// sources: facts.c bytes.c
/* What is known of files, against a list of all that was ever told: what is found is what was told last, of that file
 * and no other; a question is asked once; and which program a file is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "facts.h"

enum { FILES = 400, OPERATIONS = 200000, PROGRAMS = 900 };

static const uint64_t RETRY = 10000000000, PATIENCE = 2000000000;

struct twin {
	struct sn_file_key key;
	int64_t told; /* the text of the last answer; 0: none */
	uint32_t state;
	uint64_t told_at, asked, asked_at;
};

static struct twin twins[FILES];

static void test_files(void)
{
	struct sn_file_facts *facts = sn_file_facts__new();
	uint64_t random = 5, now = 1, number = 0, found = 0, lost = 0;

	CHECK(facts);
	for (uint32_t i = 0; i < FILES; i++) /* files that differ in one member only */
		twins[i].key = (struct sn_file_key){.inode = 1 + i / 16,
						    .bytes = 7 + (i & 1),
						    .mtime = 9 + (i >> 1 & 1),
						    .ctime = 10 + (i >> 2 & 1),
						    .dev = 3 + (i >> 3 & 1)};
	for (uint32_t i = 0; i < OPERATIONS; i++) {
		struct twin *twin = &twins[random_below(&random, FILES)];
		uint32_t what = random_below(&random, 100);

		now += random_below(&random, 10000000);
		if (what < 60) {
			const struct sn_facts *got = sn_file_facts__find(facts, &twin->key, now);
			int old = twin->state != SN_FACTS_KNOWN && now - twin->told_at > RETRY;

			CHECK(got->state == SN_FACTS_LATE || (got->changed == twin->told && got->state == twin->state));
			CHECK(got->state == SN_FACTS_LATE || (twin->told && !old));
			found += got->state == SN_FACTS_KNOWN;
			lost += got->state == SN_FACTS_LATE && twin->told && !old;
		} else if (what < 80) {
			struct sn_asking asking = sn_file_facts__ask(facts, &twin->key, number + 1, now);

			CHECK(asking.is_new || (asking.number == twin->asked && now - twin->asked_at <= PATIENCE));
			CHECK(!asking.is_new || asking.number == number + 1);
			number += asking.is_new;
			if (asking.is_new) {
				twin->asked = asking.number;
				twin->asked_at = now;
			}
		} else if (what < 99 || i % 1000) {
			struct sn_facts answer = *sn_facts__empty(SN_FACTS_LOST);

			twin->state = answer.state = what & 1 ? SN_FACTS_KNOWN : SN_FACTS_LOST;
			twin->told = answer.changed = (int64_t)i + 1;
			twin->told_at = now;
			twin->asked = 0;
			sn_file_facts__put(facts, &twin->key, &answer, now);
			CHECK(sn_file_facts__count(facts) <= FILES);
		} else {
			sn_file_facts__forget(facts);
			CHECK(sn_file_facts__count(facts) == 0);
			for (uint32_t k = 0; k < FILES; k++)
				twins[k].told = 0;
		}
	}
	CHECK(found > OPERATIONS / 10 && lost < found / 2); /* two files of one place drive each other out */
	sn_file_facts__free(facts);
}

static void test_programs(void)
{
	struct sn_file_facts *facts = sn_file_facts__new();
	char name[40];

	CHECK(facts);
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < PROGRAMS; i++) {
			uint32_t len = (uint32_t)snprintf(name, sizeof(name), "program-%u-%u", i, round);

			CHECK(!sn_file_facts__identify(facts, &(struct sn_file_key){i, 1, round, 7, i % 3, 0},
						       (struct sn_bytes){(uint8_t *)name, len}));
		}
		for (uint32_t i = 0; i < PROGRAMS; i++) {
			struct sn_file_key key = {i, 1, round, 8, i % 3, 0};
			struct sn_bytes got = sn_file_facts__identity(facts, &key);

			snprintf(name, sizeof(name), "program-%u-%u", i, round);
			CHECK(got.len == strlen(name) && memcmp(got.at, name, got.len) == 0);
			key.mtime++; /* the inode is another file's */
			CHECK(sn_file_facts__identity(facts, &key).len == 0);
			key.mtime--;
			key.bytes++;
			CHECK(sn_file_facts__identity(facts, &key).len == 0);
			key.bytes--;
			key.dev += 3;
			CHECK(sn_file_facts__identity(facts, &key).len == 0);
		}
	}
	CHECK(sn_file_facts__identify(facts, &(struct sn_file_key){.inode = 1},
				      (struct sn_bytes){(uint8_t *)name, 33}) == -ENOSPC);
	for (uint32_t i = 0; i < 4096; i++)
		if (sn_file_facts__identify(facts, &(struct sn_file_key){.inode = i, .dev = 9},
					    (struct sn_bytes){(uint8_t *)"x", 1}))
			break;
		else
			CHECK(i < 1024); /* never so full that a search has no end */
	CHECK(sn_file_facts__identity(facts, &(struct sn_file_key){.inode = 77, .dev = 8}).len == 0);
	sn_file_facts__forget_identities(facts);
	CHECK(sn_file_facts__identity(facts, &(struct sn_file_key){.inode = 3}).len == 0);
	sn_file_facts__free(facts);
}

static void test_age(void)
{
	CHECK(sn_facts__age_s(5000000000, 2000000001) == 2 && sn_facts__age_s(5, 5) == 0);
	CHECK(sn_facts__age_s(5, 2000000000) == 0 && sn_facts__age_s(0, -3000000000) == 3);
	CHECK(sn_facts__age_s(5, INT64_MIN + 1) == 9223372036); /* what anybody may tell overflows nothing */
}

static void test_sound(void)
{
	_Alignas(8) uint8_t bytes[SN_FACTS_MAX + 8] = {0};
	struct sn_facts *facts = (struct sn_facts *)bytes;

	*facts = *sn_facts__empty(SN_FACTS_LOST);
	CHECK(sn_facts__is_sound(facts, sizeof(*facts)) && !sn_facts__is_sound(facts, sizeof(*facts) - 8));
	facts->size += 8;
	facts->text[3] = (struct sn_span){sizeof(*facts), 8};
	CHECK(sn_facts__is_sound(facts, facts->size));
	facts->text[3].len = 9;
	CHECK(!sn_facts__is_sound(facts, facts->size));
	facts->text[3] = (struct sn_span){UINT32_MAX, 8};
	CHECK(!sn_facts__is_sound(facts, facts->size));
	facts->text[3].len = 0;
	CHECK(!sn_facts__is_sound(facts, facts->size));
	facts->text[3].off = 0;
	facts->state = SN_FACTS_KNOWN + 1;
	CHECK(!sn_facts__is_sound(facts, facts->size));
	facts->state = SN_FACTS_KNOWN;
	facts->size = SN_FACTS_MAX + 8;
	CHECK(!sn_facts__is_sound(facts, facts->size));
}

int main(void)
{
	test_files();
	test_programs();
	test_age();
	test_sound();
	return 0;
}
