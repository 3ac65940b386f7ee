/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_etw_keys: which registry key a KeyObject is. Windows names a key when it is opened; what is then done to it
 * has the object's address alone. Of fixed size; paths are copied.
 */
#ifndef SN_ETW_KEYS_H
#define SN_ETW_KEYS_H
#include "etw.h"

struct sn_etw_keys;

/* NULL: no memory. */
struct sn_etw_keys *sn_etw_keys__new(void);
void sn_etw_keys__free(struct sn_etw_keys *keys);
struct sn_etw_keys_stats {
	uint64_t forgotten; /* keys that were open, for want of room */
	uint64_t too_long;  /* paths that were not kept */
};

/* The keys'; counted by the thread that they are of, to be read by any. */
const struct sn_etw_keys_stats *sn_etw_keys__stats(const struct sn_etw_keys *keys);
/* Takes an event of Kernel-Registry: 1 if it changed the registry, with the key's path (UTF-16, valid until the next
 * call; empty: not known); 0: nothing was changed. A key that was closed is known for another second, since what was
 * done to it before may come behind. */
int sn_etw_keys__changed(struct sn_etw_keys *keys, const struct sn_etw_event *event,
			 const struct sn_etw_decoded *decoded, struct sn_bytes *path);
#endif
