/* SPDX-License-Identifier: Apache-2.0 */
#include "view_fill.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "text.h"

/* The lines of fields.def, of whatever type: no record has more. */
enum {
	BINDINGS_MAX = 0
#define SN_FIELD(type, kind, member, json, sigma, help) +1
#define SN_DERIVED(type, value, sigma, help)		+1
#include "fields.def"
};

enum {
	UNLOOKED = -1, /* no answer of sn_table__parent */
};

struct binding {
	uint32_t number;
	const struct sn_field *field; /* NULL: derived */
	enum sn_derived_value value;
};

struct bindings {
	uint32_t route;
	uint32_t count;
	struct binding binding[BINDINGS_MAX];
};

struct sn_view {
	struct bindings exec;
	struct bindings connect;
	struct bindings file;
	struct bindings load;
	_Alignas(8) uint8_t own[SN_RECORD_MAX];	   /* the process as the table knows it, for records that do not say */
	_Alignas(8) uint8_t parent[SN_RECORD_MAX]; /* its creator */
};

/* One event on its way into the values. */
struct filling {
	struct sn_view *view;
	struct sn_values *values;
	const struct sn_scene *scene;
	const struct sn_header *record;
	const struct sn_exec *own;    /* NULL: not known */
	const struct sn_exec *parent; /* NULL: none, or not known */
	int has_parent;		      /* as sn_table__parent, or UNLOOKED */
};

static int is_fact(const struct binding *binding)
{
	return !binding->field && binding->value >= SN_VALUE_FACT_IMAGE_TRUST;
}

static void bind(struct bindings *bindings, const struct sn_rules *rules, const char *sigma, struct binding binding)
{
	binding.number = *sigma ? sn_rules__field(rules, sigma, strlen(sigma)) : (uint32_t)SN_NO_FIELD;
	/* keywords take every field that rules could name and that the event itself has */
	if (binding.number == (uint32_t)SN_NO_FIELD &&
	    (!*sigma || is_fact(&binding) || sn_rules__field(rules, "*", 1) == (uint32_t)SN_NO_FIELD))
		return;
	bindings->binding[bindings->count++] = binding;
}

static void bind_type(struct bindings *bindings, const struct sn_rules *rules, uint16_t type, const char *category)
{
	bindings->route = sn_rules__route(rules, "linux", category, "");
	for (const struct sn_field *field = sn_fields; field->json; field++)
		if (field->types & 1 << type)
			bind(bindings, rules, field->sigma, (struct binding){.field = field});
	for (const struct sn_derived *derived = sn_derived_fields; derived->sigma; derived++)
		if (derived->types & 1 << type)
			bind(bindings, rules, derived->sigma, (struct binding){.value = derived->value});
}

struct sn_view *sn_view__new(const struct sn_rules *rules)
{
	struct sn_view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	bind_type(&view->exec, rules, SN_EXEC, "process_creation");
	bind_type(&view->connect, rules, SN_CONNECT, "network_connection");
	bind_type(&view->file, rules, SN_FILE, "file_event");
	bind_type(&view->load, rules, SN_LOAD, "image_load");
	return view;
}

void sn_view__free(struct sn_view *view)
{
	free(view);
}

/* NULL: records of this type are not judged. */
static const struct bindings *bindings_of(const struct sn_view *view, uint16_t type)
{
	switch (type) {
	case SN_EXEC:
		return &view->exec;
	case SN_CONNECT:
		return &view->connect;
	case SN_FILE:
		return &view->file;
	case SN_LOAD:
		return &view->load;
	default:
		return NULL;
	}
}

uint32_t sn_view__route(const struct sn_view *view, uint16_t type)
{
	const struct bindings *bindings = bindings_of(view, type);

	return bindings ? bindings->route : (uint32_t)SN_NO_FIELD;
}

/* ---- values ---- */

static struct sn_value lost(void)
{
	return (struct sn_value){.state = SN_LOST};
}

static struct sn_value number_value(struct filling *f, int64_t number, int is_signed)
{
	uint8_t *room = sn_values__room(f->values, SN_TEXT_NUMBER);
	uint32_t n;

	if (!room)
		return lost();
	n = is_signed ? sn_text__i64((char *)room, number) : sn_text__u64((char *)room, (uint64_t)number);
	sn_values__used(f->values, room + n);
	return sn_value__text(room, n);
}

/* A path of an exec: it always has one, unless it was not readable. Paths are walked from their end, so that what a
 * cut one has left is its end; a script's is copied from its front. */
static struct sn_value path_value(const struct sn_exec *exec, const struct sn_field *field)
{
	struct sn_value value;
	struct sn_span span;

