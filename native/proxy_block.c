/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_proxy with an alert's frame: as struct sn_proxy_block, and back.
 */
#include <string.h>

#include "proxy.h"

const char *sn_proxy__kind_name(uint32_t kind)
{
	static const char *const names[] = {
		"unknown", "command", "inline script", "script file",		"library",    "url",
		"pipe",	   "unc",     "webdav",	       "alternate data stream", "dll export", "com object"};

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
		      proxy->path.len + proxy->url.len + proxy->doubt.len;

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
	block.doubt = put(buf, &used, proxy->doubt);
	memcpy(buf, &block, sizeof(block));
	return size;
}

static struct sn_bytes of_block(const uint8_t *block, struct sn_span span)
{
	return (struct sn_bytes){block + span.off, span.len};
}

void sn_proxy__read(const void *bytes, size_t size, struct sn_proxy *proxy)
{
	struct sn_proxy_block block;

	*proxy = (struct sn_proxy){0};
	if (!size)
		return;
	memcpy(&block, bytes, sizeof(block));
	*proxy = (struct sn_proxy){.depth = block.depth,
				   .kind = block.kind,
				   .unknown = !block.depth,
				   .truncated = block.truncated,
				   .chain = of_block(bytes, block.chain),
				   .class = of_block(bytes, block.function),
				   .argv = of_block(bytes, block.argv),
				   .text = of_block(bytes, block.text),
				   .path = of_block(bytes, block.path),
				   .url = of_block(bytes, block.url),
				   .doubt = of_block(bytes, block.doubt)};
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
	       is_inside(block.url, size) && is_inside(block.kind_name, size) && is_inside(block.doubt, size);
}
