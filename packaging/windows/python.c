/* SPDX-License-Identifier: Apache-2.0
 *
 * python.exe for the python311.dll of the test environment: what the wheel that the dll comes from does not have.
 */
#include <stdint.h>
#include <windows.h>

typedef int (*main_function)(int argc, wchar_t **argv);

int wmain(int argc, wchar_t **argv)
{
	HMODULE library = LoadLibraryW(L"python311.dll");
	main_function py_main = library ? (main_function)(uintptr_t)GetProcAddress(library, "Py_Main") : NULL;

	return py_main ? py_main(argc, argv) : 127;
}
