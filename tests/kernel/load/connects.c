/* SPDX-License-Identifier: Apache-2.0
 *
 * connects KIND COUNT PORT: COUNT connection attempts of one kind, each on its own socket, to the loopback address
 * (or 203.0.113.1, which must have no route). Fails when an attempt does not end as its kind should. Exit status 77:
 * this kernel has no such kind.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

enum { MISSING = 77, CONNECT_32 = 362 /* i386 */ };

static uint16_t port;

static int new_socket(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	if (fd < 0) {
		perror("socket");
		exit(MISSING);
	}
	return fd;
}

static struct sockaddr_in to4(const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, address, &to.sin_addr);
	return to;
}

static struct sockaddr_in6 to6(const char *address)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	inet_pton(AF_INET6, address, &to.sin6_addr);
	return to;
}

static int connect4(int fd, const char *address)
{
	struct sockaddr_in to = to4(address);

	return connect(fd, (struct sockaddr *)&to, sizeof(to)) ? errno : 0;
}

static int connect6(int fd, const char *address)
{
	struct sockaddr_in6 to = to6(address);

	return connect(fd, (struct sockaddr *)&to, sizeof(to)) ? errno : 0;
}

/* Each kind makes one attempt and returns 0 when it went as it should. `fd` is closed by the caller. */

static int tcp4(int *fd)
{
	*fd = new_socket(AF_INET, SOCK_STREAM, 0);
	return connect4(*fd, "127.0.0.1");
}

static int tcp6(int *fd)
{
	*fd = new_socket(AF_INET6, SOCK_STREAM, 0);
	return connect6(*fd, "::1");
}

static int tcp4_any(int *fd)
{
	*fd = new_socket(AF_INET, SOCK_STREAM, 0);
	return connect4(*fd, "0.0.0.0");
}

static int tcp6_any(int *fd)
{
	*fd = new_socket(AF_INET6, SOCK_STREAM, 0);
	return connect6(*fd, "::");
}

static int udp4(int *fd)
{
	*fd = new_socket(AF_INET, SOCK_DGRAM, 0);
	return connect4(*fd, "127.0.0.1");
}

static int udp6(int *fd)
{
	*fd = new_socket(AF_INET6, SOCK_DGRAM, 0);
	return connect6(*fd, "::1");
}

static int unconnected(int *fd)
{
	struct sockaddr_in to = to4("127.0.0.1");

	*fd = new_socket(AF_INET, SOCK_DGRAM, 0);
	return sendto(*fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) != 1;
}

static int tcp_mapped(int *fd)
{
	*fd = new_socket(AF_INET6, SOCK_STREAM, 0);
	return connect6(*fd, "::ffff:127.0.0.1");
}

static int udp_mapped(int *fd)
{
	*fd = new_socket(AF_INET6, SOCK_DGRAM, 0);
	return connect6(*fd, "::ffff:127.0.0.1");
}

static int nonblocking(int *fd)
{
	struct pollfd wait = {.events = POLLOUT};
	int error;

	wait.fd = *fd = new_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	error = connect4(*fd, "127.0.0.1");
	if (error != EINPROGRESS)
		return error;
	poll(&wait, 1, -1);
	return connect4(*fd, "127.0.0.1"); /* asks for the outcome: no second attempt */
}

static int refused(int *fd)
{
	*fd = new_socket(AF_INET, SOCK_STREAM, 0);
	return connect4(*fd, "127.0.0.1") != ECONNREFUSED;
}

static int unreachable(int *fd)
{
	*fd = new_socket(AF_INET, SOCK_STREAM, 0);
	return connect4(*fd, "203.0.113.1") != ENETUNREACH;
}

static int mptcp(int *fd)
{
	*fd = new_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
	return connect4(*fd, "127.0.0.1");
}

static int fast_open(int *fd)
{
	struct sockaddr_in to = to4("127.0.0.1");

	*fd = new_socket(AF_INET, SOCK_STREAM, 0);
	return sendto(*fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to)) != 1;
}

/* Calls connect through the 32-bit entry; its pointer must fit. */
static int compat32(int *fd)
{
	struct sockaddr_in *to =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int result;

	if (to == MAP_FAILED)
		return 1;
	*to = to4("127.0.0.1");
	*fd = new_socket(AF_INET, SOCK_STREAM, 0);
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(CONNECT_32), "b"((uint32_t)*fd), "c"((uint32_t)(uintptr_t)to), "d"((uint32_t)sizeof(*to))
			 : "memory", "r8", "r9", "r10", "r11");
	munmap(to, 4096);
	return result == -ENOSYS ? exit(MISSING), 1 : result;
}

static int uring(int *fd)
{
	struct io_uring_params p = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 4, &p);
	struct sockaddr_in to = to4("127.0.0.1");
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	uint8_t *sq, *cq;
	int result = -1;

	if (ring < 0)
		exit(MISSING);
	*fd = new_socket(AF_INET, SOCK_STREAM, 0);
	sq = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	sqe = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	*sqe = (struct io_uring_sqe){.opcode = IORING_OP_CONNECT, .fd = *fd, .addr = (uintptr_t)&to, .off = sizeof(to)};
	((uint32_t *)(sq + p.sq_off.array))[0] = 0;
	__atomic_store_n((uint32_t *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1) {
		cqe = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
		result = cqe->res;
	}
	munmap(sq, 4096);
	munmap(cq, 4096);
	munmap(sqe, 4096);
	close(ring);
	return result;
}

static int unix_socket(int *fd)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "\0linsang-nobody-listens-here"};

	*fd = new_socket(AF_UNIX, SOCK_STREAM, 0);
	return connect(*fd, (struct sockaddr *)&to, sizeof(to)) != -1 || errno != ECONNREFUSED;
}

static int disconnect(int *fd)
{
	struct sockaddr to = {.sa_family = AF_UNSPEC};

	*fd = new_socket(AF_INET, SOCK_DGRAM, 0);
	return connect(*fd, &to, sizeof(to));
}

static const struct {
	const char *name;
	int (*attempt)(int *fd);
} kinds[] = {
	{"tcp4", tcp4},
	{"tcp6", tcp6},
	{"tcp4_any", tcp4_any},
	{"tcp6_any", tcp6_any},
	{"udp4", udp4},
	{"udp6", udp6},
	{"unconnected", unconnected},
	{"tcp_mapped", tcp_mapped},
	{"udp_mapped", udp_mapped},
	{"nonblocking", nonblocking},
	{"refused", refused},
	{"unreachable", unreachable},
	{"mptcp", mptcp},
	{"fast_open", fast_open},
	{"compat32", compat32},
	{"uring", uring},
	{"unix", unix_socket},
	{"disconnect", disconnect},
};

int main(int argc, char **argv)
{
	size_t kind = 0, known = sizeof(kinds) / sizeof(kinds[0]);

	while (argc == 4 && kind < known && strcmp(argv[1], kinds[kind].name))
		kind++;
	if (argc != 4 || kind == known) {
		fprintf(stderr, "usage: connects KIND COUNT PORT\n");
		return 2;
	}
	port = (uint16_t)atoi(argv[3]);
	for (int i = 0; i < atoi(argv[2]); i++) {
		int fd = -1, error = kinds[kind].attempt(&fd);

		close(fd);
		if (error) {
			fprintf(stderr, "connects: %s: attempt %d: %d\n", argv[1], i, error);
			return 1;
		}
	}
	return 0;
}
