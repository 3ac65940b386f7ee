/* SPDX-License-Identifier: Apache-2.0
 *
 * A structure that one thread writes and others copy, as words: a reader that came in the middle copies again.
 *
 *   version  even: whole; odd: being written. Both sides touch the words atomically, so a torn copy is harmless: it is
 *            thrown away because the version moved.
 */
#ifndef SN_PUBLISHED_H
#define SN_PUBLISHED_H
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SN_PUBLISHED_TRIES = 1000 }; /* a writer is done after a few hundred ns */

#define SN_PUBLISHED(name, type)                                                                                       \
	_Static_assert(sizeof(type) % 8 == 0, "copied word by word");                                                  \
	struct name {                                                                                                  \
		_Atomic uint32_t version;                                                                              \
		_Atomic uint64_t word[sizeof(type) / 8];                                                               \
	}

static inline void sn_published__store(_Atomic uint32_t *version, _Atomic uint64_t *word, const void *from, size_t size)
{
	uint32_t before = atomic_load_explicit(version, memory_order_relaxed);

	atomic_store_explicit(version, before + 1, memory_order_relaxed);
	for (size_t i = 0; i < size / 8; i++) {
		uint64_t value;

		memcpy(&value, (const uint8_t *)from + 8 * i, 8);
		/* release: not before the odd version */
		atomic_store_explicit(&word[i], value, memory_order_release);
	}
	atomic_store_explicit(version, before + 2, memory_order_release);
}

/* 1: copied whole; 0: it was being written all the time. */
static inline int sn_published__load(const _Atomic uint32_t *version, const _Atomic uint64_t *word, void *to,
				     size_t size)
{
	for (int tries = 0; tries < SN_PUBLISHED_TRIES; tries++) {
		uint32_t before = atomic_load_explicit(version, memory_order_acquire);

		for (size_t i = 0; i < size / 8; i++) {
			/* acquire: not after the version is looked at again */
			uint64_t value = atomic_load_explicit(&word[i], memory_order_acquire);

			memcpy((uint8_t *)to + 8 * i, &value, 8);
		}
		if (!(before & 1) && atomic_load_explicit(version, memory_order_relaxed) == before)
			return 1;
	}
	return 0;
}
#endif
