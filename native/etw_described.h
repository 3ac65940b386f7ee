/* SPDX-License-Identifier: Apache-2.0
 *
 * Events that describe themselves (TraceLogging): names and types of their values come with each of them, so no table
 * knows them. The formats are those of TraceLoggingProvider.h of the Windows SDK.
 *
 *   schema (EVENT_HEADER_EXT_TYPE_EVENT_SCHEMA_TL)  size, tags, "AmsiScript", then "Engine" and its type, "Script" ...
 *   traits (EVENT_HEADER_EXT_TYPE_PROV_TRAITS)      size, "AmsiTrace" ...
 *   data                                            "PowerShell" ...
 */
#ifndef SN_ETW_DESCRIBED_H
#define SN_ETW_DESCRIBED_H
#include "bytes.h"
#include "etw_event.h"
#include "json_write.h"

enum { SN_ETW_DESCRIBED_MAX = 1 << 16 }; /* values of one event */

/* The event as a line that names its logsource (ndjson.c): product windows, and no more. Without traits its provider is
 * a GUID. 0; -EBADMSG: what describes it, or its data, end too early, have a type that is not known, or too many
 * values: what was written is of no use. */
int sn_etw_described__write(struct sn_writer *w, const struct sn_etw_event *event, struct sn_bytes schema,
			    struct sn_bytes traits);
#endif
