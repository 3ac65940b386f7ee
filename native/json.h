/* SPDX-License-Identifier: Apache-2.0
 *
 * A strict JSON scanner (RFC 8259) without a tree: the caller walks the text and takes what it wants. Every function
 * starts at `*at` and leaves it behind what it read. Input is UTF-8; anything else is refused.
 */
#ifndef SN_JSON_H
#define SN_JSON_H
#include <stdint.h>

enum { SN_JSON_DEPTH = 64 };

struct sn_json {
	const uint8_t *at;
	const uint8_t *end;
};

struct sn_json_string {
	const uint8_t *text; /* between the quotes, as written */
	uint32_t len;
	uint32_t escaped; /* it holds backslashes */
	uint32_t odd;	  /* sn_write__again might not leave it as it is: DEL, what is not ASCII, \u or \/ */
};

static inline void sn_json__space(struct sn_json *json)
{
	const uint8_t *at = json->at, *end = json->end;

	while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	json->at = at;
}

/* Steps over `c` and the space before it; 0 when something else is there. */
static inline int sn_json__take(struct sn_json *json, uint8_t c)
{
	if (json->at < json->end && *json->at <= ' ')
		sn_json__space(json);
	if (json->at == json->end || *json->at != c)
		return 0;
	json->at++;
	return 1;
}

/* From the opening quote on. 1, or 0 when it is no string. */
int sn_json__string(struct sn_json *json, struct sn_json_string *out);
/* A number, true, false or null: 1 and its text, or 0. */
int sn_json__scalar(struct sn_json *json, struct sn_json_string *out);
/* Any value, read and forgotten; `depth` levels are above it. 1 or 0. */
int sn_json__skip(struct sn_json *json, uint32_t depth);
/* What the \uXXXX at p means in a sound string that ends at `end`, with the low surrogate that may follow a high one;
 * returns the end of what it read. */
const uint8_t *sn_json__code(const uint8_t *p, const uint8_t *end, uint32_t *code);
enum { SN_JSON_SLACK = 16 }; /* bytes behind the end that sn_json__unescape and sn_json__meaning may overwrite */

/* Writes what a sound string means, never more than string->len bytes; returns the end. A lone surrogate
 * \udc80..\udcff is the byte 80..ff (as record_json.c writes it), any other is written as three bytes. */
uint8_t *sn_json__unescape(const struct sn_json_string *string, uint8_t *out);
/* Both in one pass, from the opening quote on, which is there: a string, and what it means as *text, borrowed where it
 * stands when it has no escapes. `room` is for all up to json->end, and SN_JSON_SLACK; *used is behind what was written
 * there. */
int sn_json__meaning(struct sn_json *json, const uint8_t **text, uint32_t *len, uint8_t *room, uint8_t **used);
#endif
