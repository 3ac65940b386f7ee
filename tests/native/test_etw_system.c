// sources: etw_system.c etw.c etw_text.c json_write.c json.c text.c
/* The command line of this very process, where the system says it: on Windows. Another process is not taken for it. */
#include <string.h>

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
	static char text[1 << 18], want[1 << 18];
	struct sn_writer w = {.at = text, .end = text + sizeof(text)}, own = {.at = want, .end = want + sizeof(want)};
	const wchar_t *line = GetCommandLineW();
	const char *from = NULL;

	sn_etw__write_wide_inner(&own, (struct sn_bytes){(const uint8_t *)line, (uint32_t)wcslen(line) * 2});
	CHECK(sn_etw_system__command_line(GetCurrentProcessId(), start_of_this(), &w, &from) == 1);
	CHECK(w.at - text == own.at - want && memcmp(text, want, (size_t)(w.at - text)) == 0 && w.at > text);
	CHECK(strcmp(from, "process") == 0 || strcmp(from, "peb") == 0);
	w.at = text;
	CHECK(sn_etw_system__command_line(GetCurrentProcessId(), start_of_this() - 1000000000, &w, &from) == 0);
	CHECK(sn_etw_system__command_line(0xfffffff0, start_of_this(), &w, &from) == 0 && w.at == text);
	return 0;
}
#else
int main(void)
{
	char text[64];
	struct sn_writer w = {.at = text, .end = text + sizeof(text)};
	const char *from = NULL;

	CHECK(sn_etw_system__command_line(1, 0, &w, &from) == 0 && w.at == text);
	return 0;
}
#endif
