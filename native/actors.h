/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_actors: who has had a process id on a Windows host, and who made whom, from whatever source said so.
 *
 *   set of a pid (8 of them)             blobs
 *   | 420 since 3, until 9, line *-------+---> "C:\\Windows\\..."
 *   | 420 since 9                |
 *   | 4516 since 2               |
 *
 * An identity is the pid with the start, the sequence number (ETW) or the GUID (Sysmon), whichever a source says. Texts
 * are UTF-8, as rules read them. Of fixed size, on one thread.
 *
 * Several sources tell of one start, at different times and with clocks that differ by milliseconds. It is the same
 * where pid and parent are, at most a second lies between, and none of the two sources has told of the other's before.
 */
#ifndef SN_ACTORS_H
#define SN_ACTORS_H
#include <stddef.h>

#include "bytes.h"
#include "etw_event.h"

enum sn_actor_text {
	SN_ACTOR_IMAGE,
	SN_ACTOR_LINE,
	SN_ACTOR_USER,
	SN_ACTOR_CWD,
	SN_ACTOR_TEXTS,
	/* no texts, but kept like them */
	SN_ACTOR_MADE = SN_ACTOR_TEXTS, /* struct sn_win_made: what it was made to run */
	SN_ACTOR_TOLD,			/* struct sn_actor_told: rules that alerted on its start */
	SN_ACTOR_BLOBS,
};

/* Who tells of a start. */
enum sn_actor_source { SN_TOLD_BY_ETW = 1, SN_TOLD_BY_SYSMON = 2, SN_TOLD_BY_AUDIT = 4 };

enum {
	SN_ACTOR_NAME = 15, /* bytes of an image's short name that are kept: EPROCESS.ImageFileName has no more */
	SN_ACTOR_ROOM = (3 << 15) + 512, /* bytes of a text: 32,768 units, three each, behind the name of a drive */
};

/* Whom an event means. What is 0 is not said. */
struct sn_actor_id {
	uint32_t pid;
	uint64_t time; /* of the event, ns since 1970; UINT64_MAX: the last one */
	uint64_t sequence;
	struct sn_guid guid;
};

struct sn_actor {
	struct sn_actor_id id;	   /* its time is when it was heard of first */
	struct sn_actor_id parent; /* pid 0: not said; its time is when the child began */
	uint64_t start;		   /* ns since 1970; 0: before anything was seen */
	uint64_t end;		   /* 0: none was seen */
	uint32_t text[SN_ACTOR_BLOBS];
	uint8_t used;
	uint8_t unwound; /* SN_ACTOR_MADE is all that there is to say */
	uint8_t sources; /* enum sn_actor_source: that told of its start; 0: it is known by what others did */
	uint8_t name_len;
	uint8_t name[SN_ACTOR_NAME];
};

struct sn_actors_stats {
	uint64_t actors;
	uint64_t forgotten; /* that had not ended, for want of room */
	uint64_t too_long;  /* texts that were not kept */
	uint64_t same;	    /* starts that another source had told of */
};

struct sn_actors;

/* NULL: no memory. */
struct sn_actors *sn_actors__new(void);
void sn_actors__free(struct sn_actors *actors);
void sn_actors__forget(struct sn_actors *actors);
/* A process that is new. Whoever had the pid has ended. Valid, as all of them, until the next one begins or is given a
 * text. */
struct sn_actor *sn_actors__begin(struct sn_actors *actors, const struct sn_actor_id *id, uint64_t start);
/* The same as a source tells it: the process that others told of already, if this is its start. */
struct sn_actor *sn_actors__start(struct sn_actors *actors, const struct sn_actor_id *id,
				  const struct sn_actor_id *parent, uint64_t start, enum sn_actor_source source);
/* It has ended at that time; 0: at one that is not known. */
void sn_actors__end(struct sn_actor *actor, uint64_t time);
/* NULL: not known. One that ended is known for another two seconds, since a processor's last events can come late; by
 * its GUID or sequence number as long as there is room. */
struct sn_actor *sn_actors__find(struct sn_actors *actors, const struct sn_actor_id *id);
/* NULL: not known, or there is none. */
struct sn_actor *sn_actors__parent(struct sn_actors *actors, const struct sn_actor *actor);
/* Whether nobody made it but Windows as it came up or opened a session: the lineage ends there. Its session's smss.exe,
 * which made wininit, winlogon and csrss, has ended since. */
int sn_actors__is_root(struct sn_actors *actors, const struct sn_actor *actor);
/* SN_ACTOR_ROOM bytes to make a text in. */
uint8_t *sn_actors__room(struct sn_actors *actors);
/* In place of what is there. What is longer than SN_ACTOR_ROOM is not kept, nor what is of an actor that was forgotten
 * meanwhile. */
void sn_actors__set(struct sn_actors *actors, struct sn_actor *actor, enum sn_actor_text which, const void *text,
		    size_t size);
size_t sn_actors__size(const struct sn_actors *actors, const struct sn_actor *actor, enum sn_actor_text which);
/* Copies it out: `out` has room for sn_actors__size. */
void sn_actors__read(const struct sn_actors *actors, const struct sn_actor *actor, enum sn_actor_text which, void *out);
/* A text, empty where it is not known; in sn_actors__room, until that is used again. */
struct sn_bytes sn_actors__text(struct sn_actors *actors, const struct sn_actor *actor, enum sn_actor_text which);
/* The actors'; counted by the thread that they are of, to be read by any. */
const struct sn_actors_stats *sn_actors__stats(const struct sn_actors *actors);
#endif
