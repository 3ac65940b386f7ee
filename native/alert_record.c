/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdlib.h>

#include "alert_json.h"
#include "record_write.h"

/* One field of fields.def that rules can use. */
struct shown {
	const char *sigma;
	const struct sn_field *field;	  /* NULL: derived */
	const struct sn_derived *derived; /* NULL: of the record itself */
};

enum { TYPES = SN_TYPES, SHOWN_MAX = 128 /* of one type of record */ };

struct sn_alert_schema {
	struct {
		struct shown shown[SHOWN_MAX];
		uint32_t count;
	} type[TYPES];
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct shown *)a)->sigma, ((const struct shown *)b)->sigma);
}

static void show(struct sn_alert_schema *schema, uint16_t types, struct shown shown)
{
	for (uint32_t type = 0; type < TYPES; type++)
		if (types & 1 << type && schema->type[type].count < SHOWN_MAX)
			schema->type[type].shown[schema->type[type].count++] = shown;
}

struct sn_alert_schema *sn_alert_schema__new(void)
{
	struct sn_alert_schema *schema = calloc(1, sizeof(*schema));

	if (!schema)
		return NULL;
	for (const struct sn_field *field = sn_fields; field->json; field++)
		if (*field->sigma)
			show(schema, field->types, (struct shown){field->sigma, field, NULL});
	for (const struct sn_derived *derived = sn_derived_fields; derived->sigma; derived++)
		show(schema, derived->types, (struct shown){derived->sigma, NULL, derived});
	for (uint32_t type = 0; type < TYPES; type++)
		qsort(schema->type[type].shown, schema->type[type].count, sizeof(struct shown), compare);
	return schema;
}

void sn_alert_schema__free(struct sn_alert_schema *schema)
{
	free(schema);
}

static struct sn_header header_of(const uint8_t *record)
{
	struct sn_header header;

	memcpy(&header, record, sizeof(header));
	return header;
}

static uint32_t uid_of(const uint8_t *record)
{
	uint32_t uid;

	memcpy(&uid, record + sn_types[header_of(record).type].uid, sizeof(uid));
	return uid;
}

/* Of a text member of an SN_EXEC or SN_PROCESS: 1, or 0 when it is empty. */
static int put_path(struct sn_writer *w, const uint8_t *record, size_t offset)
{
	struct sn_span span;

	memcpy(&span, record + offset, sizeof(span));
	if (span.len)
		sn_write__text(w, record + span.off, span.len);
	return span.len != 0;
}

/* The name of the record's user: 1, or 0 when it is not known. */
static int put_name(struct sn_writer *w, const struct sn_users *users, const uint8_t *record)
{
	uint32_t len;
	const char *name = sn_users__find(users, uid_of(record), &len);

	if (name)
		sn_write__text(w, (const uint8_t *)name, len);
	return name != NULL;
}

static int put_user(struct sn_writer *w, const struct sn_users *users, const uint8_t *record)
{
	if (put_name(w, users, record))
		return 1;
	sn_write__literal(w, "\"");
	sn_write__number(w, uid_of(record));
	sn_write__literal(w, "\"");
	return 1;
}

/* The value of an SN_DERIVED line: 1, or 0 when it is not known. */
static int put_derived(struct sn_writer *w, enum sn_derived_value value, const struct sn_alert_records *records)
{
	const uint8_t *parent = records->ancestors ? records->lineage : NULL;

	switch (value) {
	case SN_VALUE_HEADER:
		sn_write__number(w, header_of(records->event).pid);
		return 1;
	case SN_VALUE_TRUE:
		sn_write__literal(w, "\"true\"");
		return 1;
	case SN_VALUE_USER:
		return uid_of(records->event) != UINT32_MAX && put_user(w, records->users, records->event);
	case SN_VALUE_IMAGE:
		return records->own && put_path(w, records->own, offsetof(struct sn_exec, image));
	case SN_VALUE_CWD:
		return records->own && put_path(w, records->own, offsetof(struct sn_exec, cwd));
	case SN_VALUE_ARGV:
		return records->own && sn_record__write_command_line(w, records->own);
	case SN_VALUE_PARENT_IMAGE:
		return parent && put_path(w, parent, offsetof(struct sn_exec, image));
	case SN_VALUE_PARENT_ARGV:
		return parent && sn_record__write_command_line(w, parent);
	case SN_VALUE_PARENT_USER:
		return parent && put_user(w, records->users, parent);
	default:
		if (value >= SN_VALUE_FACT_IMAGE_TRUST)
			return sn_alert_facts__field(w, value, records);
		return records->proxy && sn_alert_proxy__field(w, value, records->proxy);
	}
}

static int put_field(struct sn_writer *w, const struct sn_field *field, const uint8_t *record)
{
	if (field->kind != SN_KIND_ARGV)
		return sn_record__write(w, field, record);
	if (!sn_record__write_command_line(w, record))
		sn_write__literal(w, "\"\"");
	return 1;
}

