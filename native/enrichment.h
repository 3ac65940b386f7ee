/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts of files on the match thread: what it knows, whom it asks, which events wait. Somebody else (Python) looks at
 * the files; questions and what is told go through rings, so nothing here is shared.
 *
 *   match thread                                                      who answers (one thread)
 *   exec ─► look ─► known: judged, alerts go out
 *             └───► late ─► question ─► ring ─────────────────────►  sn_engine__questions
 *                             └─► frame waits                          looks at the file
 *           take <─────────────────────── ring <─────────────────── sn_engine__tell, wakes the match thread
 *             └───► judged (again), alerts go out once
 */
#ifndef SN_ENRICHMENT_H
#define SN_ENRICHMENT_H
#include "facts.h"
#include "matcher.h"
#include "path_key.h"
#include "ring.h"
#include "view_fill.h"
#include "waiting.h"

struct sn_engine;
struct sn_origin;

enum { SN_QUESTION_TEXTS = 3 }; /* spans of a question */

/* Private to enrichment.c, questions.c and windows_enrichment.c. */
struct sn_enrichment {
	struct sn_file_facts *files;
	struct sn_waiting *waiting;
	struct sn_ring *questions, *told;
	uint64_t wait_ns;
	uint64_t number; /* of the last question */
	uint64_t second; /* in which `shown` payloads were asked about for display */
	uint32_t shown;
	uint32_t pad;
	struct sn_path_key path_key;
	_Alignas(8) uint8_t question[sizeof(struct sn_question) + SN_QUESTION_TEXTS * SN_PATH_MAX + 8];
};

/* NULL: no memory. */
struct sn_enrichment *sn_enrichment__new(uint32_t wait_ms);
void sn_enrichment__free(struct sn_enrichment *enrichment);
/* What is known of the exec's own file, and which program of the scene's grammars it is: before it is unwound. */
void sn_enrichment__look(struct sn_engine *engine, const struct sn_exec *exec, struct sn_scene *scene);
/* What is known of the payload's file: once it is unwound. */
void sn_enrichment__look_at_payload(const struct sn_exec *exec, struct sn_scene *scene);
/* What is known of the process's file, the scene's `own`, and of what it mapped. */
void sn_enrichment__look_at_load(struct sn_engine *engine, const struct sn_load *load, struct sn_scene *scene);
/* Whether the exec or load that was judged in `scene`, with so many hits, waits; nothing else does. Then it is judged
 * again, and its alerts are none of the caller's. Asks what is to be asked. */
bool sn_enrichment__holds(struct sn_engine *engine, const struct sn_origin *origin, const struct sn_scene *scene,
			  uint32_t hits);
/* For windows_enrichment.c. Whether a file may be asked about for so many current->hits of an event at `time`: a rule
 * waits for it, or there is an alert to show it, of which only some a second ask. */
bool sn_enrichment__may_ask(struct sn_engine *engine, uint32_t hits, uint64_t time);
/* Whether the frame that is in the making, of `size` bytes, now waits for the answers. */
bool sn_enrichment__hold(struct sn_engine *engine, size_t size, bool named, const uint64_t question[2]);
/* Takes in what was told, and judges whoever has waited for it, or long enough; with `all` everybody. */
void sn_enrichment__settle(struct sn_engine *engine, bool all);
/* ms until somebody has waited long enough, at most `most`. */
int sn_enrichment__patience(const struct sn_engine *engine, int most);
#endif
