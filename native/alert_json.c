/* SPDX-License-Identifier: Apache-2.0
 *
 * Alert frames to JSON lines. All alerts of one event have everything in common but the rule and what was found, and
 * come one after another, so what they share is made once and copied.
 *
 *   {"event":..,"evidence":..,"facts":..,"fields":..,"host":..,"lineage":..,"lineage_complete":..,"process":.., shared
 *    "rule":..,                                                                                       the rule's text
 *    "time":..,"undecidable":..,"verdict":..}
 */
#include "alert_json.h"

#include <errno.h>
#include <stdlib.h>

#include "alert_texts.h"
#include "engine.h"
#include "schema.h"
#include "sensor.h"

/* A record that was a line of `dump` counts its time from the epoch (sn_record__parse); no machine runs for 31 years.
 */
static const uint64_t EPOCH_TIMES = 1000000000000000000;

struct sn_alerts {
	struct sn_engine *engine; /* the caller's: for the names of users */
	struct sn_alert_schema *schema;
	struct sn_event_fields event_fields;
	struct sn_texts rules, levels, fields, files;
	const char *host, *run;
	int live;
	int64_t boot_to_epoch_ns;
};

/* One frame, taken apart and found sound. */
struct frame {
	struct sn_alert alert;
	struct sn_alert_records records;
	struct sn_header header; /* of the event, if it is a record */
};

int sn_alerts__new(struct sn_engine *engine, const struct sn_alert_texts *texts, struct sn_alerts **out)
{
	struct sn_alerts *alerts = calloc(1, sizeof(*alerts));

	if (!alerts)
		return -ENOMEM;
	alerts->engine = engine;
	alerts->live = *texts->host != 0;
	alerts->schema = sn_alert_schema__new();
	alerts->host = texts->host;
	alerts->run = texts->run;
	if (!alerts->schema || sn_texts__new(&alerts->rules, &texts->rules) ||
	    sn_texts__new(&alerts->levels, &texts->levels) || sn_texts__new(&alerts->fields, &texts->fields) ||
	    sn_texts__new(&alerts->files, &texts->files)) {
		sn_alerts__free(alerts);
		return -ENOMEM;
	}
	if (alerts->rules.count != alerts->levels.count) {
		sn_alerts__free(alerts);
		return -EINVAL;
	}
	*out = alerts;
	return 0;
}

void sn_alerts__free(struct sn_alerts *alerts)
{
	if (!alerts)
		return;
	sn_alert_schema__free(alerts->schema);
	sn_event_fields__free(&alerts->event_fields);
	sn_texts__free(&alerts->rules);
	sn_texts__free(&alerts->levels);
	sn_texts__free(&alerts->fields);
	sn_texts__free(&alerts->files);
	free(alerts);
}

void sn_alerts__set_clock(struct sn_alerts *alerts, int64_t boot_to_epoch_ns)
{
	alerts->boot_to_epoch_ns = boot_to_epoch_ns;
}

/* ---- frames ---- */

static int is_process(const struct sn_header *header)
{
	return header->type == SN_EXEC || header->type == SN_PROCESS;
}

/* A sound SN_EXEC or SN_PROCESS at p: its size, or 0. */
static uint32_t process_size(const uint8_t *p, size_t room)
{
	struct sn_header header;

	if (room < sizeof(header))
		return 0;
	memcpy(&header, p, sizeof(header));
	if (header.size > room || sn_record__check(p, header.size) || !is_process(&header))
		return 0;
	return header.size;
}

/* The records behind the frame's head; 0 or -EBADMSG. */
static int read_records(struct frame *frame, const uint8_t *body, size_t room)
{
	const struct sn_alert *alert = &frame->alert;
	struct sn_alert_records *records = &frame->records;
	size_t event = (alert->event_size + (size_t)7) & ~(size_t)7, at = event;

	if (event > room)
		return -EBADMSG;
	records->event = body;
	records->complete = alert->lineage_complete;
	records->time = alert->time;
	if (alert->payload == SN_PAYLOAD_JSON)
		return sn_alert_event__read(records, alert, body + at, room - at) ? 0 : -EBADMSG;
	if (alert->payload != SN_PAYLOAD_RECORD || sn_record__check(body, alert->event_size))
		return -EBADMSG;
	memcpy(&frame->header, body, sizeof(frame->header));
	records->time = frame->header.time;
	if (alert->process_size) {
		if (process_size(body + at, room - at) != alert->process_size)
			return -EBADMSG;
		records->own = body + at;
		at += alert->process_size;
	} else if (is_process(&frame->header)) {
		records->own = body;
	}
	records->subject = is_process(&frame->header) ? body : records->own;
	records->lineage = body + at;
	for (uint32_t i = 0; i < alert->lineage; i++) {
		uint32_t size = process_size(body + at, room - at);

		if (!size)
			return -EBADMSG;
		at += size;
	}
	records->ancestors = alert->lineage;
	if (sn_alert_proxy__read(records, alert, body + at, room - at))
		return -EBADMSG;
	at += alert->proxy_size;
	return sn_alert_facts__read(records, alert, body + at, room - at) ? 0 : -EBADMSG;
}