	memcpy(&span, (const uint8_t *)exec + field->offset, sizeof(span));
	if (!span.len && field->flag == SN_F_SCRIPT_TRUNCATED)
		return (struct sn_value){0};
	if (!span.len)
		return lost();
	value = sn_value__text((const uint8_t *)exec + span.off, span.len);
	if (exec->h.flags & field->flag) {
		value.state = SN_TRUNCATED;
		value.head = field->flag == SN_F_SCRIPT_TRUNCATED ? span.len : 0;
	}
	return value;
}

/* argv as one text, its arguments joined by single spaces; an empty argument leaves two. */
static struct sn_value argv_value(struct filling *f, const struct sn_exec *exec)
{
	const uint8_t *from = (const uint8_t *)exec + exec->argv.off;
	uint32_t len = exec->argv.len, truncated = exec->h.flags & SN_F_ARGV_TRUNCATED;
	uint8_t *room = sn_values__room(f->values, len);
	struct sn_value value;

	if (!room || (!len && exec->h.flags & (SN_F_ARGV_UNREADABLE | SN_F_REDUCED)))
		return lost();
	for (uint32_t i = 0; i < len; i++)
		room[i] = from[i] ? from[i] : ' ';
	value = sn_value__text(room, len);
	/* the NUL that ends the block is no space; a cut or unreadable end has none to drop */
	if (len && !from[len - 1] && !(exec->h.flags & SN_F_ARGV_UNREADABLE) && (!truncated || exec->argv_head < len))
		value.len--;
	if (truncated || exec->h.flags & SN_F_ARGV_UNREADABLE) {
		value.state = SN_TRUNCATED;
		value.head = truncated ? exec->argv_head : value.len;
	}
	return value;
}

static struct sn_value address_value(struct filling *f, const struct sn_connect *connect, const struct sn_field *field)
{
	const uint8_t *address = (const uint8_t *)connect + field->offset;
	uint8_t *room;
	uint32_t n;

	if (address == connect->saddr && sn_text__no_address(connect->family, address))
		return (struct sn_value){0};
	room = sn_values__room(f->values, SN_TEXT_ADDRESS);
	if (!room)
		return lost();
	n = sn_text__address((char *)room, connect->family, address);
	sn_values__used(f->values, room + n);
	return n ? sn_value__text(room, n) : lost();
}

static struct sn_value protocol_value(struct filling *f, uint16_t protocol)
{
	uint8_t *room = sn_values__room(f->values, SN_TEXT_NUMBER);
	uint32_t n;

	if (!room)
		return lost();
	n = sn_text__protocol((char *)room, protocol);
	sn_values__used(f->values, room + n);
	return sn_value__text(room, n);
}

static struct sn_value known_number(struct filling *f, uint64_t number, uint64_t unknown)
{
	return number == unknown ? (struct sn_value){0} : number_value(f, (int64_t)number, 0);
}

static struct sn_value field_value(struct filling *f, const struct sn_field *field)
{
	const uint8_t *at = (const uint8_t *)f->record + field->offset;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	memcpy(&v16, at, sizeof(v16));
	memcpy(&v32, at, sizeof(v32));
	switch ((enum sn_kind)field->kind) {
	case SN_KIND_TEXT:
		return path_value((const struct sn_exec *)f->record, field);
	case SN_KIND_ARGV:
		return argv_value(f, (const struct sn_exec *)f->record);
	case SN_KIND_NAME:
		return *at ? sn_value__text(at, (uint32_t)strnlen((const char *)at, sizeof(f->own->tty)))
			   : (struct sn_value){0};
	case SN_KIND_ADDR:
		return address_value(f, (const struct sn_connect *)f->record, field);
	case SN_KIND_PROTO:
		return protocol_value(f, v16);
	case SN_KIND_FLAG:
		return v32 & field->flag ? sn_value__text("true", 4) : sn_value__text("false", 5);
	case SN_KIND_U16:
		return number_value(f, v16, 0);
	case SN_KIND_KNOWN16:
		return known_number(f, v16, 0);
	case SN_KIND_I32:
		return number_value(f, (int32_t)v32, 1);
	case SN_KIND_KNOWN32:
		return known_number(f, v32, 0);
	case SN_KIND_ID32:
		return known_number(f, v32, UINT32_MAX);
	case SN_KIND_U64:
	case SN_KIND_KNOWN64:
		memcpy(&v64, at, sizeof(v64));
		return field->kind == SN_KIND_U64 ? number_value(f, (int64_t)v64, 0) : known_number(f, v64, 0);
	case SN_KIND_U32:
	case SN_KIND_DEV:
		return number_value(f, v32, 0);
	case SN_KIND_GUID: /* of records that no rule looks at */
	case SN_KIND_HEX:
		break;
	}
	return lost();
}

/* ---- what the process table adds ---- */

static const struct sn_exec *exported(const struct sn_table *table, const struct sn_process *process, uint8_t *buf)
{
	return sn_table__export(table, process, buf, SN_RECORD_MAX) > 0 ? (const struct sn_exec *)buf : NULL;
}

