/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_writer: JSON into a buffer of the caller's. Valid UTF-8 whatever it is given, and one line, also for
 * readers that split by Unicode's rules or show it on a terminal: DEL, C1 controls, bidi overrides and line separators
 * are written as \uXXXX, which is the same value.
 *
 * Members are written with a comma behind them; sn_write__close takes the last one away.
 */
#ifndef SN_JSON_WRITE_H
#define SN_JSON_WRITE_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Appends as long as there is room. `full` once there was not: what is there is then of no use. */
struct sn_writer {
	char *at;
	char *end;
	int full;
};

static inline void sn_write__bytes(struct sn_writer *w, const void *bytes, size_t n)
{
	if ((size_t)(w->end - w->at) < n) {
		w->full = 1;
		w->at = w->end;
		return;
	}
	memcpy(w->at, bytes, n);
	w->at += n;
}

/* A string literal as it is. */
#define sn_write__literal(w, text) sn_write__bytes(w, text, sizeof(text) - 1)

void sn_write__number(struct sn_writer *w, uint64_t value);
/* "name": */
void sn_write__key(struct sn_writer *w, const char *name, size_t n);
/* Bytes as a string; those that are no UTF-8 become lone surrogates \udc80..\udcff, as Python's surrogateescape. */
void sn_write__text(struct sn_writer *w, const uint8_t *p, size_t n);
/* The same without the quotes. */
void sn_write__inner(struct sn_writer *w, const uint8_t *p, size_t n);
/* The inside of a sound JSON string as this writer would have written it, without the quotes: two that mean the same
 * become the same. */
void sn_write__again(struct sn_writer *w, const uint8_t *p, size_t n);
/* `ns` since the epoch as RFC 3339 in UTC, quoted. */
void sn_write__time(struct sn_writer *w, uint64_t ns);

/* A number as a member. */
static inline void sn_write__member(struct sn_writer *w, const char *name, uint64_t value)
{
	sn_write__key(w, name, strlen(name));
	sn_write__number(w, value);
	sn_write__literal(w, ",");
}

/* Behind a member whose key was written at `before`: its comma, or the key taken back because it has no value. */
static inline void sn_write__end(struct sn_writer *w, char *before, int known)
{
	if (known)
		sn_write__literal(w, ",");
	else
		w->at = before;
}

/* `close` is } or ], in the place of the comma behind the last member if there is one. */
static inline void sn_write__close(struct sn_writer *w, char close)
{
	if (!w->full && w->at[-1] == ',')
		w->at[-1] = close;
	else
		sn_write__bytes(w, &close, 1);
}
#endif
