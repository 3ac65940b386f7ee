/* SPDX-License-Identifier: Apache-2.0
 *
 * FAKE of what ProcessTrace does with a buffer: calls EVENT_RECORD_CALLBACK once for each record. For test_live.py.
 */
#include <stdint.h>
#include <windows.h>
#include <evntcons.h>

/* `record` so many times, with `context` as OpenTrace was given it. */
__declspec(dllexport) void deliver(PEVENT_RECORD_CALLBACK callback, const EVENT_RECORD *record, void *context,
				   uint64_t count)
{
	EVENT_RECORD one = *record;

	one.UserContext = context;
	for (uint64_t i = 0; i < count; i++)
		callback(&one);
}
