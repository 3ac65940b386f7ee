/* SPDX-License-Identifier: Apache-2.0
 *
 * The rule table: the bytes that sensor/compiler/table.py writes, verified once (rule_verify.c), then read in place
 * without checks. All numbers are little endian, all sections 8-aligned; a kind of section that a reader does not know
 * is passed over.
 *
 *   +----------------------+-----------------------------+---------+---------+---
 *   | struct sn_table_head | struct sn_section[sections] | section | section | ...
 *   +----------------------+-----------------------------+---------+---------+---
 *
 *   RULES ──► STEPS ──► ATOMS ──► VALUES ──► TEXT, REGEX          a rule's condition, its tests, what they compare with
 *   ROUTES ─► ROUTE_RULES ──► rule numbers                        a logsource and its rules, from 0: its own numbers
 *          ├► ROUTE_ALWAYS, ROUTE_FIELDS                          rules without a witness; fields that its rules read
 *          └► SCANS ──► FILTERS, BUCKETS ──► ENTRIES ──► TARGETS  literals, and whose witnesses they are (rule_index.h)
 *   FIELDS, PRODUCTS, CATEGORIES, SERVICES ──► TEXT               names, each kind sorted by bytes, each name once
 *
 * What an element points at begins where that of the element before it ends, so nothing is verified twice.
 */
#ifndef SN_RULE_TABLE_H
#define SN_RULE_TABLE_H
#include "grammar.h"
#include "sensor.h"

#define SN_TABLE_MAGIC "LNSGRULE"
enum { SN_TABLE_VERSION = 10, SN_ANY = -1 };

struct sn_table_head {
	char magic[8];
	uint32_t version;
	uint32_t sections;
	uint64_t size; /* whole table */
};

enum sn_section_kind {
	SN_TEXT = 1,	      /* bytes */
	SN_REGEX = 2,	      /* blobs of regex.h, 8-aligned */
	SN_FIELDS = 3,	      /* struct sn_stretch: names */
	SN_PRODUCTS = 4,      /* likewise */
	SN_CATEGORIES = 5,    /* likewise */
	SN_SERVICES = 6,      /* likewise */
	SN_VALUES = 7,	      /* struct sn_literal */
	SN_ATOMS = 8,	      /* struct sn_atom */
	SN_STEPS = 9,	      /* struct sn_step */
	SN_RULES = 10,	      /* struct sn_rule */
	SN_ROUTES = 11,	      /* struct sn_route, sorted by logsource */
	SN_ROUTE_RULES = 12,  /* uint32_t: numbers of rules */
	SN_ROUTE_ALWAYS = 13, /* uint32_t: a route's own numbers of rules */
	SN_ROUTE_FIELDS = 14, /* uint32_t: numbers of fields */
	SN_SCANS = 15,	      /* struct sn_scan */
	SN_FILTERS = 16,      /* uint32_t: see scan.h */
	SN_BUCKETS = 17,      /* uint32_t: numbers of a scan's entries */
	SN_ENTRIES = 18,      /* struct sn_entry */
	SN_TARGETS = 19,      /* uint32_t: a route's own numbers of rules; behind the last, vetoes of ROUTE_ALWAYS; from
			       * the next multiple of 64 on, marks */
	SN_GRAMMARS = 20,     /* bytes of grammar.h; none: nothing is unwound */
	SN_WIN_GRAMMARS = 21, /* the same for Windows' programs; none where no rule looks at Windows */
	SN_SECTION_KINDS = 22,
};

struct sn_section {
	uint32_t kind;
	uint32_t count; /* of elements */
	uint64_t offset;
	uint64_t size;
};

/* Of TEXT, or of REGEX. */
struct sn_stretch {
	uint32_t off;
	uint32_t len;
};

