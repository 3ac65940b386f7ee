/* SPDX-License-Identifier: Apache-2.0
 *
 * The fields of Sigma that are made from other members of a Windows event (SN_MAP of taxonomy.def), for what an alert
 * shows; mapping.c does the same for what rules see. sensor/taxonomy.py's with_mapped is the readable definition.
 */
#ifndef SN_EVENT_MAPPED_H
#define SN_EVENT_MAPPED_H
#include "json_members.h"

enum { SN_MAPPED_MAX = 16 }; /* fields that one event gets at most */

/* Bytes of text that the fields of a line of `size` bytes need at most. */
size_t sn_event_mapped__room(size_t size);
/* Puts them behind `field`, `count` of them by name: the count then. `field` has room for SN_MAPPED_MAX more, `text`
 * for sn_event_mapped__room. */
uint32_t sn_event_mapped__add(struct sn_member *field, uint32_t count, char *text);
#endif
