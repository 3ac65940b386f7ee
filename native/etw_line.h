/* SPDX-License-Identifier: Apache-2.0
 *
 * An event of Windows as a JSON line: what an alert shows of it.
 */
#ifndef SN_ETW_LINE_H
#define SN_ETW_LINE_H
#include "etw_told.h"

/* Bytes that a line has at most: its own columns, and three texts of actors. */
enum { SN_ETW_LINE_MAX = 1 << 21 };

/* The line, without a newline. */
void sn_etw__write_line(struct sn_writer *w, const struct sn_etw_told *told);
#endif