/* What an atom tests. It holds when any value of the field meets any of the atom's values. */
enum sn_op {
	SN_OP_EQUALS = 1, /* up to SN_OP_GLOB: pattern.h */
	SN_OP_CONTAINS = 2,
	SN_OP_STARTSWITH = 3,
	SN_OP_ENDSWITH = 4,
	SN_OP_GLOB = 5,
	SN_OP_NULL = 6,	   /* absent or null; no values */
	SN_OP_EXISTS = 7,  /* there, if only as null; no values */
	SN_OP_NETWORK = 8, /* values: struct sn_network */
	SN_OP_REGEX = 9,
	SN_OP_LESS = 10, /* up to SN_OP_GREATER_EQUAL, values: decimals (scalar.h) */
	SN_OP_LESS_EQUAL = 11,
	SN_OP_GREATER = 12,
	SN_OP_GREATER_EQUAL = 13,
	SN_OP_TIME = 14,  /* `other`: enum sn_time_part; values: decimals, compared by the operator `form` */
	SN_OP_FIELD = 15, /* against the field `other` by operator `form`, SN_OP_EQUALS to SN_OP_ENDSWITH; no values */
	SN_OPS = 16,
};

struct sn_atom {
	uint32_t field;
	uint8_t op;
	uint8_t cased; /* 0: values are folded, and so is the event's text before it is compared */
	uint8_t form;
	uint8_t pad;
	uint32_t other;
	uint32_t value; /* first in VALUES */
	uint32_t values;
	uint32_t plain; /* without a scan, all values; with one, the first so many that it does not look for */
	uint32_t scan;	/* in SCANS: looks for the others in a whole text; SN_ANY: there is none */
};

/* A condition without NOT and without brackets: each step tests one atom and says where to go on, at a later step of
 * the same rule or at an end. So it takes at most as many tests as it has steps. */
enum { SN_TO_NO = -2, SN_TO_MATCH = -1 };

struct sn_step {
	uint32_t test; /* atom << 1 | negated */
	uint32_t on_true;
	uint32_t on_false;
	uint32_t mark; /* of its rule's route, set where the scans find what the atom tests; SN_ANY: they do not */
};

struct sn_rule {
	uint32_t step; /* first */
	uint32_t steps;
};

/* A logsource as rules name it; SN_ANY: not named. */
struct sn_route {
	uint32_t product, category, service;
	uint32_t rule, rules;	   /* in ROUTE_RULES */
	uint32_t always, alwayses; /* in ROUTE_ALWAYS */
	uint32_t field, fields;	   /* in ROUTE_FIELDS */
	uint32_t scan, scans;
	uint32_t marks;
};

/* The number of a route's first mark. */
static inline uint32_t sn_route__mark(const struct sn_route *route)
{
	return (route->rules + route->alwayses + 63) & ~63u;
}

struct sn_rules {
	uint8_t *bytes;
	const uint8_t *text, *regex;
	const struct sn_stretch *fields, *products, *categories, *services;
	const struct sn_stretch *values;
	const struct sn_atom *atoms;
	const struct sn_step *steps;
	const struct sn_rule *rules;
	const struct sn_route *routes;
	const uint32_t *route_rules, *route_always, *route_fields;
	const struct sn_scan *scans;
	const uint32_t *filters;
	const uint32_t *buckets;
	const struct sn_entry *entries;
	const uint32_t *targets;
	struct sn_grammars grammars;	  /* of GRAMMARS */
	struct sn_grammars win_grammars;  /* of WIN_GRAMMARS */
	uint32_t count[SN_SECTION_KINDS]; /* elements by kind */
};

enum { SN_BASES_MAX = 8 };

/* The ROUTES whose rules look at events of a route from sn_rules__route: those that name nothing else. */
uint32_t sn_rules__bases(const struct sn_rules *rules, uint32_t route, uint32_t base[SN_BASES_MAX]);
/* Whether one of the rules of a route from sn_rules__route reads the field. */
int sn_rules__reads(const struct sn_rules *rules, uint32_t route, uint32_t field);
#endif
