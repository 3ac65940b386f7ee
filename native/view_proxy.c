/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "schema.h"
#include "text.h"
#include "view_fill.h"

static struct sn_value text_value(struct sn_bytes text)
{
	return text.len ? sn_value__text(text.at, text.len) : (struct sn_value){0};
}

/* The payload's text, or its arguments joined by single spaces. */
static struct sn_value command_line(struct sn_values *values, const struct sn_proxy *proxy)
{
	struct sn_bytes argv = proxy->argv;
	struct sn_value value;
	uint8_t *room;

	if (sn_payload__is_text(proxy->kind) || !argv.len) {
		value = text_value(proxy->text);
	} else {
		room = sn_values__room(values, argv.len);
		if (!room)
			return (struct sn_value){.state = SN_LOST};
		for (uint32_t i = 0; i < argv.len; i++)
			room[i] = argv.at[i] ? argv.at[i] : ' ';
		value = sn_value__text(room, argv.len - (argv.at[argv.len - 1] == 0));
	}
	if (value.state == SN_PRESENT && proxy->truncated) {
		value.state = SN_TRUNCATED;
		value.head = value.len;
	}
	return value;
}

static struct sn_value depth(struct sn_values *values, uint32_t number)
{
	uint8_t *room = sn_values__room(values, SN_TEXT_NUMBER);
	uint32_t n;

	if (!room)
		return (struct sn_value){.state = SN_LOST};
	n = sn_text__u64((char *)room, number);
	sn_values__used(values, room + n);
	return sn_value__text(room, n);
}

struct sn_value sn_view__proxy(struct sn_values *values, const struct sn_proxy *proxy, uint32_t value)
{
	const char *kind;

	if (!proxy->depth)
		return (struct sn_value){.state = proxy->unknown ? SN_LOST : SN_ABSENT};
	if (value == SN_VALUE_PROXY_DEPTH)
		return depth(values, proxy->depth);
	if (value == SN_VALUE_PROXY_FUNCTION)
		return text_value(proxy->class);
	if (proxy->kind == SN_PAYLOAD_NONE)
		return (struct sn_value){.state = SN_LOST};
	switch (value) {
	case SN_VALUE_PAYLOAD_IMAGE:
		return proxy->kind == SN_PAYLOAD_COMMAND ? text_value(proxy->path) : (struct sn_value){0};
	case SN_VALUE_PAYLOAD_COMMAND_LINE:
		return command_line(values, proxy);
	case SN_VALUE_PAYLOAD_KIND:
		kind = sn_proxy__kind_name(proxy->kind);
		return sn_value__text(kind, (uint32_t)strlen(kind));
	case SN_VALUE_PAYLOAD_PATH:
		return text_value(proxy->path);
	case SN_VALUE_PAYLOAD_URL:
		return text_value(proxy->url);
	default:
		return (struct sn_value){0};
	}
}

void sn_view__put_chain(struct sn_values *values, uint32_t number, const struct sn_proxy *proxy)
{
	for (uint32_t at = 0; at < proxy->chain.len;) {
		uint32_t len = (uint32_t)strlen((const char *)proxy->chain.at + at);

		sn_values__put(values, number, proxy->chain.at + at, len, SN_PRESENT, 1);
		at += len + 1;
	}
}
