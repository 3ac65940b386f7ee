/* SPDX-License-Identifier: Apache-2.0 */
#include "etw_keys.h"

#include <stdlib.h>
#include <string.h>

#include "count.h"

enum {
	WAYS = 8,
	SETS = 512,
	PATH_ROOM = 1000, /* bytes; longer paths are not kept */
};
static const uint64_t grace_ns = 1000000000;

struct key {
	uint64_t object; /* 0: a free slot */
	uint64_t closed; /* when, 0: it is open */
	uint64_t turn;	 /* when it was opened, in opens */
	uint32_t len;
	uint8_t path[PATH_ROOM];
};

struct sn_etw_keys {
	struct sn_etw_keys_stats stats;
	uint64_t turn;
	struct key slot[SETS][WAYS];
};

struct sn_etw_keys *sn_etw_keys__new(void)
{
	return calloc(1, sizeof(struct sn_etw_keys));
}

void sn_etw_keys__free(struct sn_etw_keys *keys)
{
	free(keys);
}

static uint32_t set_of(uint64_t object)
{
	return (uint32_t)(object * 0x9e3779b97f4a7c15u >> 40) % SETS;
}

static const struct key *find(const struct sn_etw_keys *keys, uint64_t object)
{
	const struct key *set = keys->slot[set_of(object)];

	for (uint32_t i = 0; object && i < WAYS; i++) {
		if (set[i].object == object)
			return &set[i];
	}
	return NULL;
}

/* The object's slot, else a free one, else that of the key that was opened longest ago. */
static struct key *slot_for(struct sn_etw_keys *keys, uint64_t object)
{
	struct key *set = keys->slot[set_of(object)], *place = (struct key *)find(keys, object);

	for (uint32_t i = 0; !place && i < WAYS; i++) {
		if (!set[i].object)
			place = &set[i];
	}
	if (place)
		return place;
	place = &set[0];
	for (uint32_t i = 1; i < WAYS; i++) {
		if (set[i].turn < place->turn)
			place = &set[i];
	}
	sn_count(&keys->stats.forgotten, !place->closed);
	return place;
}

static int is_whole(struct sn_bytes name)
{
	return name.len >= 2 && name.at[0] == '\\' && !name.at[1];
}

static void append(struct key *key, struct sn_bytes text)
{
	if (text.len)
		memcpy(key->path + key->len, text.at, text.len);
	key->len += text.len;
}

/* `object` is from now on the key `name` below `base`: below the key that `base_object` is where `base` is empty. A
 * name that begins with a backslash is whole. What cannot be told leaves `object` unknown. */
static void open_key(struct sn_etw_keys *keys, uint64_t object, uint64_t base_object, struct sn_bytes base,
		     struct sn_bytes name)
{
	const struct key *below = find(keys, base_object);
	struct key made = {.object = object, .turn = ++keys->turn};
	uint32_t separator = 0;

	if (!object)
		return;
	if (is_whole(name))
		base.len = 0;
	else if (!base.len && below)
		base = (struct sn_bytes){below->path, below->len};
	if (base.len && name.len)
		separator = 2;
	if (base.len + separator + name.len > PATH_ROOM) {
		sn_count(&keys->stats.too_long, 1);
	} else if (is_whole(base) || is_whole(name)) {
		append(&made, base);
		append(&made, (struct sn_bytes){(const uint8_t *)"\\", separator}); /* and the NUL behind it */
		append(&made, name);
	}
	*slot_for(keys, object) = made;
}

/* It is not, any more. */
static void close_key(struct sn_etw_keys *keys, uint64_t object, uint64_t time)
{
	struct key *key = (struct key *)find(keys, object);

	if (key)
		key->closed = time;
}

/* Empty: not known. */
static struct sn_bytes path_of(const struct sn_etw_keys *keys, uint64_t object, uint64_t time)
{
	const struct key *key = find(keys, object);

	if (!key || (key->closed && time > key->closed + grace_ns))
		return (struct sn_bytes){0};
	return (struct sn_bytes){key->path, key->len};
}

int sn_etw_keys__changed(struct sn_etw_keys *keys, const struct sn_etw_event *event,
			 const struct sn_etw_decoded *decoded, struct sn_bytes *path)
{
	enum { CREATE = 1, OPEN, DELETE, SET = 5, DELETE_VALUE, CLOSE = 13, CREATED = 1 };
	const struct sn_etw_column *column = decoded->column;
	uint64_t object = column[SN_ETW_KEY_KeyObject].number, status = column[SN_ETW_KEY_Status].number;

	_Static_assert((int)SN_ETW_KEY_Status == (int)SN_ETW_VALUE_SET_Status &&
			       (int)SN_ETW_KEY_Status == (int)SN_ETW_VALUE_DELETE_Status &&
			       (int)SN_ETW_KEY_KeyName == (int)SN_ETW_VALUE_DELETE_KeyName,
		       "columns are taken by KEY's numbers");
	if (event->id == CREATE || event->id == OPEN) {
		object = column[SN_ETW_KEY_OPEN_KeyObject].number;
		if (column[SN_ETW_KEY_OPEN_Status].number)
			return 0;
		open_key(keys, object, column[SN_ETW_KEY_OPEN_BaseObject].number,
			 column[SN_ETW_KEY_OPEN_BaseName].bytes, column[SN_ETW_KEY_OPEN_RelativeName].bytes);
		*path = path_of(keys, object, event->time);
		return event->id == CREATE && column[SN_ETW_KEY_OPEN_Disposition].number == CREATED;
	}
	if (event->id == CLOSE) {
		close_key(keys, object, event->time);
		return 0;
	}
	if (event->id == SET)
		*path = column[SN_ETW_VALUE_SET_KeyName].bytes;
	else
		*path = column[SN_ETW_KEY_KeyName].bytes;
	if (path->len < 2 || path->at[0] != '\\')
		*path = path_of(keys, object, event->time);
	return status == 0;
}

const struct sn_etw_keys_stats *sn_etw_keys__stats(const struct sn_etw_keys *keys)
{
	return &keys->stats;
}
