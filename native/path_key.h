/* SPDX-License-Identifier: Apache-2.0
 *
 * A path as 64 bits that nobody outside can aim at: SipHash-1-3 under a key of this run. Letters of ASCII count alike,
 * small or capital.
 */
#ifndef SN_PATH_KEY_H
#define SN_PATH_KEY_H
#include "bytes.h"

struct sn_path_key {
	uint64_t k0, k1;
};

/* Never 0. */
uint64_t sn_path_key__of(const struct sn_path_key *key, struct sn_bytes path);
#endif
