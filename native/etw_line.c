/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_line.h"

#include "etw_text.h"

struct line {
	struct sn_writer *w;
	const struct sn_etw_told *told;
};

static void put_value(void *of, uint32_t member, const struct sn_etw_column *value)
{
	const struct line *line = of;
	const char *name = sn_etw__member_name(member);
	char plain[SN_ETW_PLAIN_MAX];
	struct sn_writer *w = line->w;
	struct sn_etw_path path;

	sn_write__key(w, name, strlen(name));
	if (sn_etw__is_number(value->type)) {
		sn_write__bytes(w, plain, sn_etw__plain(plain, value));
		sn_write__literal(w, ",");
		return;
	}
	sn_write__literal(w, "\"");
	switch (value->type) {
	case SN_ETW_WTEXT:
		sn_etw__write_wide_inner(w, value->bytes);
		break;
	case SN_ETW_WPATH:
		path = sn_etw_names__path(line->told->names, value->bytes);
		sn_write__inner(w, path.head.at, path.head.len);
		sn_etw__write_wide_inner(w, path.rest);
		break;
	case SN_ETW_ATEXT:
		sn_write__inner(w, value->bytes.at, value->bytes.len);
		break;
	default:
		sn_write__bytes(w, plain, sn_etw__plain(plain, value));
	}
	sn_write__literal(w, "\",");
}

static void put_actor(void *of, uint32_t member, const struct sn_actor *actor, enum sn_actor_text which)
{
	const struct line *line = of;
	const char *name = sn_etw__member_name(member);
	struct sn_bytes text = sn_actors__text(line->told->actors, actor, which);

	sn_write__key(line->w, name, strlen(name));
	sn_write__text(line->w, text.at, text.len);
	sn_write__literal(line->w, ",");
}

void sn_etw__write_line(struct sn_writer *w, const struct sn_etw_told *told)
{
	struct line line = {w, told};

	sn_write__literal(w, "{");
	sn_etw__tell(told, &(struct sn_etw_hearer){NULL, UINT32_MAX, false, put_value, put_actor, &line});
	sn_write__close(w, '}');
}