static int read_frame(const struct sn_alerts *alerts, const uint8_t *p, size_t size, struct frame *frame)
{
	struct sn_alert *alert = &frame->alert;

	*frame = (struct frame){.records.users = alerts->engine->users};
	if (size < sizeof(*alert))
		return -EBADMSG;
	memcpy(alert, p, sizeof(*alert));
	if (alert->size < sizeof(*alert) || alert->size > size || alert->size % 8 ||
	    alert->rule >= alerts->rules.count || (!alerts->live && alert->file >= alerts->files.count))
		return -EBADMSG;
	return read_records(frame, p + sizeof(*alert), alert->size - sizeof(*alert));
}

static int is_same_event(const struct frame *a, const struct frame *b)
{
	return a->alert.size == b->alert.size && a->alert.index == b->alert.index && a->alert.file == b->alert.file &&
	       a->alert.event_size == b->alert.event_size && a->alert.lost_any == b->alert.lost_any &&
	       memcmp(a->records.event, b->records.event, a->alert.size - sizeof(a->alert)) == 0;
}

/* ---- the parts ---- */

/* One event, one id, whatever number of rules it met: RUN-INDEX. */
static void put_id(struct sn_writer *w, const struct sn_alerts *alerts, const struct frame *frame)
{
	sn_write__literal(w, "\"id\":\"");
	sn_write__bytes(w, alerts->run, strlen(alerts->run));
	sn_write__literal(w, "-");
	sn_write__number(w, frame->alert.index);
	sn_write__literal(w, "\",");
}

static void put_event(struct sn_writer *w, const struct sn_alerts *alerts, const struct frame *frame)
{
	int is_record = frame->alert.payload == SN_PAYLOAD_RECORD, numbered = frame->header.cpu != SN_CPU_NONE;

	sn_write__literal(w, "{\"event\":{");
	if (is_record && numbered)
		sn_write__member(w, "cpu", frame->header.cpu);
	if (!alerts->live) {
		sn_write__literal(w, "\"file\":");
		sn_texts__put(w, &alerts->files, frame->alert.file);
		sn_write__literal(w, ",");
		sn_write__member(w, "index", frame->alert.index);
	} else {
		put_id(w, alerts, frame);
	}
	if (is_record && numbered)
		sn_write__member(w, "seq", frame->header.seq);
	if (is_record) {
		const char *type = sn_types[frame->header.type].name;

		sn_write__literal(w, "\"type\":\"");
		sn_write__bytes(w, type, strlen(type));
		sn_write__literal(w, "\"");
	}
	sn_write__close(w, '}');
	sn_write__literal(w, ",");
}

/* lost.cpu, recent: on this event's CPU since the start, and within the 10 s before; all: on every CPU. */
static void put_evidence(struct sn_writer *w, const struct sn_alerts *alerts, const struct frame *frame)
{
	int lost = alerts->live || frame->alert.lost_any, reduced = 0;
	struct sn_header header;

	if (frame->records.subject) {
		memcpy(&header, frame->records.subject, sizeof(header));
		reduced = header.flags & SN_F_REDUCED;
	}
	if (!lost && !reduced)
		return;
	sn_write__literal(w, "\"evidence\":{");
	if (lost) {
		sn_write__literal(w, "\"lost\":{");
		sn_write__member(w, "all", frame->alert.lost_any);
		sn_write__member(w, "cpu", frame->alert.lost_total);
		sn_write__member(w, "recent", frame->alert.lost_recent);
		sn_write__close(w, '}');
		sn_write__literal(w, ",");
	}
	if (reduced)
		sn_write__literal(w, "\"reduced\":true");
	sn_write__close(w, '}');
	sn_write__literal(w, ",");
}

