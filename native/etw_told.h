/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_etw_told: all that is known of one event of Windows, and its members, one after another, for whoever wants
 * them: a JSON line (etw_line.c), or the values that rules read (etw_view.c).
 *
 *   columns, under their names in the manifest ──┐
 *   what is joined, under Sigma's                ┴──► a member's number and value
 *
 * taxonomy.def says what the columns are in Sigma's terms.
 */
#ifndef SN_ETW_TOLD_H
#define SN_ETW_TOLD_H
#include "actors.h"
#include "etw.h"
#include "etw_names.h"

/* What the trace said elsewhere is NULL or empty where it did not. */
struct sn_etw_told {
	struct sn_etw_event event;
	const struct sn_etw_decoded *main;    /* its columns */
	const struct sn_etw_decoded *classic; /* of a Kernel-Process start: the kernel logger's event of the same */
	uint64_t time, index;		      /* of the first of its events */
	struct sn_actors *actors;	      /* that process and parent are of */
	const struct sn_etw_names *names;
	uint32_t pid;		       /* whose event it is; UINT32_MAX: not said */
	struct sn_actor *process;      /* the same */
	const struct sn_actor *parent; /* of a process start */
	const char *line_from;	       /* of a process start: who said its command line, if no event did */
	struct sn_bytes key;	       /* UTF-16: of a registry event */
	struct sn_bytes host;	       /* UTF-16: of a connection, by which name the other end was looked up */
};

/* Members that are no columns; their numbers are behind the columns'. */
#define SN_ETW_OWN_MEMBERS(X)                                                                                          \
	X(Provider_Name)                                                                                               \
	X(EventID)                                                                                                     \
	X(Version)                                                                                                     \
	X(TimeCreated)                                                                                                 \
	X(ExecutionProcessID)                                                                                          \
	X(ExecutionThreadID)                                                                                           \
	X(CommandLine)                                                                                                 \
	X(CommandLineFrom)                                                                                             \
	X(UserSID)                                                                                                     \
	X(IntegrityLevel)                                                                                              \
	X(Image)                                                                                                       \
	X(ParentImage)                                                                                                 \
	X(ParentCommandLine)                                                                                           \
	X(User)                                                                                                        \
	X(Protocol)                                                                                                    \
	X(Initiated)                                                                                                   \
	X(SourceIp)                                                                                                    \
	X(SourcePort)                                                                                                  \
	X(DestinationIp)                                                                                               \
	X(DestinationPort)                                                                                             \
	X(EventType)                                                                                                   \
	X(Key)                                                                                                         \
	X(Details)                                                                                                     \
	X(Value)                                                                                                       \
	X(ParentUser)                                                                                                  \
	X(GrandParentImage)                                                                                            \
	X(SourceIsIpv6)                                                                                                \
	X(SourceHostname)                                                                                              \
	X(DestinationIsIpv6)                                                                                           \
	X(DestinationHostname)

#define SN_ETW_OWN_MEMBER(name) SN_ETW_OWN_##name,
enum sn_etw_member {
	SN_ETW_BEHIND_COLUMNS = SN_ETW_ALL_COLUMNS - 1,
	SN_ETW_OWN_MEMBERS(SN_ETW_OWN_MEMBER) SN_ETW_MEMBERS
};
#undef SN_ETW_OWN_MEMBER

/* Who is told. Values are valid until the call returns. */
struct sn_etw_hearer {
	const uint8_t *wanted; /* by member, 0: it is not told; NULL: all are */
	uint32_t columns;      /* the same of the event's own columns: a bit each */
	bool takes_learnt;     /* what is known of the process goes before the column that it was learnt from */
	/* never SN_ETW_BLOB, nor one that is not said */
	void (*value)(void *of, uint32_t member, const struct sn_etw_column *value);
	/* a text that is known */
	void (*actor)(void *of, uint32_t member, const struct sn_actor *actor, enum sn_actor_text which);
	void *of;
};

/* Each member in its order; of two of one name the later counts. */
void sn_etw__tell(const struct sn_etw_told *told, const struct sn_etw_hearer *hearer);
const char *sn_etw__member_name(uint32_t member);
/* Whether its events are of connections. */
int sn_etw__is_network(enum sn_etw_provider provider);
#endif
