/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_etw_hosts: by which name a host was looked up before somebody connected to it. Of fixed size; what is
 * older than ten minutes does not count, since addresses change hands.
 */
#ifndef SN_ETW_HOSTS_H
#define SN_ETW_HOSTS_H
#include "etw.h"

enum {
	SN_ETW_HOST_WAYS = 8,	    /* names that addresses of one hash keep */
	SN_ETW_HOST_ADDRESSES = 16, /* of one answer that are kept */
};
#define SN_ETW_HOST_NS (600 * (uint64_t)1000000000)

struct sn_etw_hosts;

/* NULL: no memory. */
struct sn_etw_hosts *sn_etw_hosts__new(void);
void sn_etw_hosts__free(struct sn_etw_hosts *hosts);
/* The process `pid` was answered at `time` (ns since 1970) that the host `name` has the addresses of `results`, as
 * event 3008 of the DNS client has them (both UTF-16). How many names were forgotten for it that still counted. */
uint32_t sn_etw_hosts__answered(struct sn_etw_hosts *hosts, uint32_t pid, uint64_t time, struct sn_bytes name,
				struct sn_bytes results);
/* The name (UTF-16) by which that address, of 4 or 16 bytes, was looked up last, by the process itself if it did, else
 * by any. Empty: nobody did. Valid until the next answer. */
struct sn_bytes sn_etw_hosts__name(const struct sn_etw_hosts *hosts, uint32_t pid, uint64_t time,
				   struct sn_bytes address);
#endif
