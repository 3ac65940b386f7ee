/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_etw_join: events of Windows in, one after another; out those that are told, joined with what other events
 * say.
 *
 *   event ──► decode ──► start of a process? ──► waits for its other event, and its image ──► told
 *                └─────► key opened, closed, file named, process listed ──► remembered only
 *                └─────► anything else ──► told, with its process, its key's path
 *
 * A process that starts is told of twice: by Kernel-Process (the image's whole path, integrity) and by the kernel
 * logger (command line, user; the image's path is that of the first file that it maps), or by one of them. So a start
 * waits for the other one and for the image; starts come out in their order. Nothing is allocated after
 * sn_etw_join__new.
 */
#ifndef SN_ETW_JOIN_H
#define SN_ETW_JOIN_H
#include "etw_keys.h"
#include "etw_told.h"

/* All uint64_t, only grow. */
struct sn_etw_join_stats {
	uint64_t told;
	uint64_t joined;
	uint64_t not_decoded;
	uint64_t unknown_version;
	uint64_t broken;
	uint64_t lost;		  /* times that the session said it had lost something */
	uint64_t process_unknown; /* events of processes that nobody told of */
	uint64_t parent_unknown;  /* starts by such */
	uint64_t key_unknown;	  /* changes of a registry key without its path */
	uint64_t hurried;	  /* starts that could not wait for their other event, for want of room */
	uint64_t hosts_forgotten; /* names that hosts were looked up by, for want of room */
};

struct sn_etw_join;

/* The command line of a process that lives, UTF-8 into SN_ACTOR_ROOM bytes: its length, with where it is from; 0: it
 * cannot be had. `start`: when that process began, ns since 1970. */
typedef uint32_t sn_etw_command_line(uint32_t pid, uint64_t start, uint8_t *out, const char **from);

struct sn_etw_join_options {
	struct sn_actors *actors; /* the caller's, as long as the join */
	struct sn_etw_names *names;
	uint64_t wait_ns;		   /* how long a start waits for its other event, if such come at all */
	sn_etw_command_line *command_line; /* asked where no event says it; NULL: nobody */
};

/* NULL: no memory. */
struct sn_etw_join *sn_etw_join__new(const struct sn_etw_join_options *options);
void sn_etw_join__free(struct sn_etw_join *join);
/* Whether the first start that waits is to be released before an event with so many bytes of data is taken: it has
 * waited long enough at `now` (ns since 1970), or there is no room otherwise. */
int sn_etw_join__is_due(struct sn_etw_join *join, uint64_t now, size_t bytes);
/* The first start that waits. Valid, as all that is told, until the next call. */
const struct sn_etw_told *sn_etw_join__release(struct sn_etw_join *join);
/* Whether any waits. */
int sn_etw_join__is_waiting(const struct sn_etw_join *join);
/* Takes an event, its data borrowed as long as what is told of it; no start may be due. `told`: what is, or NULL. 0,
 * or as sn_etw__decode: nobody can say what it means. */
int sn_etw_join__take(struct sn_etw_join *join, const struct sn_etw_event *event, const struct sn_etw_told **told);
/* Looks at an event of a trace that is to be read from its begin afterwards: those that live when a trace begins are
 * listed while it already runs. */
void sn_etw_join__look(struct sn_etw_join *join, const struct sn_etw_event *event);
/* The join's and its keys'; counted by the thread that it is of, to be read by any. */
const struct sn_etw_keys_stats *sn_etw_join__keys(const struct sn_etw_join *join);
const struct sn_etw_join_stats *sn_etw_join__stats(const struct sn_etw_join *join);
#endif