void sn_alert_record__fields(struct sn_writer *w, const struct sn_alert_schema *schema,
			     const struct sn_alert_records *records)
{
	uint16_t type = header_of(records->event).type;

	for (uint32_t i = 0; i < schema->type[type].count; i++) {
		const struct shown *shown = &schema->type[type].shown[i];
		char *before = w->at;
		int known;

		sn_write__key(w, shown->sigma, strlen(shown->sigma));
		known = shown->field ? put_field(w, shown->field, records->event)
				     : put_derived(w, shown->derived->value, records);
		sn_write__end(w, before, known);
	}
}

/* ---- process and lineage ---- */

static void put_path_member(struct sn_writer *w, const char *name, const uint8_t *record, size_t offset)
{
	char *before = w->at;

	sn_write__key(w, name, strlen(name));
	sn_write__end(w, before, put_path(w, record, offset));
}

static void put_command_line(struct sn_writer *w, const uint8_t *record)
{
	char *before = w->at;

	sn_write__literal(w, "\"command_line\":");
	sn_write__end(w, before, sn_record__write_command_line(w, record));
}

static void put_damage(struct sn_writer *w, const uint8_t *record, uint32_t flags)
{
	uint64_t bytes;

	memcpy(&bytes, record + offsetof(struct sn_exec, argv_bytes), sizeof(bytes));
	sn_write__member(w, "argv_bytes", bytes);
	if (flags & SN_F_ARGV_TRUNCATED)
		sn_write__literal(w, "\"argv_truncated\":true,");
	if (flags & SN_F_ARGV_UNREADABLE)
		sn_write__literal(w, "\"argv_unreadable\":true,");
}

static void put_process(struct sn_writer *w, const struct sn_alert_records *records)
{
	const uint8_t *own = records->own;
	struct sn_header header = header_of(own);
	char *before;

	sn_write__literal(w, "\"argv\":");
	sn_record__write_arguments(w, own);
	sn_write__literal(w, ",");
	if (header.flags & (SN_F_ARGV_TRUNCATED | SN_F_ARGV_UNREADABLE))
		put_damage(w, own, header.flags);
	put_command_line(w, own);
	put_path_member(w, "cwd", own, offsetof(struct sn_exec, cwd));
	put_path_member(w, "image", own, offsetof(struct sn_exec, image));
	sn_write__member(w, "pid", header.pid);
	sn_write__member(w, "start", header.start);
	sn_write__member(w, "uid", uid_of(own));
	before = w->at;
	sn_write__literal(w, "\"user\":");
	if (!put_name(w, records->users, own))
		w->at = before;
}

void sn_alert_record__processes(struct sn_writer *w, const struct sn_alert_records *records)
{
	const uint8_t *record = records->lineage;

	if (!records->own)
		return;
	sn_write__literal(w, "\"lineage\":[");
	for (uint32_t i = 0; i < records->ancestors; i++) {
		struct sn_header header = header_of(record);

		sn_write__literal(w, "{");
		put_command_line(w, record);
		put_path_member(w, "image", record, offsetof(struct sn_exec, image));
		sn_write__member(w, "pid", header.pid);
		sn_write__member(w, "start", header.start);
		sn_write__close(w, '}');
		sn_write__literal(w, ",");
		record += header.size;
	}
	sn_write__close(w, ']');
	sn_write__literal(w, ",\"lineage_complete\":");
	sn_write__bytes(w, records->complete ? "true" : "false", records->complete ? 4 : 5);
	sn_write__literal(w, ",\"process\":{");
	put_process(w, records);
	sn_write__close(w, '}');
	sn_write__literal(w, ",");
}

/* ---- damage ---- */

static int is_fact(const char *field, size_t len)
{
	for (const struct sn_derived *derived = sn_derived_fields; derived->sigma; derived++)
		if (derived->value >= SN_VALUE_FACT_IMAGE_TRUST && strlen(derived->sigma) == len &&
		    memcmp(derived->sigma, field, len) == 0)
			return 1;
	return 0;
}

const char *sn_alert_record__damage(const struct sn_alert_records *records, const char *field, size_t len)
{
	static const struct {
		char field[20];
		uint32_t flag;
		const char *reason;
	} damages[] = {{"CommandLine", SN_F_ARGV_UNREADABLE, "unreadable"},
		       {"CommandLine", SN_F_ARGV_TRUNCATED, "truncated"},
		       {"Image", SN_F_IMAGE_TRUNCATED, "truncated"},
		       {"CurrentDirectory", SN_F_CWD_TRUNCATED, "truncated"},
		       {"Script", SN_F_SCRIPT_TRUNCATED, "truncated"}};
	static const char of_parent[] = "Parent";
	const uint8_t *record = records->subject;

	if (len > strlen(of_parent) && memcmp(field, of_parent, strlen(of_parent)) == 0) {
		record = records->ancestors ? records->lineage : NULL;
		field += strlen(of_parent);
		len -= strlen(of_parent);
	}
	for (uint32_t i = 0; record && i < sizeof(damages) / sizeof(*damages); i++)
		if (strlen(damages[i].field) == len && memcmp(damages[i].field, field, len) == 0 &&
		    header_of(record).flags & damages[i].flag)
			return damages[i].reason;
	return is_fact(field, len) ? sn_alert_facts__damage(records) : "not known";
}
