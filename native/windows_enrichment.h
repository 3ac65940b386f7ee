/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts of files of Windows' events on the match thread: enrichment.h for process creations and image loads, which come
 * as JSON or are made of ETW's and name their files by path.
 *
 * A path, with the time of linking and the checksum that the event tells of the image, is a file for EPOCH_NS: then it
 * is asked about again, and whoever answers looks at what lies there. A payload's file is asked about each time.
 */
#ifndef SN_WINDOWS_ENRICHMENT_H
#define SN_WINDOWS_ENRICHMENT_H
#include "actors.h"
#include "logsource.h"
#include "view_fill.h"

struct sn_engine;
struct sn_held;

/* What an event of Windows is seen with beside itself. */
struct sn_win_files {
	uint32_t type;			 /* SN_WIN_START, SN_WIN_LOAD; 0: it has no files that are asked about */
	uint64_t time;			 /* of the event, ns since 1970 */
	struct sn_actor *actor;		 /* who did it; NULL: not known */
	bool starts;			 /* a process, which is unwound */
	const struct sn_facts *told[2];	 /* by enum sn_asked - 1: what came for it while it waited; NULL: it did not */
	const struct sn_facts *known[2]; /* what is known; NULL: nobody looked */
};

/* Puts what is known of the image, and of what a load mapped, into the current values: before a start is unwound.
 * files->time and ->told are given. */
void sn_win_enrichment__look(struct sn_engine *engine, const struct sn_routes *routes, struct sn_win_files *files);
/* What is known of a start's payload, once it is unwound, if a rule reads it. */
void sn_win_enrichment__look_at_payload(struct sn_engine *engine, struct sn_win_files *files);
/* Whether a start is to wait for its file's facts before it is judged: while they are late, so is every rule that reads
 * one under Sysmon's name. Asks about them. */
bool sn_win_enrichment__asks_first(struct sn_engine *engine, struct sn_win_files *files, uint64_t question[2]);
/* Asks what is to be asked for the event in the current values, with so many hits: whether it is to wait, for what.
 * Gives `scene` the facts that its alerts show. */
bool sn_win_enrichment__asks(struct sn_engine *engine, struct sn_win_files *files, struct sn_scene *scene,
			     uint32_t hits, uint64_t question[2]);
/* Judges an event that was held, in engine->frame: true: it waits again, else its alerts are out. */
bool sn_win_enrichment__again(struct sn_engine *engine, const struct sn_held *held);
#endif
