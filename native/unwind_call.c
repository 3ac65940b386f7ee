/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy.h"
#include "windows_unwind.h"

/* The chain as a block has it: each name ended by NUL. */
static struct sn_bytes chain_of(const struct sn_unwound *unwound, uint8_t *room)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < unwound->depth; i++) {
		memcpy(room + used, unwound->chain[i].at, unwound->chain[i].len);
		used += unwound->chain[i].len;
		room[used++] = 0;
	}
	return (struct sn_bytes){room, used};
}

int64_t sn_unwind__block(const void *grammars, size_t grammars_size, const char *argv, size_t argv_size, uint32_t limit,
			 void *buf, size_t buf_size)
{
	struct sn_bytes arguments = {(const uint8_t *)argv, (uint32_t)argv_size};
	uint8_t chain[SN_UNWIND_DEPTH * (SN_GRAMMAR_NAME_MAX + 1)];
	struct sn_unwinder *unwinder;
	struct sn_unwound unwound;
	struct sn_grammars opened;
	struct sn_proxy proxy;
	int64_t written = 0;

	if (limit > SN_UNWIND_DEPTH || argv_size > UINT32_MAX || sn_grammars__open(grammars, grammars_size, &opened))
		return -EINVAL;
	unwinder = calloc(1, sizeof(*unwinder));
	if (!unwinder)
		return -ENOMEM;
	unwinder->limit = limit;
	if (sn_unwinder__run(unwinder, &opened, sn_bytes__first(arguments), arguments, false, &unwound)) {
		proxy = sn_proxy__of(&unwound);
		proxy.depth = unwound.depth;
		proxy.chain = chain_of(&unwound, chain);
		written = (int64_t)sn_proxy__write(&proxy, buf, buf_size);
		if (!written)
			written = -ENOSPC;
	}
	free(unwinder);
	return written;
}

int64_t sn_unwind__windows(const void *grammars, size_t grammars_size, const char *texts, size_t texts_size,
			   uint32_t limit, void *buf, size_t buf_size)
{
	struct sn_bytes rest = {(const uint8_t *)texts, (uint32_t)texts_size}, text[5];
	struct sn_win_proxies *proxies;
	struct sn_grammars opened;
	int64_t written;
	bool renamed;

	if (!limit || limit > SN_UNWIND_DEPTH || texts_size > UINT32_MAX ||
	    sn_grammars__open(grammars, grammars_size, &opened))
		return -EINVAL;
	for (uint32_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		text[i] = sn_bytes__first(rest);
		rest = sn_bytes__rest(rest, text[i]);
	}
	proxies = sn_win_proxies__new(limit);
	if (!proxies)
		return -ENOMEM;
	const struct sn_start start = {text[0], text[1], text[2], text[3], text[4]};
	const struct sn_grammar *identity = sn_win_proxy__identity(&opened, &start, &renamed);
	const struct sn_proxy *proxy = sn_win_proxies__see(proxies, &opened, &start, identity, NULL);

	written = (int64_t)sn_proxy__write(proxy, buf, buf_size);
	if (!written && proxy->depth)
		written = -ENOSPC;
	sn_win_proxies__free(proxies);
	return written;
}
