/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <stdlib.h>
#include <string.h>

enum {
	SLOTS = 2048,			      /* power of two; programs that are being started at the same time */
	SLOT_TEXT = 232,		      /* chain and payload of one; longer ones are not remembered */
	CHAIN_MAX = 2 * SN_UNWIND_DEPTH * 64, /* the longest chain: names of proxies have at most 64 bytes */
};

/* What a process was last made to run. */
struct slot {
	uint64_t start;
	uint32_t pid;
	uint8_t depth;
	uint8_t is_text; /* the payload is a text, else the name of a program */
	uint8_t chain_len;
	uint8_t payload_len;
	uint8_t bytes[SLOT_TEXT]; /* chain, then payload */
};

struct sn_proxies {
	struct sn_unwinder unwinder;
	struct sn_unwound unwound;
	struct sn_proxy proxy;
	uint8_t chain[CHAIN_MAX];
	struct slot slot[SLOTS];
};

struct sn_proxies *sn_proxies__new(void)
{
	return calloc(1, sizeof(struct sn_proxies));
}

void sn_proxies__free(struct sn_proxies *proxies)
{
	free(proxies);
}

void sn_proxies__forget(struct sn_proxies *proxies)
{
	memset(proxies->slot, 0, sizeof(proxies->slot));
}

static struct slot *slot_of(struct sn_proxies *proxies, uint32_t pid, uint64_t start)
{
	uint64_t hash = (start ^ (uint64_t)pid << 40) * 0x9e3779b97f4a7c15u;

	return &proxies->slot[hash >> 53 & (SLOTS - 1)];
}

static struct sn_bytes of_span(const struct sn_exec *exec, struct sn_span span)
{
	return (struct sn_bytes){(const uint8_t *)exec + span.off, span.len};
}

