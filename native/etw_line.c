/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_line.h"

#include "etw_text.h"
#include "text.h"

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

	sn_actors__write(line->told->actors, actor, which, line->w, sn_etw__member_name(member));
}

void sn_etw__write_line(struct sn_writer *w, const struct sn_etw_told *told)
{
	struct line line = {w, told};

	sn_write__literal(w, "{");
	sn_etw__tell(told, &(struct sn_etw_hearer){NULL, put_value, put_actor, &line});
	sn_write__close(w, '}');
	sn_write__literal(w, "\n");
}

void sn_etw__write_left_out(struct sn_writer *w, const struct sn_etw_event *event, const char *reason)
{
	char text[SN_TEXT_NUMBER];

	sn_write__literal(w, "!event ");
	sn_write__bytes(w, text, sn_text__u64(text, event->id));
	sn_write__literal(w, " of version ");
	sn_write__bytes(w, text, sn_text__u64(text, event->version));
	sn_write__literal(w, ": ");
	sn_write__bytes(w, reason, strlen(reason));
	sn_write__literal(w, "\n");
}
