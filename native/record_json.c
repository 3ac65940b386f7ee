/* SPDX-License-Identifier: Apache-2.0
 *
 * sn_record__json: a record as one JSON object. The fields come from fields.def; what is not known is left out.
 */
#include <errno.h>
#include <string.h>

#include "record_write.h"
#include "sensor.h"

static void put_header(struct sn_writer *w, const struct sn_header *h, int64_t boot_to_epoch_ns)
{
	sn_write__literal(w, "{\"type\":\"");
	sn_write__bytes(w, sn_types[h->type].name, strlen(sn_types[h->type].name));
	sn_write__literal(w, "\",\"time\":");
	if (h->type == SN_ETW || h->type == SN_LINE)
		sn_write__time(w, h->time);
	else if (boot_to_epoch_ns)
		sn_write__time(w, h->time + (uint64_t)boot_to_epoch_ns);
	else
		sn_write__number(w, h->time);
	sn_write__literal(w, ",");
	if (h->type != SN_LOSS && h->type != SN_LINE)
		sn_write__member(w, "pid", h->pid);
	if (h->type != SN_LOSS && h->type != SN_ETW && h->type != SN_LINE)
		sn_write__member(w, "start", h->start);
	if (h->cpu != SN_CPU_NONE) {
		sn_write__member(w, "cpu", h->cpu);
		sn_write__member(w, "seq", h->seq);
	}
}

int64_t sn_record__json(const void *record, size_t size, int64_t boot_to_epoch_ns, char *buf, size_t buf_size)
{
	struct sn_writer w = {buf, buf + buf_size, 0};
	struct sn_header h;

	if (sn_record__check(record, size))
		return -EBADMSG;
	memcpy(&h, record, sizeof(h));
	put_header(&w, &h, boot_to_epoch_ns);
	for (const struct sn_field *field = sn_fields; field->json; field++)
		if (field->types & 1 << h.type)
			sn_record__write_member(&w, field, field->json, field->json_len, record);
	sn_write__close(&w, '}');
	return w.full ? -ENOSPC : w.at - buf;
}