static bool equal(struct sn_bytes a, struct sn_bytes b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

/* ---- the way that led here ---- */

/* The part of the slot's chain before a program of that name; false: it is not what the slot's was made to run. */
static bool leads_to(const struct slot *slot, struct sn_bytes name, struct sn_bytes *before, uint32_t *depth)
{
	struct sn_bytes payload = {slot->bytes + slot->chain_len, slot->payload_len};
	uint32_t at = 0;

	for (uint32_t i = 0; i < slot->depth; i++) {
		struct sn_bytes link = sn_bytes__first((struct sn_bytes){slot->bytes + at, slot->chain_len - at});

		if (i && equal(link, name)) {
			*before = (struct sn_bytes){slot->bytes, at};
			*depth = i;
			return true;
		}
		at += link.len + 1;
	}
	*before = (struct sn_bytes){slot->bytes, slot->chain_len};
	*depth = slot->depth;
	return name.len && (slot->is_text ? sn_bytes__find(payload, name) != NULL : equal(payload, name));
}

/* What led to this exec: an exec before it in the same process, or one of its parent's. */
static uint32_t way_to(struct sn_proxies *proxies, const struct sn_exec *exec, struct sn_bytes *before)
{
	const struct {
		uint32_t pid;
		uint64_t start;
	} who[] = {{exec->h.pid, exec->h.start}, {exec->ppid, exec->parent_start}};
	struct sn_bytes name[2] = {sn_bytes__basename(sn_bytes__first(of_span(exec, exec->argv))),
				   sn_bytes__basename(of_span(exec, exec->image))};
	uint32_t depth;

	for (uint32_t i = 0; i < 2; i++) {
		const struct slot *slot = slot_of(proxies, who[i].pid, who[i].start);

		if (!slot->depth || slot->pid != who[i].pid || slot->start != who[i].start)
			continue;
		if (leads_to(slot, name[0], before, &depth) || leads_to(slot, name[1], before, &depth))
			return depth;
	}
	*before = (struct sn_bytes){0};
	return 0;
}

/* ---- the exec itself ---- */

/* The chain before, then that of the command line, as far as there is room for both. */
static void join_chain(struct sn_proxies *proxies, struct sn_bytes before, uint32_t depth)
{
	struct sn_proxy *proxy = &proxies->proxy;
	uint32_t used = before.len;

	memcpy(proxies->chain, before.at, before.len);
	proxy->depth = depth;
	for (uint32_t i = 0; i < proxies->unwound.depth; i++) {
		struct sn_bytes link = proxies->unwound.chain[i];

		if (link.len + 1 > CHAIN_MAX - used)
			break;
		memcpy(proxies->chain + used, link.at, link.len);
		proxies->chain[used + link.len] = 0;
		used += link.len + 1;
		proxy->depth++;
	}
	proxy->chain = (struct sn_bytes){proxies->chain, used};
}

static void remember(struct sn_proxies *proxies, const struct sn_exec *exec)
{
	const struct sn_proxy *proxy = &proxies->proxy;
	bool is_text = sn_payload__is_text(proxy->kind);
	struct sn_bytes payload = is_text ? proxy->text : sn_bytes__basename(proxy->path);
	struct slot *slot = slot_of(proxies, exec->h.pid, exec->h.start);

	if (!proxy->depth || proxy->chain.len + payload.len > SLOT_TEXT) {
		if (slot->pid == exec->h.pid && slot->start == exec->h.start)
			slot->depth = 0;
		return;
	}
	slot->start = exec->h.start;
	slot->pid = exec->h.pid;
	slot->depth = (uint8_t)proxy->depth;
	slot->is_text = is_text;
	slot->chain_len = (uint8_t)proxy->chain.len;
	slot->payload_len = (uint8_t)payload.len;
	memcpy(slot->bytes, proxy->chain.at, proxy->chain.len);
	memcpy(slot->bytes + proxy->chain.len, payload.at, payload.len);
}

const struct sn_proxy *sn_proxies__see(struct sn_proxies *proxies, const struct sn_grammars *grammars,
				       const struct sn_exec *exec)
{
	bool cut = exec->h.flags & (SN_F_ARGV_TRUNCATED | SN_F_ARGV_UNREADABLE);
	struct sn_bytes argv = of_span(exec, exec->argv), image = of_span(exec, exec->image), before;
	const struct sn_unwound *own = &proxies->unwound;
	struct sn_proxy *proxy = &proxies->proxy;
	uint32_t depth = way_to(proxies, exec, &before);

	*proxy = (struct sn_proxy){0};
	if (exec->h.flags & SN_F_ARGV_TRUNCATED)
		argv.len = exec->argv_head < argv.len ? exec->argv_head : argv.len;
	if (sn_unwinder__run(&proxies->unwinder, grammars, image, argv, cut, &proxies->unwound)) {
		*proxy = (struct sn_proxy){.kind = own->kind,
					   .truncated = own->truncated,
					   .class = own->class,
					   .argv = own->argv,
					   .text = own->text,
					   .path = own->path,
					   .url = own->url};
	} else if (depth) { /* this is what the chain was to run */
		*proxy = (struct sn_proxy){.kind = SN_PAYLOAD_COMMAND, .truncated = cut, .argv = argv, .path = image};
	} else {
		struct sn_bytes name = sn_bytes__basename(image);

		proxy->unknown = cut && sn_grammars__find(grammars, name.at, name.len) != NULL;
	}
	if (own->depth || depth)
		join_chain(proxies, before, depth);
	remember(proxies, exec);
	return proxy;
}

/* ---- for alerts ---- */

const char *sn_proxy__kind_name(uint32_t kind)
{
	static const char *const names[] = {"none",    "command", "inline script", "script file",
					    "library", "url",	  "pipe"};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : names[0];
}

static struct sn_span put(uint8_t *buf, uint32_t *used, struct sn_bytes bytes)
{
	struct sn_span span = {*used, bytes.len};

	if (bytes.len)
		memcpy(buf + *used, bytes.at, bytes.len);
	*used += bytes.len;
	return span;
}

size_t sn_proxy__write(const struct sn_proxy *proxy, void *buf, size_t room)
{
	uint32_t used = sizeof(struct sn_proxy_block);
	struct sn_proxy_block block = {.depth = proxy->depth, .kind = proxy->kind, .truncated = proxy->truncated};
	const char *kind = sn_proxy__kind_name(proxy->kind);
	struct sn_bytes kind_name = {(const uint8_t *)kind, (uint32_t)strlen(kind)};
	size_t size = used + kind_name.len + proxy->chain.len + proxy->class.len + proxy->argv.len + proxy->text.len +
		      proxy->path.len + proxy->url.len;

	size = (size + 7) & ~(size_t)7;
	if ((!proxy->depth && !proxy->unknown) || size > room)
		return 0;
	memset((uint8_t *)buf + size - 8, 0, 8);
	block.size = (uint32_t)size;
	block.chain = put(buf, &used, proxy->chain);
	block.function = put(buf, &used, proxy->class);
	block.argv = put(buf, &used, proxy->argv);
	block.text = put(buf, &used, proxy->text);
	block.path = put(buf, &used, proxy->path);
	block.url = put(buf, &used, proxy->url);
	block.kind_name = put(buf, &used, kind_name);
	memcpy(buf, &block, sizeof(block));
	return size;
}

static bool is_inside(struct sn_span span, size_t size)
{
	return span.off <= size && span.len <= size - span.off;
}

bool sn_proxy__is_sound(const void *bytes, size_t size)
{
	struct sn_proxy_block block;

	if (size < sizeof(block))
		return false;
	memcpy(&block, bytes, sizeof(block));
	return block.size == size && is_inside(block.chain, size) && is_inside(block.function, size) &&
	       is_inside(block.argv, size) && is_inside(block.text, size) && is_inside(block.path, size) &&
	       is_inside(block.url, size) && is_inside(block.kind_name, size);
}
