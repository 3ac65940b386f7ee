/* SPDX-License-Identifier: Apache-2.0
 *
 * A first look through an event's keywords, for the literals of all scans that look for some: most events have none.
 * Most texts have not even the rarest two bytes of a literal, sixteen places looked at together; of the others, the
 * windows. No branch on what is in a text, so that one need not wait for the one before.
 */
#ifndef SN_SWEEP_H
#define SN_SWEEP_H
#include "atom_test.h"
#include "scan.h"
#include "text_pairs.h"
#include "text_windows.h"

#define SN_NOT_ASCII 0x8080808080808080u

enum sn_sweep_limits {
	SN_SWEPT_STRIDE = 6, /* of each such scan: mirrored by sensor/compiler/index.py */
	SN_SWEPT_MIN =
		SN_WIDTH_MAX + SN_SWEPT_STRIDE - 1, /* bytes of the shortest literal, and of a text that has one */
	SN_SUSPECTS = 64,
	SN_SWEEP_FILTERS = 8, /* power of two; sets of groups that events' routes come with in turns */
	SN_SWEPT_PAIRS = 64,  /* different ones; more are in too many texts to spare any a look at its windows */
};

/* A window that literals have. */
struct sn_wanted {
	uint32_t window; /* with SN_LOWER */
	uint32_t groups; /* bits of the groups of scans with such a literal; 0: nothing is here */
};

/* The rarest two bytes of a literal. */
struct sn_rare {
	uint8_t two[2];
	uint32_t groups;
};

/* A text that may have literals. */
struct sn_suspect {
	struct sn_place place;
	uint32_t groups;
};

struct sn_sweep {
	uint32_t bits;
	struct sn_wanted
		*wanted;   /* 1 << bits places, from that of the window's hash on; NULL: there are no such scans */
	uint32_t *filters; /* SN_SWEEP_FILTERS of 1 << bits words each */
	uint32_t filter_of[SN_SWEEP_FILTERS]; /* the groups whose windows it has */
	const uint32_t *filter;		      /* the one for `groups` */
	struct sn_rare *rare;		      /* of all literals, one or more times */
	uint32_t rares;
	struct sn_pairs pairs_of[SN_SWEEP_FILTERS]; /* as filter_of */
	bool few[SN_SWEEP_FILTERS];		    /* no more than SN_SWEPT_PAIRS */
	const struct sn_pairs *pairs;		    /* those for `groups`; NULL: they are too many */
	uint64_t event;				    /* swept last */
	uint32_t groups;			    /* of its routes */
	uint32_t suspects;			    /* more than SN_SUSPECTS: all texts */
	struct sn_suspect suspect[SN_SUSPECTS];
};

/* Whether the scan, of which no literal is shorter than SN_SWEPT_MIN, can be swept for. */
static inline bool sn_sweep__can(const struct sn_scan *scan)
{
	return scan->kind == SN_SCAN_GRAMS && !scan->wide && scan->width == SN_WIDTH_MAX &&
	       scan->stride == SN_SWEPT_STRIDE;
}

/* Makes room for the windows of so many entries: -ENOMEM. */
int sn_sweep__init(struct sn_sweep *sweep, uint32_t entries);
void sn_sweep__clear(struct sn_sweep *sweep);
/* Adds the windows of the scan, whose group has this bit. */
void sn_sweep__want(struct sn_sweep *sweep, const struct sn_rules *rules, const struct sn_scan *scan, uint32_t group);
/* Begins with an event, for sweep->groups. */
void sn_sweep__begin(struct sn_sweep *sweep, uint64_t event);
/* Takes a text in which something was met: the groups that have no literal in it. */
uint32_t sn_sweep__suspect(struct sn_sweep *sweep, const struct sn_place *place);

/* Whether a text may have a literal; no byte beyond its end is read. */
static inline bool sn_sweep__may_find(const struct sn_sweep *sweep, const uint8_t *text, uint32_t len)
{
	const uint32_t bits = sweep->bits;
	const uint32_t *filter = sweep->filter;
	uint32_t at = 0, met = 0;
	uint64_t word, all = 0;

	if (sweep->pairs && !sn_pairs__may_have(sweep->pairs, text, len))
		return false;
	for (; at <= len - 8; at += SN_SWEPT_STRIDE) {
		memcpy(&word, text + at, 8);
		all |= word;
		met |= sn_windows__met(filter, bits, sn_windows__hash((uint32_t)word));
	}
	memcpy(&word, text + len - 8, 8);
	all |= word;
	if (at <= len - SN_WIDTH_MAX)
		met |= sn_windows__met(filter, bits, sn_windows__hash((uint32_t)(word >> 8 * (at + 8 - len))));
	return met & 1 || all & SN_NOT_ASCII;
}
#endif
