/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_made.h"

#include <string.h>

static uint8_t put_text(uint8_t *to, struct sn_bytes text)
{
	if (!text.len || text.len > SN_GRAMMAR_NAME_MAX)
		return 0;
	memcpy(to, text.at, text.len);
	return (uint8_t)text.len;
}

static bool add_name(struct sn_win_made *made, struct sn_bytes name)
{
	if (made->depth == SN_WIN_CHAIN_MAX || name.len + 1 > sizeof(made->text) - made->used)
		return false;
	memcpy(made->text + made->used, name.at, name.len);
	made->text[made->used + name.len] = 0;
	made->used = (uint16_t)(made->used + name.len + 1);
	made->depth++;
	return true;
}

static bool add_own(struct sn_win_made *made, const struct sn_unwound *own)
{
	if (!own->depth)
		return add_name(made, own->name);
	for (uint32_t i = 0; i < own->depth; i++)
		if (!add_name(made, own->chain[i]))
			return false;
	return true;
}

/* Its children's chains then begin with it: shorter than they were, never another. */
static void forget_before(struct sn_win_made *made)
{
	made->depth = made->before = made->used = 0;
}

bool sn_win_made__of(struct sn_win_made *made, struct sn_bytes image, const struct sn_unwound *own,
		     struct sn_bytes before, uint32_t names)
{
	if (!own->depth && !own->children)
		return false;
	forget_before(made);
	made->kind = (uint8_t)own->kind;
	made->children = own->children;
	made->class_len = put_text(made->class, own->class);
	made->payload_len = own->kind == SN_PAYLOAD_COMMAND ? (uint8_t)sn_windows__name(own->path, made->payload) : 0;
	made->image_len = (uint8_t)sn_windows__name(image, made->image);
	if (names && names <= SN_WIN_CHAIN_MAX && before.len <= sizeof(made->text)) {
		memcpy(made->text, before.at, before.len);
		made->used = (uint16_t)before.len;
		made->depth = made->before = (uint16_t)names;
	}
	if (!add_own(made, own)) {
		forget_before(made);
		add_own(made, own);
	}
	return true;
}

bool sn_win_made__is_of(const struct sn_win_made *made, struct sn_bytes image)
{
	uint8_t name[SN_GRAMMAR_NAME_MAX];

	return !image.len ||
	       (sn_windows__name(image, name) == made->image_len && memcmp(name, made->image, made->image_len) == 0);
}

struct sn_bytes sn_win_made__head(const struct sn_win_made *made, uint32_t names)
{
	struct sn_bytes head = {made->text, 0};

	while (names--)
		head.len += sn_bytes__first((struct sn_bytes){made->text + head.len, made->used - head.len}).len + 1;
	return head;
}

/* What Windows itself starts beside a program. */
static bool is_attendant(struct sn_bytes image)
{
	struct sn_bytes base = sn_windows__basename(image);

	return sn_windows__begins(base, "conhost.exe") || sn_windows__begins(base, "WerFault.exe");
}

/* Whether the chain's command starts that program: `own`, or without a grammar by its name. */
static bool is_payload(const struct sn_win_made *made, const struct sn_grammars *grammars, const struct sn_grammar *own,
		       struct sn_bytes image)
{
	uint8_t name[SN_GRAMMAR_NAME_MAX];

	if (own)
		return sn_grammars__named(grammars, made->payload, made->payload_len) == own;
	return made->payload_len && sn_windows__name(image, name) == made->payload_len &&
	       memcmp(name, made->payload, made->payload_len) == 0;
}

uint32_t sn_win_made__way(const struct sn_win_made *made, const struct sn_grammars *grammars,
			  const struct sn_grammar *own, struct sn_bytes image)
{
	struct sn_bytes rest = {made->text, made->used}, name;

	if (is_attendant(image))
		return 0;
	for (uint32_t i = 0; own && i < made->depth; i++) {
		name = sn_bytes__first(rest);
		rest = sn_bytes__behind(rest, name.len + 1);
		if (i > made->before &&
		    sn_bytes__equal(name, (struct sn_bytes){grammars->text + own->name.off, own->name.len}))
			return i;
	}
	if (is_payload(made, grammars, own, image))
		return made->depth;
	/* its text, its library's function, its address: each child is on its word */
	if (made->kind && made->kind != SN_PAYLOAD_COMMAND && made->kind != SN_PAYLOAD_SCRIPT_FILE)
		return made->depth;
	return made->children ? made->depth : 0;
}
