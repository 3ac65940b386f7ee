/* SPDX-License-Identifier: Apache-2.0
 *
 * udp_flood COUNT: connect() on one UDP socket to the loopback address, port after port.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0, fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (count <= 0 || fd < 0) {
		fprintf(stderr, "usage: udp_flood COUNT\n");
		return 2;
	}
	for (int i = 0; i < count; i++) {
		to.sin_port = htons((uint16_t)(1024 + i % 60000));
		if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
			perror("connect");
			return 1;
		}
	}
	return 0;
}
