/* SPDX-License-Identifier: Apache-2.0 */
#include "alert_texts.h"

#include <errno.h>
#include <stdlib.h>

/* Where the line behind this one begins; NULL: this one does not end. */
static const char *next_line(const char *line, const char *end)
{
	const char *newline = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;

	return newline ? newline + 1 : NULL;
}

int sn_texts__new(struct sn_texts *texts, const struct sn_lines *lines)
{
	const char *end = lines->text + lines->size;
	uint32_t n = 0;

	for (const char *p = lines->text; (p = next_line(p, end));)
		n++;
	texts->count = n;
	texts->text = malloc((n + 1) * sizeof(*texts->text));
	if (!texts->text)
		return -ENOMEM;
	texts->text[0] = lines->text;
	for (uint32_t i = 0; i < n; i++)
		texts->text[i + 1] = next_line(texts->text[i], end);
	return 0;
}

void sn_texts__free(struct sn_texts *texts)
{
	free(texts->text);
}

/* Behind the map's "level":, whose quotes stand in no text; NULL: it has none. */
static const char *level_of(const char *map, const char *end)
{
	static const char key[] = "\"level\":";

	while ((size_t)(end - map) >= sizeof(key) && (map = memchr(map, '"', (size_t)(end - map) - sizeof(key) + 1))) {
		if (memcmp(map, key, sizeof(key) - 1) == 0)
			return map + sizeof(key) - 1;
		map++;
	}
	return NULL;
}

void sn_texts__put_lowered(struct sn_writer *w, const struct sn_texts *rules, const struct sn_texts *levels,
			   uint32_t rule)
{
	static const char none[] = "\"informational\"";
	const char *map = rules->text[rule], *end = map + sn_texts__len(rules, rule), *at = level_of(map, end);
	uint32_t level = sn_texts__len(levels, rule);

	if (at && level <= (size_t)(end - at) &&
	    memcmp(at, none, level < sizeof(none) ? level : sizeof(none) - 1) != 0) {
		sn_write__bytes(w, map, (size_t)(at - map));
		sn_write__literal(w, "\"low\"");
		map = at + level;
	}
	sn_write__bytes(w, map, (size_t)(end - map));
}
