// SPDX-License-Identifier: Apache-2.0
#include "compare.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "utf8.h"

enum { ANY_RUN = 0xff, ANY_ONE = 0xfe };

static enum sn_truth truth(bool value)
{
	return value ? SN_TRUE : SN_FALSE;
}

static bool contains(const uint8_t *text, uint32_t len, const uint8_t *value, uint32_t n)
{
	return memmem(text, len, value, n) != NULL;
}

static bool starts(const uint8_t *text, uint32_t len, const uint8_t *value, uint32_t n)
{
	return n <= len && !memcmp(text, value, n);
}

static bool ends(const uint8_t *text, uint32_t len, const uint8_t *value, uint32_t n)
{
	return n <= len && !memcmp(text + len - n, value, n);
}

/* Bytes of the character at `p`: a byte that is no UTF-8 is one. */
static uint32_t character(const uint8_t *p, const uint8_t *end)
{
	uint32_t n = sn_utf8__length(p, end);

	return n ? n : 1;
}

/* The whole text against a pattern, by backtracking to the last run only: at most len x n steps. */
static bool glob(const uint8_t *t, uint32_t len, const uint8_t *p, uint32_t n)
{
	const uint8_t *t_end = t + len, *p_end = p + n, *p_back = NULL, *t_back = NULL;

	while (t < t_end) {
		if (p < p_end && *p == ANY_RUN) {
			p_back = ++p;
			t_back = t;
			if (p == p_end)
				return true;
			continue;
		}
		if (p < p_end && *p == ANY_ONE) {
			t += character(t, t_end);
			p++;
			continue;
		}
		if (p < p_end && *p == *t) {
			t++;
			p++;
			continue;
		}
		if (!p_back)
			return false;
		t_back += character(t_back, t_end);
		t = t_back;
		p = p_back;
	}
	while (p < p_end && *p == ANY_RUN)
		p++;
	return p == p_end;
}

/* With the middle missing. What the two ends contradict is false; what they prove is true; else unknown. */
static enum sn_truth cut_text(uint32_t op, const struct sn_text *t, const uint8_t *value, uint32_t n)
{
	const uint8_t *tail = t->text + t->head;
	uint32_t tail_len = t->len - t->head;

	switch (op) {
	case SN_OP_CONTAINS:
		if (contains(t->text, t->head, value, n) || contains(tail, tail_len, value, n))
			return SN_TRUE;
		return SN_UNKNOWN;
	case SN_OP_STARTSWITH:
		if (n <= t->head)
			return truth(starts(t->text, t->head, value, n));
		return memcmp(t->text, value, t->head) ? SN_FALSE : SN_UNKNOWN;
	case SN_OP_ENDSWITH:
		if (n <= tail_len)
			return truth(ends(tail, tail_len, value, n));
		return memcmp(tail, value + n - tail_len, tail_len) ? SN_FALSE : SN_UNKNOWN;
	case SN_OP_EQUALS:
		if (n < t->len || memcmp(t->text, value, t->head) || memcmp(tail, value + n - tail_len, tail_len))
			return SN_FALSE;
		return SN_UNKNOWN;
	default:
		return SN_UNKNOWN;
	}
}

enum sn_truth sn_compare__text(uint32_t op, const struct sn_text *t, const uint8_t *value, uint32_t n)
{
	if (t->cut)
		return cut_text(op, t, value, n);
	switch (op) {
	case SN_OP_EQUALS:
		return truth(t->len == n && !memcmp(t->text, value, n));
	case SN_OP_CONTAINS:
		return truth(contains(t->text, t->len, value, n));
	case SN_OP_STARTSWITH:
		return truth(starts(t->text, t->len, value, n));
	case SN_OP_ENDSWITH:
		return truth(ends(t->text, t->len, value, n));
	default:
		return truth(glob(t->text, t->len, value, n));
	}
}

enum sn_truth sn_compare__number(uint32_t op, const struct sn_text *t, const uint8_t value[8])
{
	char digits[64], *end;
	double left, right;

	if (t->cut)
		return SN_UNKNOWN;
	if (!t->len || t->len >= sizeof(digits))
		return SN_FALSE;
	memcpy(digits, t->text, t->len);
	digits[t->len] = 0;
	if (strspn(digits, "0123456789+-.eE") != t->len)
		return SN_FALSE;
	left = strtod(digits, &end);
	if (*end)
		return SN_FALSE;
	memcpy(&right, value, sizeof(right));
	switch (op) {
	case SN_OP_LT:
		return truth(left < right);
	case SN_OP_LTE:
		return truth(left <= right);
	case SN_OP_GT:
		return truth(left > right);
	default:
		return truth(left >= right);
	}
}

enum sn_truth sn_compare__cidr(const struct sn_text *t, const uint8_t value[18])
{
	uint8_t address[16];
	uint32_t bits = value[1];

	if (t->cut)
		return SN_UNKNOWN;
	if (sn_text__parse_address((const char *)t->text, t->len, address) != value[0])
		return SN_FALSE;
	if (memcmp(address, value + 2, bits / 8))
		return SN_FALSE;
	return truth(bits % 8 == 0 || !((address[bits / 8] ^ value[2 + bits / 8]) >> (8 - bits % 8)));
}
