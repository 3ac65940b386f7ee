/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_view: which fields of our records the rules of one table look at. Bound when the table is loaded, so that
 * an event costs only what some rule reads.
 */
#ifndef SN_VIEW_FILL_H
#define SN_VIEW_FILL_H
#include "process_table.h"
#include "proxy.h"
#include "users.h"
#include "values.h"

struct sn_view;

/* What a record is seen with. All borrowed. */
struct sn_scene {
	const struct sn_users *users;
	const struct sn_table *table; /* that has already taken the record in; NULL: its parent is given here */
	const struct sn_exec *own;    /* of a SN_LOAD: the process; NULL: not known, or the table says */
	const struct sn_exec *parent; /* NULL: none, or not known */
	int has_parent;		      /* as sn_table__parent */
	const struct sn_proxy *proxy; /* NULL: it is no exec, or nothing is unwound */
	const struct sn_facts *image; /* of the process's file and the payload's, or what it mapped; NULL: none */
	const struct sn_facts *payload;
	struct sn_bytes identity;	    /* which program the executed file is; empty: none, or `image` is late */
	const struct sn_grammars *grammars; /* with `identity` */
	uint32_t renamed;		    /* enum sn_renamed, of an event that is no record */
};

/* NULL: no memory. `rules` is not kept. */
struct sn_view *sn_view__new(const struct sn_rules *rules);
void sn_view__free(struct sn_view *view);
/* Route of events made from records of that type, SN_NO_FIELD when no rule looks at them. */
uint32_t sn_view__route(const struct sn_view *view, uint16_t type);
/* Fills `values` from a checked, 8-aligned SN_EXEC or SN_CONNECT. The texts are borrowed from the record, `view`, the
 * scene and `values` until the next fill. */
void sn_view__fill(struct sn_view *view, struct sn_values *values, const struct sn_scene *scene,
		   const struct sn_header *record);
/* view_proxy.c: the value of a SN_VALUE_PROXY_* or SN_VALUE_PAYLOAD_*, but for the chain that is there. */
struct sn_value sn_view__proxy(struct sn_values *values, const struct sn_proxy *proxy, uint32_t value);
/* The chain that is there: its names are values of the field, each on its own. */
void sn_view__put_chain(struct sn_values *values, uint32_t number, const struct sn_proxy *proxy);
/* view_facts.c: puts a SN_VALUE_FACT_* of an exec or a load; SN_VALUE_PROXY_IDENTITY or SN_VALUE_RENAMED_PROXY of an
 * exec. */
void sn_view__put_fact(struct sn_values *values, uint32_t number, const struct sn_scene *scene,
		       const struct sn_header *record, uint32_t value);
#endif
