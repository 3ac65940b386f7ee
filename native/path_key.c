/* SPDX-License-Identifier: Apache-2.0 */
#include "path_key.h"

/* Aumasson, Bernstein: SipHash, a fast short-input PRF (2012); one round a word, three at the end. */
struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotated(uint64_t value, uint32_t by)
{
	return value << by | value >> (64 - by);
}

static void mix(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotated(s->v1, 13) ^ s->v0;
	s->v0 = rotated(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotated(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotated(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotated(s->v1, 17) ^ s->v2;
	s->v2 = rotated(s->v2, 32);
}

static void take(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s);
	s->v0 ^= word;
}

uint64_t sn_path_key__of(const struct sn_path_key *key, struct sn_bytes path)
{
	struct sip s = {key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du, key->k0 ^ 0x6c7967656e657261u,
			key->k1 ^ 0x7465646279746573u};
	uint64_t word = 0, hash;

	for (uint32_t i = 0; i < path.len; i++) {
		word |= (uint64_t)sn_bytes__lower(path.at[i]) << i % 8 * 8;
		if (i % 8 == 7) {
			take(&s, word);
			word = 0;
		}
	}
	take(&s, word | (uint64_t)path.len << 56);
	s.v2 ^= 0xff;
	for (uint32_t i = 0; i < 3; i++)
		mix(&s);
	hash = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
	return hash ? hash : 1;
}
