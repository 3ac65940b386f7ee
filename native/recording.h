/* SPDX-License-Identifier: Apache-2.0
 *
 * The native recording: what the match thread was given, in that order, so that a replay judges the same.
 *
 *   +-----------+---------+------+-------------------+-----+  +--------+-----+--------------+  +--------+--
 *   | LINSANG\n | version | size | header, JSON      | crc |  | length | crc | record       |  | length | ..
 *   +-----------+---------+------+-------------------+-----+  +--------+-----+--------------+  +--------+--
 *     8 bytes     u32       u32    size bytes          u32      u32      u32   length bytes
 *
 * In version 1, execs end before file_size (event.h): they are widened as they are read.
 * Little endian. The header's crc is over all before it; a record's over its length and its bytes. CRC-32C
 * (RFC 3720, B.4). A file is appended to and never changed, so that a cut file ends in one incomplete record.
 */
#ifndef SN_RECORDING_H
#define SN_RECORDING_H
#include "sensor.h"

/* Whether the next sn_recording__next has its record, or its error, in memory. */
int sn_recording__ready(const struct sn_recording *recording);
/* Gives back the record that sn_recording__next has just given: it comes again. */
void sn_recording__unread(struct sn_recording *recording);
#endif
