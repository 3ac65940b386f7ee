/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_file_facts: what the match thread knows of files, by what the kernel says of them: device, inode, size and
 * times. A file that changes is another file. It belongs to the match thread alone: what others find out comes to it as
 * messages (enrichment.c), so nothing here is shared, locked or atomic.
 *
 *   find ──► KNOWN  ─► its texts        LATE ─► ask: a number, the same one for all who ask while the answer is due
 *            LOST   ─► nobody could tell; asked again once RETRY_NS have passed
 *
 * Two places a key (the older one goes): SLOTS files at most, SN_FACTS_MAX bytes each, untouched until used.
 */
#ifndef SN_FACTS_H
#define SN_FACTS_H
#include <stdbool.h>

#include "bytes.h"
#include "sensor.h"

struct sn_file_facts;

struct sn_asking {
	uint64_t number; /* of the question */
	bool is_new;	 /* nobody has asked it yet */
};

/* NULL: no memory. */
struct sn_file_facts *sn_file_facts__new(void);
void sn_file_facts__free(struct sn_file_facts *facts);
/* Of the file that the record executes; state SN_FACTS_LATE when there is nothing yet. Valid until the next put. */
const struct sn_facts *sn_file_facts__find(struct sn_file_facts *facts, const struct sn_file_key *key, uint64_t now);
/* The question that will bring them: `number` if none is under way. `now`: ns of any clock that find gets too. */
struct sn_asking sn_file_facts__ask(struct sn_file_facts *facts, const struct sn_file_key *key, uint64_t number,
				    uint64_t now);
/* An answer, sound (sn_facts__is_sound). */
void sn_file_facts__put(struct sn_file_facts *facts, const struct sn_file_key *key, const struct sn_facts *answer,
			uint64_t now);
/* All that is known; identities stay. */
void sn_file_facts__forget(struct sn_file_facts *facts);
/* Files that are known. */
uint32_t sn_file_facts__count(const struct sn_file_facts *facts);

/* Which program a file is, by all of its key but ctime, which a new name or mode changes; an empty name forgets it.
 * -ENOSPC: too many, or too long a name. */
int sn_file_facts__identify(struct sn_file_facts *facts, const struct sn_file_key *key, struct sn_bytes name);
void sn_file_facts__forget_identities(struct sn_file_facts *facts);
/* Empty: none that is known. */
struct sn_bytes sn_file_facts__identity(const struct sn_file_facts *facts, const struct sn_file_key *key);

/* One that says nothing but its state. */
const struct sn_facts *sn_facts__empty(enum sn_facts_state state);
bool sn_facts__is_sound(const void *facts, size_t size);

static inline struct sn_bytes sn_facts__text(const struct sn_facts *facts, enum sn_fact fact)
{
	return (struct sn_bytes){(const uint8_t *)facts + facts->text[fact].off, facts->text[fact].len};
}

/* Whole seconds from `since`, one of sn_facts' times but INT64_MIN, to an event; 0: it is later than the event. */
static inline uint64_t sn_facts__age_s(uint64_t time, int64_t since)
{
	return (int64_t)time > since ? (time - (uint64_t)since) / 1000000000 : 0;
}

static inline struct sn_file_key sn_file_key__of(const struct sn_exec *exec)
{
	return (struct sn_file_key){exec->inode, exec->file_size, exec->file_mtime, exec->file_ctime, exec->dev, 0};
}
#endif
