/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_proxies: the chain of proxies that an exec stands in. A command line names those that are still to come
 * (unwind.h); those that have been are known from the execs before: wrappers that exec in the same process, helpers
 * that fork and exec in a child.
 *
 *   exec of env (pid 7)      "env nice id"   chain env, nice         payload id
 *   exec of nice (pid 7)     "nice id"       chain env, nice         payload id
 *   exec of id (pid 7)       "id"            chain env, nice         payload id
 *
 * What the last execs were made to run is remembered in a table of fixed size, by (pid, start), and handed down at a
 * fork. Whoever shares a slot drives the older one out: a chain can come out shorter than it was, never another.
 * An exec is linked when it bears a name that was announced, and however it is named when the process is the proxy's
 * own (only the proxy can have called exec) or the proxy starts programs on its user's word (SN_GR_CHILDREN): less,
 * make.
 */
#ifndef SN_PROXY_H
#define SN_PROXY_H
#include "sensor.h"
#include "unwind.h"

/* What a span of an exec stands for, in the record. */
static inline struct sn_bytes sn_exec__text(const struct sn_exec *exec, struct sn_span span)
{
	return (struct sn_bytes){(const uint8_t *)exec + span.off, span.len};
}

struct sn_proxies;

/* One exec's. Borrowed texts are valid until the next sn_proxies__see and as long as the record is. */
struct sn_proxy {
	uint32_t depth;	       /* names in `chain`; 0: no proxy, and nothing below is set */
	uint32_t kind;	       /* enum sn_payload_kind; NONE: the payload is not known, by `doubt` */
	bool unknown;	       /* the arguments are not whole enough to tell */
	bool truncated;	       /* the payload goes on beyond what is there */
	struct sn_bytes chain; /* basenames, each ended by NUL, outermost first */
	struct sn_bytes class, argv, text, path, url, doubt;
};

/* Without its chain. */
static inline struct sn_proxy sn_proxy__of(const struct sn_unwound *unwound)
{
	return (struct sn_proxy){.kind = unwound->kind,
				 .truncated = unwound->truncated,
				 .class = unwound->class,
				 .argv = unwound->argv,
				 .text = unwound->text,
				 .path = unwound->path,
				 .url = unwound->url,
				 .doubt = unwound->doubt};
}

/* NULL: no memory. */
struct sn_proxies *sn_proxies__new(void);
void sn_proxies__free(struct sn_proxies *proxies);
/* Of a checked, 8-aligned SN_EXEC, in the order of arrival; `identity`: which program it is, whatever its name; empty:
 * not known. Owned by `proxies`. */
const struct sn_proxy *sn_proxies__see(struct sn_proxies *proxies, const struct sn_grammars *grammars,
				       const struct sn_exec *exec, struct sn_bytes identity);
/* What it would have said of an exec, of which it said `was`, had the identity been known. What that led to since stays
 * as it was. `was` itself when it makes no difference. */
const struct sn_proxy *sn_proxies__again(struct sn_proxies *proxies, const struct sn_grammars *grammars,
					 const struct sn_exec *exec, struct sn_bytes identity,
					 const struct sn_proxy *was);
/* Of a checked, 8-aligned SN_FORK: the child goes on where its parent is. */
void sn_proxies__fork(struct sn_proxies *proxies, const struct sn_fork *fork);
/* Forgets the execs so far, as between two recordings. */
void sn_proxies__forget(struct sn_proxies *proxies);
/* Whether the executed file goes by the name of another program: neither its own name nor the first argument has the
 * grammar of `identity`. */
bool sn_proxy__is_renamed(const struct sn_grammars *grammars, const struct sn_exec *exec, struct sn_bytes identity);

/* ---- proxy_block.c ---- */
/* The name of a kind, as rules and alerts have it. */
const char *sn_proxy__kind_name(uint32_t kind);
/* Writes a struct sn_proxy_block of at most `room` bytes to an 8-aligned buf: its size; 0 when there is no proxy, or no
 * room. */
size_t sn_proxy__write(const struct sn_proxy *proxy, void *buf, size_t room);
/* The way back, of a sound block or of no bytes: its texts are borrowed from there. */
void sn_proxy__read(const void *block, size_t size, struct sn_proxy *proxy);
/* Whether `size` bytes are a sound block. */
bool sn_proxy__is_sound(const void *block, size_t size);
#endif
