// sources: folders.c
/* Which paths lie below which folders, and what a list has room for. */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "folders.h"

static struct sn_bytes bytes(const char *text)
{
	return (struct sn_bytes){(const uint8_t *)text, (uint32_t)strlen(text)};
}

static void test_below(void)
{
	static const struct {
		const char *folder, *path;
		bool holds;
	} rows[] = {
		{"/usr", "/usr/lib/a.so", true},
		{"/usr/", "/usr/a", true},
		{"/usr//", "/usr/a", true},
		{"/usr", "/usrlocal/a", false},
		{"/usr", "/usr", false},
		{"/usr", "/usr/", false},
		{"/usr/lib", "/usr/lib64/a", false},
		{"/", "/a", true},
		{"//", "/tmp/a", true},
		{"/", "/", false},
		{"/usr", "", false},
		{"/usr", "usr/a", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sn_folders folders = {0};

		CHECK(!sn_folders__hold(&folders, bytes(rows[i].path)));
		CHECK(sn_folders__add(&folders, rows[i].folder) == 0);
		CHECK(sn_folders__hold(&folders, bytes(rows[i].path)) == rows[i].holds);
	}
}

static void test_room(void)
{
	struct sn_folders folders = {0};
	char folder[SN_FOLDER_BYTES + 2] = "", path[SN_FOLDER_BYTES + 2];

	CHECK(sn_folders__add(&folders, "") == -ENOSPC);
	memset(folder, 'x', SN_FOLDER_BYTES);
	CHECK(sn_folders__add(&folders, folder) == -ENOSPC);
	folder[SN_FOLDER_BYTES - 1] = '/';
	CHECK(sn_folders__add(&folders, folder) == 0);
	memcpy(path, folder, sizeof(path));
	path[SN_FOLDER_BYTES] = 'y';
	CHECK(sn_folders__hold(&folders, bytes(path)));
	while (folders.count < SN_FOLDERS_MAX)
		CHECK(sn_folders__add(&folders, "/last") == 0);
	CHECK(sn_folders__add(&folders, "/more") == -ENOSPC);
	CHECK(sn_folders__hold(&folders, bytes("/last/x")) && !sn_folders__hold(&folders, bytes("/more/x")));
}

int main(void)
{
	test_below();
	test_room();
	return 0;
}
