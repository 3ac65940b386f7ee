/* SPDX-License-Identifier: Apache-2.0
 *
 * struct sn_connections: the last connections of everybody, SN_CONNECTIONS_KEPT of them, oldest overwritten first.
 *
 *   by process, by creator, by cookie ──► number of an entry ──► entry[number % KEPT]
 *
 * The three indexes are plain arrays by hash: a newer owner of a place takes it over, and whoever looks there compares.
 * A connection that repeats its process's last one only counts up, so that a flood of them costs no look-up and pushes
 * nothing out.
 *
 * The match thread writes; any thread may call sn_connections__of and sn_connections__forgotten (sensor.h).
 */
#ifndef SN_CONNECTIONS_H
#define SN_CONNECTIONS_H
#include "process_table.h"
#include "sensor.h"

enum { SN_CONNECTIONS_KEPT = 1024 };

struct sn_connections *sn_connections__new(void);
void sn_connections__free(struct sn_connections *connections);
/* Takes in a record that passed sn_record__check: SN_CONNECT, SN_SOCKET, SN_CONNECT_RESULT. */
void sn_connections__see(struct sn_connections *connections, const struct sn_table *table,
			 const struct sn_connect *record);
/* The last outside connection (not to loopback, not refused) before `time` of the process; where that has connected to
 * nothing, of one that the same creator forked within a second of it, or of the subshell that it runs in: the other end
 * of a pipe. 1 found, 0 not. Match thread. */
int sn_connections__source(const struct sn_connections *connections, const struct sn_table *table, uint32_t pid,
			   uint64_t start, uint64_t time, struct sn_connection *out);
#endif
