/* SPDX-License-Identifier: Apache-2.0
 *
 *   "proxy":{"chain":[..],"depth":..,"function":..,
 *            "payload":{"argv":[..],"command_line":..,"kind":..,"path":..,"truncated":true,"url":..}}
 *
 * An unknown payload: {"unknown":OPTION}.
 */
#include <errno.h>

#include "alert_json.h"

int sn_alert_proxy__read(struct sn_alert_records *records, const struct sn_alert *alert, const uint8_t *p, size_t room)
{
	if (alert->proxy_size > room || (alert->proxy_size && !sn_proxy__is_sound(p, alert->proxy_size)))
		return -EBADMSG;
	records->proxy = alert->proxy_size ? p : NULL;
	return 0;
}

static struct sn_proxy_block block_of(const uint8_t *bytes)
{
	struct sn_proxy_block block;

	memcpy(&block, bytes, sizeof(block));
	return block;
}

static int put_span(struct sn_writer *w, const uint8_t *bytes, struct sn_span span)
{
	if (span.len)
		sn_write__text(w, bytes + span.off, span.len);
	return span.len != 0;
}

/* Texts that each end in NUL, the last perhaps not: a list, or one string with spaces between. */
static void put_texts(struct sn_writer *w, const uint8_t *at, uint32_t len, int is_list)
{
	sn_write__bytes(w, is_list ? "[" : "\"", 1);
	for (uint32_t i = 0; i < len;) {
		const uint8_t *nul = memchr(at + i, 0, len - i);
		uint32_t n = nul ? (uint32_t)(nul - at) - i : len - i;

		if (is_list)
			sn_write__text(w, at + i, n);
		else
			sn_write__inner(w, at + i, n);
		i += n + 1;
		if (i < len)
			sn_write__bytes(w, is_list ? "," : " ", 1);
	}
	sn_write__bytes(w, is_list ? "]" : "\"", 1);
}

static int put_command_line(struct sn_writer *w, const uint8_t *bytes)
{
	struct sn_proxy_block block = block_of(bytes);

	if (sn_payload__is_text(block.kind) || !block.argv.len)
		return put_span(w, bytes, block.text);
	put_texts(w, bytes + block.argv.off, block.argv.len, 0);
	return 1;
}

int sn_alert_proxy__field(struct sn_writer *w, enum sn_derived_value value, const uint8_t *bytes)
{
	struct sn_proxy_block block = block_of(bytes);

	if (!block.depth)
		return 0;
	switch (value) {
	case SN_VALUE_PROXY_CHAIN:
		put_texts(w, bytes + block.chain.off, block.chain.len, 1);
		return 1;
	case SN_VALUE_PROXY_DEPTH:
		sn_write__number(w, block.depth);
		return 1;
	case SN_VALUE_PROXY_FUNCTION:
		return put_span(w, bytes, block.function);
	case SN_VALUE_PAYLOAD_IMAGE:
		return block.kind == SN_PAYLOAD_COMMAND && put_span(w, bytes, block.path);
	case SN_VALUE_PAYLOAD_COMMAND_LINE:
		return put_command_line(w, bytes);
	case SN_VALUE_PAYLOAD_KIND:
		return block.kind && put_span(w, bytes, block.kind_name);
	case SN_VALUE_PAYLOAD_PATH:
		return put_span(w, bytes, block.path);
	case SN_VALUE_PAYLOAD_URL:
		return put_span(w, bytes, block.url);
	default:
		return 0;
	}
}

/* A member that may not be there. */
static void put_member(struct sn_writer *w, const char *name, enum sn_derived_value value, const uint8_t *bytes)
{
	char *before = w->at;

	sn_write__key(w, name, strlen(name));
	sn_write__end(w, before, sn_alert_proxy__field(w, value, bytes));
}

void sn_alert_proxy__member(struct sn_writer *w, const uint8_t *bytes)
{
	struct sn_proxy_block block = {0};

	if (bytes)
		block = block_of(bytes);
	if (!block.depth)
		return;
	sn_write__literal(w, "\"proxy\":{");
	put_member(w, "chain", SN_VALUE_PROXY_CHAIN, bytes);
	put_member(w, "depth", SN_VALUE_PROXY_DEPTH, bytes);
	put_member(w, "function", SN_VALUE_PROXY_FUNCTION, bytes);
	sn_write__literal(w, "\"payload\":{");
	if (block.argv.len) {
		sn_write__literal(w, "\"argv\":");
		put_texts(w, bytes + block.argv.off, block.argv.len, 1);
		sn_write__literal(w, ",");
	}
	put_member(w, "command_line", SN_VALUE_PAYLOAD_COMMAND_LINE, bytes);
	put_member(w, "kind", SN_VALUE_PAYLOAD_KIND, bytes);
	put_member(w, "path", SN_VALUE_PAYLOAD_PATH, bytes);
	if (block.truncated)
		sn_write__literal(w, "\"truncated\":true,");
	if (!block.kind) {
		sn_write__literal(w, "\"unknown\":");
		sn_write__text(w, bytes + block.doubt.off, block.doubt.len);
		sn_write__literal(w, ",");
	}
	put_member(w, "url", SN_VALUE_PAYLOAD_URL, bytes);
	sn_write__close(w, '}');
	sn_write__close(w, '}');
	sn_write__literal(w, ",");
}
