/* SPDX-License-Identifier: Apache-2.0 */
#include "folders.h"

#include <errno.h>
#include <string.h>

int sn_folders__add(struct sn_folders *folders, const char *path)
{
	size_t len = strlen(path);

	if (!len)
		return -ENOSPC;
	while (len && path[len - 1] == '/')
		len--;
	if (folders->count == SN_FOLDERS_MAX || len >= SN_FOLDER_BYTES)
		return -ENOSPC;
	memcpy(folders->path[folders->count], path, len);
	folders->path[folders->count][len] = '/';
	folders->len[folders->count++] = (uint32_t)len + 1;
	return 0;
}

bool sn_folders__hold(const struct sn_folders *folders, struct sn_bytes path)
{
	for (uint32_t i = 0; i < folders->count; i++)
		if (path.len > folders->len[i] && memcmp(path.at, folders->path[i], folders->len[i]) == 0)
			return true;
	return false;
}
