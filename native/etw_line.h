/* SPDX-License-Identifier: Apache-2.0
 *
 * An event of Windows as a JSON line: what an alert shows of it, and what a trace file is read as.
 */
#ifndef SN_ETW_LINE_H
#define SN_ETW_LINE_H
#include "etw_told.h"

/* The line, with its newline. */
void sn_etw__write_line(struct sn_writer *w, const struct sn_etw_told *told);
/* The line that stands for one that cannot be read (sensor/inputs/lines.py). */
void sn_etw__write_left_out(struct sn_writer *w, const struct sn_etw_event *event, const char *reason);
#endif