static void look_up(struct filling *f)
{
	const struct sn_process *process, *parent;

	if (f->has_parent != UNLOOKED)
		return;
	f->has_parent = -ENOENT;
	if (f->record->flags & SN_F_UNSURE)
		return;
	process = sn_table__find(f->scene->table, f->record->pid, f->record->start);
	if (!process)
		return;
	if (!f->own)
		f->own = exported(f->scene->table, process, f->view->own);
	f->has_parent = sn_table__parent(f->scene->table, process, &parent);
	if (f->has_parent == 1)
		f->parent = exported(f->scene->table, parent, f->view->parent);
}

static struct sn_value process_value(struct filling *f, const struct sn_exec *process, enum sn_derived_value value)
{
	static const struct sn_field image = {.offset = offsetof(struct sn_exec, image), .flag = SN_F_IMAGE_TRUNCATED};
	static const struct sn_field cwd = {.offset = offsetof(struct sn_exec, cwd), .flag = SN_F_CWD_TRUNCATED};

	if (!process)
		return lost();
	if (process->h.flags & SN_F_KERNEL_THREAD)
		return (struct sn_value){0};
	if (value == SN_VALUE_CWD)
		return path_value(process, &cwd);
	/* an image that is not known means that its exec was never seen, and with it its arguments */
	if (value == SN_VALUE_IMAGE || !process->image.len)
		return path_value(process, &image);
	return argv_value(f, process);
}

static struct sn_value user_value(struct filling *f, uint32_t uid)
{
	uint32_t len;
	const char *name = sn_users__find(f->scene->users, uid, &len);

	return name ? sn_value__text(name, len) : number_value(f, uid, 0);
}

static struct sn_value parent_value(struct filling *f, enum sn_derived_value value)
{
	look_up(f);
	if (f->has_parent == 0)
		return (struct sn_value){0};
	if (value == SN_VALUE_PARENT_USER)
		return f->parent ? user_value(f, f->parent->uid) : lost();
	return process_value(f, f->parent, value == SN_VALUE_PARENT_IMAGE ? SN_VALUE_IMAGE : SN_VALUE_ARGV);
}

static struct sn_value own_user(struct filling *f)
{
	uint32_t uid;

	memcpy(&uid, (const uint8_t *)f->record + sn_types[f->record->type].uid, sizeof(uid));
	return uid == UINT32_MAX ? lost() : user_value(f, uid);
}

static struct sn_value derived_value(struct filling *f, enum sn_derived_value value)
{
	switch (value) {
	case SN_VALUE_HEADER:
		return number_value(f, f->record->pid, 0);
	case SN_VALUE_USER:
		return own_user(f);
	case SN_VALUE_IMAGE:
	case SN_VALUE_ARGV:
	case SN_VALUE_CWD:
		look_up(f);
		return process_value(f, f->own, value);
	case SN_VALUE_PARENT_IMAGE:
	case SN_VALUE_PARENT_ARGV:
	case SN_VALUE_PARENT_USER:
		return parent_value(f, value);
	case SN_VALUE_TRUE:
		return sn_value__text("true", 4);
	default:
		return f->scene->proxy ? sn_view__proxy(f->values, f->scene->proxy, value) : (struct sn_value){0};
	}
}

/* Values that are not one value from the event: 1, or 0 for all others. */
static int put_special(struct filling *f, const struct binding *binding)
{
	const struct sn_proxy *proxy = f->scene->proxy;

	if (is_fact(binding)) {
		sn_view__put_fact(f->values, binding->number, f->scene, f->record, binding->value);
		return 1;
	}
	if (binding->field || binding->value != SN_VALUE_PROXY_CHAIN || !proxy || !proxy->depth)
		return 0;
	sn_view__put_chain(f->values, binding->number, proxy);
	return 1;
}

void sn_view__fill(struct sn_view *view, struct sn_values *values, const struct sn_scene *scene,
		   const struct sn_header *record)
{
	const struct bindings *bindings = bindings_of(view, record->type);
	struct filling f = {.view = view,
			    .values = values,
			    .scene = scene,
			    .record = record,
			    .own = record->type == SN_EXEC ? (const struct sn_exec *)record : scene->own,
			    .parent = scene->parent,
			    .has_parent = scene->table ? UNLOOKED : scene->has_parent};

	sn_values__clear(values);
	for (uint32_t i = 0; i < bindings->count; i++) {
		const struct binding *binding = &bindings->binding[i];
		struct sn_value value;

		if (put_special(&f, binding))
			continue;
		value = binding->field ? field_value(&f, binding->field) : derived_value(&f, binding->value);

		/* keywords look for what is there: that a process is not known hides nothing that its event says */
		if (value.state == SN_LOST && !binding->field)
			sn_values__put_fact(values, binding->number, NULL, 0, SN_LOST, 0);
		else if (value.state != SN_ABSENT)
			sn_values__set(values, binding->number, &value);
	}
}
