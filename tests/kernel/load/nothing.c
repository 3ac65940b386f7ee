/* SPDX-License-Identifier: Apache-2.0
 *
 * Does nothing; the exit status is the first argument, if there is one.
 */
#include <stdlib.h>

int main(int argc, char **argv)
{
	return argc > 1 ? atoi(argv[1]) : 0;
}
