/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts that are the same in many alerts: JSON, one a line, by number. Borrowed.
 */
#ifndef SN_ALERT_TEXTS_H
#define SN_ALERT_TEXTS_H
#include "json_write.h"
#include "sensor.h"

struct sn_texts {
	const char **text; /* count + 1: the last points behind the end */
	uint32_t count;
};

/* 0 or -ENOMEM. What follows the last newline is left out. */
int sn_texts__new(struct sn_texts *texts, const struct sn_lines *lines);
void sn_texts__free(struct sn_texts *texts);
/* A rule's map of `rules` with a level that is no alarm, which an undecidable is not; `levels` has its own. */
void sn_texts__put_lowered(struct sn_writer *w, const struct sn_texts *rules, const struct sn_texts *levels,
			   uint32_t rule);

static inline uint32_t sn_texts__len(const struct sn_texts *texts, uint32_t number)
{
	return (uint32_t)(texts->text[number + 1] - texts->text[number] - 1);
}

static inline void sn_texts__put(struct sn_writer *w, const struct sn_texts *texts, uint32_t number)
{
	sn_write__bytes(w, texts->text[number], sn_texts__len(texts, number));
}
#endif
