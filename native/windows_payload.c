/* SPDX-License-Identifier: Apache-2.0 */
#include "windows_payload.h"

#include <string.h>

#include "reading.h"
#include "windows_reading.h"

static bool is_slash(uint8_t c)
{
	return c == '\\' || c == '/';
}

/* x.txt:y, not x:; %X:~0,1% is a part of a variable. */
static bool has_stream(struct sn_bytes base)
{
	const uint8_t *colon = base.len > 2 ? memchr(base.at + 2, ':', base.len - 2) : NULL;

	return colon && colon + 1 < base.at + base.len && colon[1] != '~';
}

/* Behind what names a computer; empty: nothing does, as in \\?\Volume{...}\x. */
static struct sn_bytes behind_network(struct sn_bytes path)
{
	static const char *const heads[] = {"UNC\\", "GLOBALROOT\\Device\\Mup\\"};
	bool device = sn_windows__begins(path, "\\\\?\\") || sn_windows__begins(path, "\\\\.\\") ||
		      sn_windows__begins(path, "\\??\\");

	if (!device)
		return sn_windows__begins(path, "\\\\") ? sn_bytes__behind(path, 2) : (struct sn_bytes){0};
	path = sn_bytes__behind(path, 4);
	for (uint32_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (sn_windows__begins(path, heads[i]))
			return sn_bytes__behind(path, (uint32_t)strlen(heads[i]));
	return (struct sn_bytes){0};
}

/* Where a file lies that is not on a disk under its own name; NONE: it is. */
static uint32_t place_of(struct sn_bytes path)
{
	struct sn_bytes host = path.len && *path.at == '\\' ? behind_network(path) : (struct sn_bytes){0};

	for (uint32_t i = 0; i < host.len; i++) {
		if (is_slash(host.at[i]))
			return sn_windows__begins(sn_bytes__behind(host, i + 1), "DavWWWRoot") ? SN_PAYLOAD_WEBDAV
											       : SN_PAYLOAD_UNC;
		if (host.at[i] == '@')
			return SN_PAYLOAD_WEBDAV;
	}
	return has_stream(sn_windows__basename(path)) ? SN_PAYLOAD_STREAM : SN_PAYLOAD_NONE;
}

/* X:/a/b as X:\a\b, //a/b as \\a\b: it is the same file. */
static void turn_slashes(struct sn_unwound *out, struct sn_unwinder *unwinder)
{
	uint8_t *room;

	if (out->path.len < 3 || !memchr(out->path.at, '/', out->path.len) ||
	    (out->path.at[1] != ':' && !(is_slash(out->path.at[0]) && is_slash(out->path.at[1]))))
		return;
	room = sn_unwinder__room(unwinder, out->path.len);
	if (!room)
		return;
	for (uint32_t i = 0; i < out->path.len; i++)
		room[i] = out->path.at[i] == '/' ? '\\' : out->path.at[i];
	out->path.at = room;
}

void sn_win_payload__finish(struct sn_unwound *out, struct sn_unwinder *unwinder)
{
	bool is_file = out->kind == SN_PAYLOAD_COMMAND || out->kind == SN_PAYLOAD_SCRIPT_FILE ||
		       out->kind == SN_PAYLOAD_LIBRARY || out->kind == SN_PAYLOAD_EXPORT;
	uint32_t place;

	turn_slashes(out, unwinder);
	place = is_file ? place_of(out->path) : SN_PAYLOAD_NONE;
	if (out->kind == SN_PAYLOAD_COMMAND)
		out->kind = sn_win__kind_of_command(out->path);
	if (out->kind == SN_PAYLOAD_FROM_URL && !out->url.len) {
		out->url = out->path;
		out->path = (struct sn_bytes){0};
	}
	if (place)
		out->kind = place;
	if (!out->url.len && out->text.len)
		out->url = sn_bytes__url(out->text);
	if (!out->url.len && out->path.len)
		out->url = sn_bytes__url(out->path);
}
