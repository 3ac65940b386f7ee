/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * Outbound connections. The attempt comes from cgroup/connect4 and connect6 on the root of the hierarchy: the address
 * is the kernel's own copy, and every way to connect ends there (connect, io_uring, 32-bit callers, fast open,
 * MPTCP's subflows). The outcome of TCP comes from the state machine, often in a softirq: who asked for it was
 * noted under the socket's address when the SYN was sent.
 */
#include "probe.h"

enum {
	TCP_ESTABLISHED_ = 1, /* include/net/tcp_states.h */
	TCP_SYN_SENT_ = 2,
	TCP_SYN_RECV_ = 3,
	IPPROTO_TCP_ = 6,
	ECONNABORTED_ = 103,
	ALLOWED = 1, /* verdict of a cgroup program */
};

_Static_assert(sizeof(struct sn_connect) == VALUE_syns, "maps.def: syns");

#define LOOPBACK_4 __builtin_bswap32(0x7f000001)
#define MAPPED	   __builtin_bswap32(0x0000ffff) /* third word of ::ffff:a.b.c.d */
#define LAST_ONE   __builtin_bswap32(1)

/* Four words of an IPv6 address as a record has them: a v4-mapped one is IPv4. */
inline_fn u16 put_ip6(u8 *out, const u32 *ip)
{
	u32 *to = (u32 *)out;

	if (!ip[0] && !ip[1] && ip[2] == MAPPED) {
		to[0] = ip[3];
		to[1] = to[2] = to[3] = 0;
		return AF_INET_;
	}
	to[0] = ip[0];
	to[1] = ip[1];
	to[2] = ip[2];
	to[3] = ip[3];
	return AF_INET6_;
}

inline_fn void put_ip4(u8 *out, u32 ip)
{
	u32 *to = (u32 *)out;

	to[0] = ip;
	to[1] = to[2] = to[3] = 0;
}

inline_fn void begin_connect(struct sn_connect *c, u16 type, struct task_struct *task)
{
	__builtin_memset(c, 0, sizeof(*c));
	begin(&c->h, type, task);
	c->uid = task->cred->uid;
}

inline_fn int on_connect4(struct bpf_sock_addr *ctx)
{
	struct sn_connect c;
	u32 ip = ctx->user_ip4;

	begin_connect(&c, SN_CONNECT, bpf_get_current_task_btf());
	c.cookie = bpf_get_socket_cookie(ctx);
	c.family = AF_INET_;
	c.protocol = ctx->protocol;
	c.dport = __builtin_bswap16(ctx->user_port);
	put_ip4(c.daddr, ip ? ip : LOOPBACK_4); /* the kernel takes 0.0.0.0 for this host */
	submit(&c.h, sizeof(c));
	return ALLOWED;
}

inline_fn int on_connect6(struct bpf_sock_addr *ctx)
{
	u32 ip[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};
	struct sn_connect c;

	if (!ip[0] && !ip[1] && !ip[2] && !ip[3])
		ip[3] = LAST_ONE; /* the kernel takes :: for this host */
	begin_connect(&c, SN_CONNECT, bpf_get_current_task_btf());
	c.cookie = bpf_get_socket_cookie(ctx);
	c.family = put_ip6(c.daddr, ip);
	c.protocol = ctx->protocol;
	c.dport = __builtin_bswap16(ctx->user_port);
	submit(&c.h, sizeof(c));
	return ALLOWED;
}

/* Keeps the outcome's record, as far as it is known. */
inline_fn void note_syn(struct sock *sk)
{
	u64 key = (u64)sk; /* of its own: what a helper was given is no typed pointer any more on Linux 6.1 */
	struct sn_connect c;
	u32 ip[4];

	begin_connect(&c, SN_CONNECT_RESULT, bpf_get_current_task_btf());
	c.cookie = sk->__sk_common.skc_cookie;
	c.family = sk->__sk_common.skc_family;
	c.protocol = IPPROTO_TCP_;
	c.dport = __builtin_bswap16(sk->__sk_common.skc_dport);
	if (c.family == AF_INET6_) {
		bpf_probe_read_kernel(ip, sizeof(ip), &sk->__sk_common.skc_v6_daddr);
		c.family = put_ip6(c.daddr, ip);
	} else {
		put_ip4(c.daddr, sk->__sk_common.skc_daddr);
	}
	if (bpf_map_update_elem(MAP(syns), &key, &c, BPF_ANY))
		count_busy(); /* its outcome will be missing */
}

inline_fn void put_source(struct sn_connect *c, struct sock *sk)
{
	u32 ip[4];

	c->sport = __builtin_bswap16(READ((struct inet_sock *)sk, inet_sport));
	if (c->family == AF_INET6_) {
		bpf_probe_read_kernel(ip, sizeof(ip), &sk->__sk_common.skc_v6_rcv_saddr);
		put_ip6(c->saddr, ip);
	} else {
		put_ip4(c->saddr, sk->__sk_common.skc_rcv_saddr);
	}
}

inline_fn void report(struct sn_connect c, struct sock *sk, u32 state)
{
	u64 now = bpf_ktime_get_boot_ns();

	c.latency = now - c.h.time;
	c.h.time = now;
	put_source(&c, sk);
	if (state != TCP_ESTABLISHED_) {
		c.error = sk->sk_err;
		if (!c.error)
			c.error = ECONNABORTED_; /* given up by the caller, or no route or port after all */
	}
	submit(&c.h, sizeof(c));
}

/* tp_btf inet_sock_set_state(sk, old, new) */
inline_fn int on_tcp_state(u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	u32 old = ctx[1], new = ctx[2];
	struct sn_connect *noted;
	u64 key = (u64)sk;

	/* MPTCP tells its own states here too; its subflows are the connections. */
	if (sk->sk_protocol != IPPROTO_TCP_)
		return 0;
	if (new == TCP_SYN_SENT_) {
		note_syn(sk);
		return 0;
	}
	/* Simultaneous open passes through SYN_RECV, as accepted connections do, which have no entry. */
	if ((old != TCP_SYN_SENT_ && old != TCP_SYN_RECV_) || new == TCP_SYN_RECV_)
		return 0;
	noted = bpf_map_lookup_elem(MAP(syns), &key);
	if (!noted)
		return 0; /* accepted, or begun before the sensor */
	report(*noted, sk, new);
	bpf_map_delete_elem(MAP(syns), &key);
	return 0;
}