/* What all alerts of an event share. 0 or -errno. */
static int put_shared(struct sn_writer *w, struct sn_alerts *alerts, const struct frame *frame)
{
	struct sn_event_fields *fields = &alerts->event_fields;
	int is_record = frame->alert.payload == SN_PAYLOAD_RECORD, rc;

	put_event(w, alerts, frame);
	put_evidence(w, alerts, frame);
	sn_alert_facts__member(w, &frame->records);
	sn_write__literal(w, "\"fields\":{");
	if (is_record) {
		sn_alert_record__fields(w, alerts->schema, &frame->records);
	} else {
		rc = sn_event_fields__read(fields, (const char *)frame->records.event, frame->alert.event_size);
		if (rc)
			return rc;
		sn_alert_event__fields(w, fields);
	}
	sn_write__close(w, '}');
	sn_write__literal(w, ",");
	if (alerts->live) {
		sn_write__literal(w, "\"host\":");
		sn_write__bytes(w, alerts->host, strlen(alerts->host));
		sn_write__literal(w, ",");
	}
	if (is_record)
		sn_alert_record__processes(w, &frame->records);
	else
		sn_alert_event__processes(w, fields, &frame->records);
	sn_alert_proxy__member(w, frame->records.proxy);
	return 0;
}

static void put_undecidable(struct sn_writer *w, const struct sn_alerts *alerts, const struct frame *frame)
{
	static const char unknown[] = "\"unknown\"";
	uint32_t cause = frame->alert.cause_field, len = sizeof(unknown) - 1;
	const char *name = unknown, *reason;

	if (cause < alerts->fields.count) {
		name = alerts->fields.text[cause];
		len = sn_texts__len(&alerts->fields, cause);
	}
	reason = sn_alert_record__damage(&frame->records, name + 1, len - 2);
	sn_write__literal(w, "\"undecidable\":{\"cause\":");
	sn_write__bytes(w, name, len);
	sn_write__literal(w, ",\"level\":");
	sn_texts__put(w, &alerts->levels, frame->alert.rule);
	sn_write__literal(w, ",\"reason\":\"");
	sn_write__bytes(w, reason, strlen(reason));
	sn_write__literal(w, "\"},\"verdict\":\"undecidable\"}\n");
}

static void put_rule(struct sn_writer *w, const struct sn_alerts *alerts, const struct frame *frame)
{
	int undecidable = frame->alert.verdict == SN_UNDECIDABLE;
	uint64_t time = frame->header.time;

	sn_write__literal(w, "\"rule\":");
	if (undecidable)
		sn_texts__put_lowered(w, &alerts->rules, &alerts->levels, frame->alert.rule);
	else
		sn_texts__put(w, &alerts->rules, frame->alert.rule);
	sn_write__literal(w, ",");
	if (frame->alert.payload == SN_PAYLOAD_RECORD && (time >= EPOCH_TIMES || alerts->boot_to_epoch_ns)) {
		sn_write__literal(w, "\"time\":");
		sn_write__time(w, time >= EPOCH_TIMES ? time : time + (uint64_t)alerts->boot_to_epoch_ns);
		sn_write__literal(w, ",");
	}
	if (frame->alert.payload == SN_PAYLOAD_JSON && frame->alert.time) {
		sn_write__literal(w, "\"time\":");
		sn_write__time(w, frame->alert.time);
		sn_write__literal(w, ",");
	}
	if (undecidable)
		put_undecidable(w, alerts, frame);
	else
		sn_write__literal(w, "\"verdict\":\"match\"}\n");
}

int64_t sn_alerts__json(struct sn_alerts *alerts, const void *frames, size_t size, struct sn_alert_progress *progress,
			char *buf, size_t buf_size)
{
	struct sn_writer w = {buf, buf + buf_size, 0};
	struct frame frame, before = {0};
	const char *line = NULL; /* of the frame before */
	size_t shared = 0;	 /* its part that other alerts of the event have too */
	int rc = 0;

	while (progress->used < size) {
		char *begin = w.at;

		rc = read_frame(alerts, (const uint8_t *)frames + progress->used, size - progress->used, &frame);
		if (rc)
			break;
		if (line && is_same_event(&frame, &before)) {
			sn_write__bytes(&w, line, shared);
		} else {
			rc = put_shared(&w, alerts, &frame);
			shared = (size_t)(w.at - begin);
		}
		put_rule(&w, alerts, &frame);
		if (rc || w.full) {
			w.at = begin;
			break;
		}
		progress->used += frame.alert.size;
		progress->lines++;
		before = frame;
		line = begin;
	}
	if (w.at == buf && (rc || w.full))
		return rc ? rc : -ENOSPC;
	return w.at - buf;
}
