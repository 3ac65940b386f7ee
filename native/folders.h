/* SPDX-License-Identifier: Apache-2.0
 *
 * A short list of folders, and whether a path lies below one of them.
 */
#ifndef SN_FOLDERS_H
#define SN_FOLDERS_H
#include "bytes.h"

enum { SN_FOLDERS_MAX = 64, SN_FOLDER_BYTES = 256 };

struct sn_folders {
	uint32_t count;
	uint32_t len[SN_FOLDERS_MAX];
	uint8_t path[SN_FOLDERS_MAX][SN_FOLDER_BYTES]; /* each with one slash at its end */
};

/* Slashes at its end do not matter. -ENOSPC: it is empty or too long, or one too many. */
int sn_folders__add(struct sn_folders *folders, const char *path);
bool sn_folders__hold(const struct sn_folders *folders, struct sn_bytes path);
#endif
