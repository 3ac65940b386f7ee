/* SPDX-License-Identifier: Apache-2.0
 *
 * An event of Windows as a JSON line: its columns under their names in the manifest, and what else is known of it under
 * Sigma's. taxonomy.def says what the columns are in Sigma's terms.
 */
#ifndef SN_ETW_LINE_H
#define SN_ETW_LINE_H
#include "actors.h"
#include "etw.h"
#include "etw_names.h"

/* What the trace said elsewhere; NULL or empty where it did not. */
struct sn_etw_known {
	const struct sn_etw_decoded *classic; /* of a Kernel-Process start: the kernel logger's event of the same */
	const struct sn_actors *actors;	      /* that process and parent are of */
	struct sn_etw_names *names;
	const struct sn_actor *process; /* whose event it is */
	const struct sn_actor *parent;	/* of a process start */
	const char *line_from;		/* of a process start: who said its command line, if no event did */
	struct sn_bytes key;		/* UTF-16: of a registry event */
};

/* The line, with its newline. */
void sn_etw__write_line(struct sn_writer *w, const struct sn_etw_event *event, const struct sn_etw_decoded *decoded,
			const struct sn_etw_known *known);
/* The line that stands for one that cannot be read (sensor/inputs/lines.py). */
void sn_etw__write_left_out(struct sn_writer *w, const struct sn_etw_event *event, const char *reason);
#endif
