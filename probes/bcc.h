/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * All that is particular to building with bcc; clang with libbpf and CO-RE needs another one of these and nothing else.
 *
 * bcc rewrites what it finds in the main file, so that one holds only the entry points, made by bpf_compile.py:
 * `int sn_NAME(void *ctx) { return on_NAME(ctx); }`. What it includes is plain C. Helpers are declared by bcc itself,
 * under the names that libbpf gives them.
 */
#ifndef SN_BCC_H
#define SN_BCC_H

#define inline_fn static inline __attribute__((always_inline))
#define hide(x)	  asm volatile("" : "+r"(x)) /* the compiler must not conclude what the verifier cannot follow */

typedef s8 int8_t;
typedef u8 uint8_t;
typedef u16 uint16_t;
typedef s32 int32_t;
typedef u32 uint32_t;
typedef u64 uint64_t;

/* A map is its number in maps.def; the loader puts the descriptor there. */
enum {
#define SN_MAP(name, type, key, value, entries, flags) MAP_##name,
#include "maps.def"
#undef SN_MAP
};
enum {
#define SN_MAP(name, type, key, value, entries, flags) VALUE_##name = value,
#include "maps.def"
#undef SN_MAP
};
#define MAP(name)			     bpf_pseudo_fd(1, MAP_##name)
#define bpf_map_lookup_elem(map, key)	     bpf_map_lookup_elem_(map, key)
#define bpf_map_update_elem(map, k, v, flag) bpf_map_update_elem_(map, k, v, flag)
#define bpf_map_delete_elem(map, key)	     bpf_map_delete_elem_(map, key)

#define ring_output(data, size, flags) bpf_ringbuf_output((void *)MAP(ring), data, size, flags)

/* Adds atomically, returns the old value. What is written here is an addition that returns nothing, which is all that
 * bcc's LLVM can assemble (and it refuses to use the result of __sync_fetch_and_add); bpf_compile.py sets BPF_FETCH in
 * every one of them, and then it leaves the old value where the constraint says. */
inline_fn u64 fetch_add(u64 *at, u64 n)
{
	asm volatile("lock *(u64 *)(%1 + 0) += %0" : "+r"(n) : "r"(at) : "memory");
	return n;
}

inline_fn void add(u64 *at, u64 n)
{
	fetch_add(at, n);
}

#define READ(from, member)                                                                                             \
	({                                                                                                             \
		typeof((from)->member) value_;                                                                         \
		bpf_probe_read_kernel(&value_, sizeof(value_), &(from)->member);                                       \
		value_;                                                                                                \
	})
#endif
