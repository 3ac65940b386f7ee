/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of an alert's JSON, for alert_json.c, which puts them together. Members come in the order of their names at
 * every level, so that equal alerts are equal bytes.
 */
#ifndef SN_ALERT_JSON_H
#define SN_ALERT_JSON_H
#include "event_fields.h"
#include "json_write.h"
#include "proxy.h"
#include "schema.h"
#include "users.h"

/* The records of a frame, all sound; borrowed from it. */
struct sn_alert_records {
	const uint8_t *event;
	const uint8_t *own;	/* the process: SN_EXEC or SN_PROCESS, of JSON a sn_actor_block; NULL: not known */
	const uint8_t *subject; /* the event where it is an exec, else as `own`: what tells how whole the event is */
	const uint8_t *lineage; /* one after another, parent first */
	uint32_t ancestors;
	uint32_t complete;
	const uint8_t *proxy;			    /* struct sn_proxy_block; NULL: it is none */
	const uint8_t *image_facts, *payload_facts; /* struct sn_facts; NULL: none */
	uint32_t renamed;			    /* enum sn_renamed */
	uint64_t time;				    /* of the event, as the facts' times */
	const struct sn_users *users;
};

/* Which fields of a record rules can use, by Sigma name. */
struct sn_alert_schema;

/* NULL: no memory. */
struct sn_alert_schema *sn_alert_schema__new(void);
void sn_alert_schema__free(struct sn_alert_schema *schema);

/* alert_record.c: the inside of "fields", and "lineage", "lineage_complete", "process" as members. */
void sn_alert_record__fields(struct sn_writer *w, const struct sn_alert_schema *schema,
			     const struct sn_alert_records *records);
void sn_alert_record__processes(struct sn_writer *w, const struct sn_alert_records *records);
/* alert_proxy.c: the proxy at `p`, where the frame has one; 0 or -EBADMSG. */
int sn_alert_proxy__read(struct sn_alert_records *records, const struct sn_alert *alert, const uint8_t *p, size_t room);
/* "proxy" as a member (NULL: none), and the inside of one of its fields: 1, or 0 when it is not there. */
void sn_alert_proxy__member(struct sn_writer *w, const uint8_t *block);
int sn_alert_proxy__field(struct sn_writer *w, enum sn_derived_value value, const uint8_t *block);
/* alert_facts.c: takes them from the end of a frame, 0: they are not sound; "facts" as a member; the inside of one of
 * the fields: 1, or 0 when it is not there; why it is not. */
int sn_alert_facts__read(struct sn_alert_records *records, const struct sn_alert *alert, const uint8_t *at,
			 size_t room);
void sn_alert_facts__member(struct sn_writer *w, const struct sn_alert_records *records);
int sn_alert_facts__field(struct sn_writer *w, enum sn_derived_value value, const struct sn_alert_records *records);
const char *sn_alert_facts__damage(const struct sn_alert_records *records);
/* Why the field of that Sigma name is not whole: "truncated", "unreadable", or "not known". */
const char *sn_alert_record__damage(const struct sn_alert_records *records, const char *field, size_t len);

/* alert_event.c: the same of an event that came as JSON; the processes behind its line, 0: they are not sound. */
int sn_alert_event__read(struct sn_alert_records *records, const struct sn_alert *alert, const uint8_t *at,
			 size_t room);
void sn_alert_event__fields(struct sn_writer *w, const struct sn_event_fields *fields);
void sn_alert_event__processes(struct sn_writer *w, const struct sn_event_fields *fields,
			       const struct sn_alert_records *records);
#endif
