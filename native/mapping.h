/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_mapping: the fields of Sigma that are made from other members of a Windows event (SN_MAP of taxonomy.def),
 * for one rule table. Members that no rule reads by their own name get numbers behind the table's fields.
 */
#ifndef SN_MAPPING_H
#define SN_MAPPING_H
#include "values.h"

struct sn_mapping;

/* NULL: no memory. `rules` is not kept. */
struct sn_mapping *sn_mapping__new(const struct sn_rules *rules);
void sn_mapping__free(struct sn_mapping *mapping);
/* The members that have numbers behind the table's fields, which are in `values` as well: number of the first is the
 * count of the table's fields. NULL beyond the end. */
const char *sn_mapping__member(const struct sn_mapping *mapping, uint32_t number);
/* What is made of events of one kind. */
struct sn_mapped {
	uint32_t from, to; /* steps */
};

/* Of events of that service (by number: logsource.h) and id. */
struct sn_mapped sn_mapping__of(const struct sn_mapping *mapping, uint32_t service, uint32_t id);
/* A field of it that is made from the field or member of that number, behind so many others; UINT32_MAX: no other. */
uint32_t sn_mapping__made(const struct sn_mapping *mapping, struct sn_mapped mapped, uint32_t number, uint32_t skip);
/* Gives `values`, which hold such an event, its further fields. */
void sn_mapping__apply(const struct sn_mapping *mapping, struct sn_mapped mapped, struct sn_values *values);
/* What is kept of every event, though no rule may read it: a start is unwound by it, alerts say who it was, and files
 * are asked about. */
enum sn_start_field {
	SN_START_IMAGE,
	SN_START_ORIGINAL_NAME,
	SN_START_COMMAND_LINE,
	SN_START_PARENT_IMAGE,
	SN_START_PARENT_COMMAND_LINE,
	SN_START_PROCESS_ID,
	SN_START_PROCESS_GUID,
	SN_START_PARENT_PROCESS_ID,
	SN_START_PARENT_PROCESS_GUID,
	SN_START_USER,
	SN_START_DIRECTORY,
	SN_START_TIME,	 /* as Sysmon says */
	SN_START_LOGGED, /* as the event log does */
	SN_START_IMAGE_LOADED,
	SN_START_LINK_TIME, /* of the image, as its header has it */
	SN_START_CHECKSUM,
	SN_START_FIELDS,
};
/* Its number, in the table or behind it. */
uint32_t sn_mapping__start_field(const struct sn_rules *rules, enum sn_start_field field);
#endif
