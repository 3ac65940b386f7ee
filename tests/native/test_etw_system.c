// sources: etw_system.c etw.c etw_text.c json_write.c json.c sysmon_form.c text.c
/* The command line of this very process, where the system says it: on Windows. Another process is not taken for it. */
#include <string.h>

#include "actors.h"
#include "check.h"
#include "etw_system.h"

#ifdef _WIN32
#include <windows.h>

#include "etw_text.h"

static uint64_t start_of_this(void)
{
	FILETIME made, ended, kernel, user;

	CHECK(GetProcessTimes(GetCurrentProcess(), &made, &ended, &kernel, &user));
	return sn_etw__filetime_ns((uint64_t)made.dwHighDateTime << 32 | made.dwLowDateTime);
}

int main(void)
{
	static uint8_t text[SN_ACTOR_ROOM], want[SN_ACTOR_ROOM];
	const wchar_t *line = GetCommandLineW();
	uint32_t len = sn_etw__utf8(want, (struct sn_bytes){(const uint8_t *)line, (uint32_t)wcslen(line) * 2});
	const char *from = NULL;

	CHECK(len && sn_etw_system__command_line(GetCurrentProcessId(), start_of_this(), text, &from) == len);
	CHECK(memcmp(text, want, len) == 0);
	CHECK(strcmp(from, "process") == 0 || strcmp(from, "peb") == 0);
	CHECK(sn_etw_system__command_line(GetCurrentProcessId(), start_of_this() - 1000000000, text, &from) == 0);
	CHECK(sn_etw_system__command_line(0xfffffff0, start_of_this(), text, &from) == 0);
	return 0;
}
#else
int main(void)
{
	uint8_t text[SN_ACTOR_ROOM];
	const char *from = NULL;

	CHECK(sn_etw_system__command_line(1, 0, text, &from) == 0 && !from);
	return 0;
}
#endif
