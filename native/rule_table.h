/* SPDX-License-Identifier: Apache-2.0
 *
 * The rule table: what sensor/compiler/table.py writes and the matcher reads in place.
 *
 *   +------+-----------+---------+--------+-------+------------+-------+-------+-------+--------+
 *   | head | directory | STRINGS | FIELDS | NAMES | LOGSOURCES | RULES | NODES | ATOMS | REGEX  |
 *   +------+-----------+---------+--------+-------+------------+-------+-------+-------+--------+
 *
 * Little endian; sections begin at multiples of 8. A section of unknown kind is ignored. The bytes are hostile until
 * sn_rules__open has proven every offset, length and span; afterwards the matcher needs no check.
 */
#ifndef SN_RULE_TABLE_H
#define SN_RULE_TABLE_H
#include "regex.h"
#include "sensor.h"

enum sn_table_limits {
	SN_TABLE_MAGIC = 0x5452534c, /* "LSRT" */
	SN_TABLE_VERSION = 1,
	SN_TABLE_DEPTH = 64,   /* of a condition tree */
	SN_TABLE_NAMES = 1022, /* values of product, category, service in all rules; 10 bits each in a route */
	SN_TABLE_FIELDS = 65535,
};

struct sn_table_head {
	uint32_t magic;
	uint32_t version;
	uint64_t size; /* whole table */
	uint32_t sections;
	uint32_t pad;
};

enum sn_section_kind {
	SN_SECTION_STRINGS = 1,
	SN_SECTION_FIELDS = 2,
	SN_SECTION_NAMES = 3,
	SN_SECTION_LOGSOURCES = 4,
	SN_SECTION_RULES = 5,
	SN_SECTION_NODES = 6,
	SN_SECTION_ATOMS = 7,
	SN_SECTION_REGEX = 8,
	SN_SECTION_KINDS = 9,
};

struct sn_table_section {
	uint32_t kind;
	uint32_t count; /* entries; bytes for STRINGS and REGEX */
	uint64_t offset;
	uint64_t size; /* bytes */
};

/* Of FIELDS and NAMES: into STRINGS. */
struct sn_table_name {
	uint32_t off;
	uint32_t len;
};

/* Rules first .. first + count have this logsource. Parts are numbers of NAMES plus 1; 0 = not given: any. */
struct sn_table_logsource {
	uint32_t product, category, service;
	uint32_t first, count;
	uint32_t pad;
};

struct sn_table_rule {
	uint32_t first; /* root of its condition in NODES */
	uint32_t count; /* nodes of it: the root's span */
};

/* A condition in preorder: a node's children follow it; `span` counts the node and everything below it. */
enum sn_node_kind { SN_NODE_ATOM = 1, SN_NODE_AND = 2, SN_NODE_OR = 3, SN_NODE_NOT = 4 };

struct sn_table_node {
	uint32_t kind;
	uint32_t span;
	uint32_t atom; /* SN_NODE_ATOM */
};

enum sn_op {
	SN_OP_EQUALS = 1,
	SN_OP_CONTAINS = 2,
	SN_OP_STARTSWITH = 3,
	SN_OP_ENDSWITH = 4,
	SN_OP_GLOB = 5, /* the whole text; byte 0xff = any run, 0xfe = any one character */
	SN_OP_NULL = 6, /* absent or null */
	SN_OP_EXISTS = 7,
	SN_OP_CIDR = 8,	 /* family (2 or 10), prefix length, 16 bytes of address */
	SN_OP_REGEX = 9, /* off, len: blob in REGEX */
	SN_OP_LT = 10,	 /* against the IEEE double in STRINGS */
	SN_OP_LTE = 11,
	SN_OP_GT = 12,
	SN_OP_GTE = 13,
	SN_OP_FIELD = 14, /* against field `aux`, compared by the operator in `form` */
	SN_OP_LAST = 14,
};

enum sn_atom_flag { SN_ATOM_CASED = 1 };

/* The value lies in STRINGS, case-folded unless SN_ATOM_CASED. */
struct sn_table_atom {
	uint8_t op;
	uint8_t flags;
	uint8_t form; /* SN_OP_FIELD: SN_OP_EQUALS .. SN_OP_ENDSWITH */
	uint8_t pad;
	uint32_t field;
	uint32_t off;
	uint32_t len;
	uint32_t aux;
};

struct sn_rules {
	uint8_t *bytes; /* the table, owned; everything below points into it */
	size_t size;
	const uint8_t *strings;
	const uint8_t *regex;
	const struct sn_table_name *fields;
	const struct sn_table_name *names;
	const struct sn_table_logsource *logsources;
	const struct sn_table_rule *rules;
	const struct sn_table_node *nodes;
	const struct sn_table_atom *atoms;
	uint32_t string_bytes, regex_bytes, field_count, name_count, logsource_count, rule_count, node_count,
		atom_count;
};

/* Name of a field; `number` < sn_rules__field_count. Borrowed from the table, not NUL-terminated. */
const char *sn_rules__field_name(const struct sn_rules *rules, uint32_t number, uint32_t *len);

/* A route holds the three parts of a concrete logsource as numbers of NAMES plus 1, 0 = a value that no rule names. */
static inline uint32_t sn_route__product(uint32_t route)
{
	return route & 1023;
}

static inline uint32_t sn_route__category(uint32_t route)
{
	return route >> 10 & 1023;
}

static inline uint32_t sn_route__service(uint32_t route)
{
	return route >> 20 & 1023;
}

/* Whether rules of this logsource look at events of this route: what they give must be equal. */
static inline int sn_route__applies(const struct sn_table_logsource *l, uint32_t route)
{
	return (!l->product || l->product == sn_route__product(route)) &&
	       (!l->category || l->category == sn_route__category(route)) &&
	       (!l->service || l->service == sn_route__service(route));
}
#endif
