// sources: sweep.c text_pairs.c fold.c
/* The sweep beside a search for each literal: no text that has one, in whatever case, is passed over, nor one that is
 * not all ASCII; and a text that is met is no longer one for the groups that it says have no literal in it.
 */
#include <ctype.h>
#include <string.h>

#include "check.h"
#include "sweep.h"

enum { TABLES = 150, TEXTS = 60, SCANS = 4, LITERALS_MAX = 40, LITERAL_MAX = 20, TEXT_MAX = 120, EVENTS = 4 };

/* Literals of a scan stand one after the other in `text`, with an entry for each remainder by the stride. */
struct table {
	uint8_t text[SCANS * LITERALS_MAX * LITERAL_MAX];
	struct sn_entry entries[SCANS * LITERALS_MAX * SN_SWEPT_STRIDE];
	struct sn_scan scans[SCANS];
	uint32_t used, count;
};

static uint8_t draw(uint64_t *random, uint32_t letters)
{
	static const char some[] = "ab:.\\ xyz0f1[@`{";

	return (uint8_t)some[random_below(random, letters)];
}

static void add_literal(struct table *t, struct sn_scan *scan, uint64_t *random, uint32_t letters)
{
	const uint32_t len = SN_SWEPT_MIN + random_below(random, LITERAL_MAX - SN_SWEPT_MIN);
	const uint8_t pair = (uint8_t)random_below(random, len - 1);

	for (uint32_t i = 0; i < len; i++)
		t->text[t->used + i] = draw(random, letters);
	for (uint32_t first = 0; first < SN_SWEPT_STRIDE; first++) {
		const uint32_t places = (len - SN_WIDTH_MAX - first) / SN_SWEPT_STRIDE + 1;
		const uint32_t at = first + SN_SWEPT_STRIDE * random_below(random, places);
		struct sn_entry *entry = &t->entries[t->count++];

		*entry = (struct sn_entry){.literal = {t->used, len}, .at = (uint16_t)at, .pair = pair};
		entry->key = sn_windows__at(t->text + t->used + at);
		scan->entries++;
	}
	t->used += len;
}

static bool has(const struct table *t, const struct sn_scan *scan, const uint8_t *text, uint32_t len)
{
	for (uint32_t i = scan->entry; i < scan->entry + scan->entries; i += SN_SWEPT_STRIDE) {
		const struct sn_stretch literal = t->entries[i].literal;

		for (uint32_t at = 0; at + literal.len <= len; at++) {
			uint32_t k = 0;

			while (k < literal.len && tolower(text[at + k]) == t->text[literal.off + k])
				k++;
			if (k == literal.len)
				return true;
		}
	}
	return false;
}

/* Mostly a text with part of a literal, or all of it, in it. */
static void make_text(const struct table *t, uint8_t *text, uint32_t len, uint64_t *random, uint32_t letters)
{
	const struct sn_stretch literal = t->entries[random_below(random, t->count)].literal;
	uint32_t size = random_below(random, 2) ? literal.len : random_below(random, literal.len);
	uint32_t at = random_below(random, len);

	for (uint32_t i = 0; i < len; i++)
		text[i] = draw(random, letters);
	for (uint32_t i = 0; i < size && at + i < len; i++)
		text[at + i] = t->text[literal.off + i];
	for (uint32_t i = 0; i < len; i++)
		if (random_below(random, 4) == 0)
			text[i] = (uint8_t)toupper(text[i]);
	if (random_below(random, 10) == 0)
		text[random_below(random, len)] = 0xc3;
}

static void sweep_text(const struct table *t, struct sn_sweep *sweep, const uint8_t *text, uint32_t len)
{
	const struct sn_value value = {.text = text, .len = len, .state = SN_PRESENT};
	const struct sn_place place = {&value, 0};
	const bool met = sn_sweep__may_find(sweep, text, len);
	const uint32_t none = met ? sn_sweep__suspect(sweep, &place) : UINT32_MAX;

	for (uint32_t i = 0; i < len; i++)
		CHECK(text[i] < 0x80 || met);
	for (uint32_t s = 0; s < SCANS; s++)
		CHECK(!(sweep->groups & none & 1u << s) || !has(t, &t->scans[s], text, len));
}

int main(void)
{
	uint64_t random = 1;

	for (uint32_t round = 0; round < TABLES; round++) {
		static struct table t;
		struct sn_rules rules = {.text = t.text, .entries = t.entries};
		struct sn_sweep sweep = {0};
		const uint32_t letters = 3 + random_below(&random, 14);

		memset(&t, 0, sizeof(t));
		for (uint32_t s = 0; s < SCANS; s++) {
			t.scans[s].entry = t.count;
			for (uint32_t left = 1 + random_below(&random, LITERALS_MAX); left; left--)
				add_literal(&t, &t.scans[s], &random, letters);
		}
		CHECK(sn_sweep__init(&sweep, t.count) == 0);
		for (uint32_t s = 0; s < SCANS; s++)
			sn_sweep__want(&sweep, &rules, &t.scans[s], 1u << s);
		for (uint64_t event = 1; event <= EVENTS; event++) {
			sweep.groups = 1 + random_below(&random, (1u << SCANS) - 1);
			sn_sweep__begin(&sweep, event);
			for (uint32_t i = 0; i < TEXTS; i++) {
				uint32_t len = SN_SWEPT_MIN + random_below(&random, TEXT_MAX - SN_SWEPT_MIN);
				/* of exactly this size, so that a byte read too far is seen */
				uint8_t *text = malloc(len);

				make_text(&t, text, len, &random, letters);
				sweep_text(&t, &sweep, text, len);
				free(text);
			}
		}
		sn_sweep__clear(&sweep);
	}
	return 0;
}
