/* SPDX-License-Identifier: Apache-2.0
 *
 * sn_record__check: the one gate between bytes of any origin and the code that trusts their offsets.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sensor.h"

enum { FAMILY_IPV4 = 2, FAMILY_IPV6 = 10 };

/* Length of the fixed part by type; 0: no such type. */
static const uint16_t body_size[] = {
	[SN_EXEC] = sizeof(struct sn_exec),
	[SN_FORK] = sizeof(struct sn_fork),
	[SN_EXIT] = sizeof(struct sn_exit),
	[SN_CONNECT] = sizeof(struct sn_connect),
	[SN_CONNECT_RESULT] = sizeof(struct sn_connect),
	[SN_PROCESS] = sizeof(struct sn_exec),
	[SN_SOCKET] = sizeof(struct sn_connect),
	[SN_LOSS] = sizeof(struct sn_loss),
	[SN_FILE] = sizeof(struct sn_file),
	[SN_LOAD] = sizeof(struct sn_load),
	[SN_ETW] = sizeof(struct sn_etw),
	[SN_LINE] = sizeof(struct sn_line),
};

static int span_fits_behind(const struct sn_span *span, size_t fixed, uint32_t size)
{
	if (!span->len)
		return 1;
	return span->off >= fixed && span->off <= size && span->len <= size - span->off;
}

static int span_fits(const struct sn_span *span, uint32_t size)
{
	return span_fits_behind(span, sizeof(struct sn_exec), size);
}

static int exec_is_sound(const void *record, uint32_t size)
{
	struct sn_exec exec;

	memcpy(&exec, record, sizeof(exec));
	return span_fits(&exec.image, size) && span_fits(&exec.script, size) && span_fits(&exec.cwd, size) &&
	       span_fits(&exec.argv, size) && exec.image.len <= SN_PATH_MAX && exec.script.len <= SN_PATH_MAX &&
	       exec.cwd.len <= SN_PATH_MAX && exec.argv.len <= SN_ARGV_MAX && exec.argv_head <= exec.argv.len;
}

static int file_is_sound(const void *record, uint32_t size)
{
	struct sn_file file;

	memcpy(&file, record, sizeof(file));
	return span_fits_behind(&file.path, sizeof(file), size) && file.path.len <= SN_PATH_MAX;
}

static int load_is_sound(const void *record, uint32_t size)
{
	struct sn_load load;

	memcpy(&load, record, sizeof(load));
	return span_fits_behind(&load.path, sizeof(load), size) && load.path.len <= SN_PATH_MAX;
}

static int etw_is_sound(const void *record, uint32_t size)
{
	struct sn_etw etw;

	memcpy(&etw, record, sizeof(etw));
	return span_fits_behind(&etw.data, sizeof(etw), size) && (etw.pointer == 8 || etw.pointer == 4);
}

static int line_is_sound(const void *record, uint32_t size)
{
	struct sn_line line;

	memcpy(&line, record, sizeof(line));
	return span_fits_behind(&line.text, sizeof(line), size);
}

static int family_is_known(const void *record)
{
	uint16_t family;

	memcpy(&family, (const uint8_t *)record + offsetof(struct sn_connect, family), sizeof(family));
	return family == FAMILY_IPV4 || family == FAMILY_IPV6;
}

int sn_record__check(const void *record, size_t size)
{
	struct sn_header header;

	if (size < sizeof(header) || size > SN_RECORD_MAX || size % 8)
		return -EBADMSG;
	memcpy(&header, record, sizeof(header));
	if (header.size != size || header.type >= sizeof(body_size) / sizeof(*body_size))
		return -EBADMSG;
	if (!body_size[header.type] || size < body_size[header.type])
		return -EBADMSG;
	switch (header.type) {
	case SN_EXEC:
	case SN_PROCESS:
		return exec_is_sound(record, header.size) ? 0 : -EBADMSG;
	case SN_CONNECT:
	case SN_CONNECT_RESULT:
	case SN_SOCKET:
		return family_is_known(record) ? 0 : -EBADMSG;
	case SN_FILE:
		return file_is_sound(record, header.size) ? 0 : -EBADMSG;
	case SN_LOAD:
		return load_is_sound(record, header.size) ? 0 : -EBADMSG;
	case SN_ETW:
		return etw_is_sound(record, header.size) ? 0 : -EBADMSG;
	case SN_LINE:
		return line_is_sound(record, header.size) ? 0 : -EBADMSG;
	default:
		return 0;
	}
}
