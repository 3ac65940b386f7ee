/* SPDX-License-Identifier: Apache-2.0
 *
 * The match thread's side of what is mapped executable: which process it was, and whether it is a library at all.
 *
 * An exec maps the program and its interpreter before its record is written: what was mapped after the process began
 * an exec that the table has not heard of belongs to that exec, whose record names the program.
 */
#ifndef SN_LOAD_EVENTS_H
#define SN_LOAD_EVENTS_H
#include <stdint.h>

struct sn_engine;

/* Judges what was mapped before `until`, as sn_file_events__pump; returns how many records. Match thread. */
uint32_t sn_load_events__pump(struct sn_engine *engine, uint64_t until);
#endif
