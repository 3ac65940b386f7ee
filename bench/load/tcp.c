/* SPDX-License-Identifier: Apache-2.0
 *
 * tcp COUNT: COUNT TCP connections to a listener of its own on the loopback address, one after another.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0, listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct linger now = {.l_onoff = 1}; /* reset instead of TIME_WAIT: the ports must not run out */
	socklen_t size = sizeof(at);

	if (count <= 0 || listener < 0) {
		fprintf(stderr, "usage: tcp COUNT\n");
		return 2;
	}
	if (bind(listener, (struct sockaddr *)&at, size) || listen(listener, 128) ||
	    getsockname(listener, (struct sockaddr *)&at, &size)) {
		perror("tcp: listen");
		return 1;
	}
	for (int i = 0; i < count; i++) {
		int client = socket(AF_INET, SOCK_STREAM, 0);

		if (client < 0 || connect(client, (struct sockaddr *)&at, sizeof(at))) {
			perror("tcp: connect");
			return 1;
		}
		int server = accept(listener, NULL, NULL);

		setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(client);
		close(server);
	}
	return 0;
}
