/* SPDX-License-Identifier: Apache-2.0
 *
 * See exec_blob.h.
 */
#include "exec_blob.h"

static void append(struct sn_exec_packing *packing, size_t number, const void *bytes, size_t size)
{
	packing->part[number] = (struct sn_blob_part){bytes, size};
	packing->size += size;
}

static void append_span(struct sn_exec_packing *packing, size_t number, const struct sn_exec *record,
			struct sn_span *span)
{
	const uint8_t *from = (const uint8_t *)record + span->off;

	span->off = span->len ? (uint32_t)packing->size : 0;
	append(packing, number, from, span->len);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void append_argv(struct sn_exec_packing *packing, const struct sn_exec *record, uint32_t room)
{
	const uint8_t *argv = (const uint8_t *)record + record->argv.off;
	uint32_t len = record->argv.len, head = len, tail = 0;

	if (record->h.flags & SN_F_ARGV_TRUNCATED) {
		head = record->argv_head;
		tail = len - head;
	}
	if (len > room) {
		if (!tail)
			tail = len;
		head = least(head, room - room / 4);
		tail = least(tail, room / 4);
		packing->exec.h.flags |= SN_F_ARGV_TRUNCATED;
	}
	packing->exec.argv.off = head + tail ? (uint32_t)packing->size : 0;
	packing->exec.argv.len = head + tail;
	packing->exec.argv_head = head;
	append(packing, 4, argv, head);
	append(packing, 5, argv + len - tail, tail);
}

void sn_exec_packing__fill(struct sn_exec_packing *packing, const struct sn_exec *record, size_t argv_room)
{
	packing->exec = *record;
	packing->exec.h.flags &= ~(uint32_t)(SN_F_EXITED | SN_F_PARENT_UNKNOWN);
	packing->size = 0;
	append(packing, 0, &packing->exec, sizeof(packing->exec));
	append_span(packing, 1, record, &packing->exec.image);
	append_span(packing, 2, record, &packing->exec.script);
	append_span(packing, 3, record, &packing->exec.cwd);
	append_argv(packing, record, argv_room < SN_ARGV_MAX ? (uint32_t)argv_room : SN_ARGV_MAX);
}
