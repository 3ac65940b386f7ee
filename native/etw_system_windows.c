/* SPDX-License-Identifier: Apache-2.0
 *
 * See etw_system.h. Windows: class 60 of NtQueryInformationProcess, then the process's own memory (PEB). EVENT_RECORD
 * of etw_record.h is held against the system's header here.
 */
#define WIN32_LEAN_AND_MEAN
#include <stddef.h>
#include <windows.h>

#include <evntcons.h>
#include <winternl.h>

#include "etw_record.h"
#include "etw_system.h"
#include "etw_text.h"

#define SAME(theirs, ours)                                                                                             \
	_Static_assert(offsetof(EVENT_RECORD, theirs) == offsetof(struct sn_event_record, ours), #theirs)
SAME(EventHeader.Flags, flags);
SAME(EventHeader.ThreadId, thread_id);
SAME(EventHeader.ProcessId, process_id);
SAME(EventHeader.TimeStamp, time_stamp);
SAME(EventHeader.ProviderId, provider);
SAME(EventHeader.EventDescriptor.Id, id);
SAME(EventHeader.EventDescriptor.Version, version);
SAME(EventHeader.EventDescriptor.Opcode, opcode);
SAME(UserDataLength, user_data_length);
SAME(UserData, user_data);
SAME(UserContext, user_context);
_Static_assert(sizeof(EVENT_RECORD) == sizeof(struct sn_event_record), "EVENT_RECORD");
_Static_assert(EVENT_HEADER_FLAG_32_BIT_HEADER == SN_ETW_32_BIT, "flag");

enum {
	COMMAND_LINE_CLASS = 60, /* ProcessCommandLineInformation, from Windows 8.1 on */
	PEB_PARAMETERS_AT = 0x20,
	PARAMETERS_LINE_AT = 0x70,
	LINE_BYTES = 1 << 16, /* a UNICODE_STRING has no more */
};
static const uint64_t apart_ns = 10000000; /* between a process's creation and the event that tells of it */

typedef NTSTATUS NTAPI query(HANDLE, PROCESSINFOCLASS, PVOID, ULONG, PULONG);

/* Whether it is the process that began at `start`, and not another that has its id now. */
static int is_it(HANDLE process, uint64_t start)
{
	FILETIME made, ended, kernel, user;
	uint64_t ns;

	if (!GetProcessTimes(process, &made, &ended, &kernel, &user))
		return 0;
	ns = sn_etw__filetime_ns((uint64_t)made.dwHighDateTime << 32 | made.dwLowDateTime);
	return (ns > start ? ns - start : start - ns) <= apart_ns;
}

static uint32_t from_kernel(HANDLE process, query *ask, uint8_t *out)
{
	_Alignas(8) uint8_t buffer[sizeof(UNICODE_STRING) + LINE_BYTES];
	const UNICODE_STRING *line = (const UNICODE_STRING *)buffer;
	ULONG size;

	if (ask(process, (PROCESSINFOCLASS)COMMAND_LINE_CLASS, buffer, sizeof(buffer), &size) < 0 || !line->Length)
		return 0;
	return sn_etw__utf8(out, (struct sn_bytes){(const uint8_t *)line->Buffer, line->Length});
}

static int copy(HANDLE process, const void *from, void *to, size_t size)
{
	SIZE_T done;

	return ReadProcessMemory(process, from, to, size, &done) && done == size;
}

/* What the process itself holds, and can change. */
static uint32_t from_peb(HANDLE process, query *ask, uint8_t *out)
{
	uint8_t buffer[LINE_BYTES];
	PROCESS_BASIC_INFORMATION basic;
	UNICODE_STRING line;
	const uint8_t *parameters;
	ULONG size;

	if (ask(process, ProcessBasicInformation, &basic, sizeof(basic), &size) < 0 || !basic.PebBaseAddress ||
	    !copy(process, (const uint8_t *)basic.PebBaseAddress + PEB_PARAMETERS_AT, &parameters,
		  sizeof(parameters)) ||
	    !copy(process, parameters + PARAMETERS_LINE_AT, &line, sizeof(line)) || !line.Length ||
	    !copy(process, line.Buffer, buffer, line.Length))
		return 0;
	return sn_etw__utf8(out, (struct sn_bytes){buffer, line.Length});
}

uint32_t sn_etw_system__command_line(uint32_t pid, uint64_t start, uint8_t *out, const char **from)
{
	query *ask = (query *)(void *)GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQueryInformationProcess");
	HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_VM_READ, FALSE, pid);
	uint32_t len = 0;

	if (!process) /* a protected process lets nobody read it */
		process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
	if (!process)
		return 0;
	if (ask && is_it(process, start)) {
		*from = "process";
		len = from_kernel(process, ask, out);
		if (!len) {
			*from = "peb";
			len = from_peb(process, ask, out);
		}
	}
	CloseHandle(process);
	return len;
}
