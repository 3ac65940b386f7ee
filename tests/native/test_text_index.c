// sources: text_index.c pattern.c
/* Long texts with an index beside the same texts without: the same answer to every pattern. */
#include <string.h>

#include "check.h"
#include "pattern.h"
#include "text_index.h"

enum { TEXTS = 60, PATTERNS = 3000, PATTERN_MAX = 60 };

static uint8_t bytes[SN_INDEXED_MAX];
static struct sn_text_index text_index;

/* Few letters in some texts, so that windows repeat; in some hardly any, so that they are all the same. */
static void make_text(uint64_t *random, uint32_t len)
{
	static const uint32_t letters[] = {1, 2, 3, 6, 26, 200};
	uint32_t of = letters[random_below(random, 6)];

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(random_below(random, 50) ? 'a' + random_below(random, of) : 0xc3);
}

/* A piece of the text, mostly changed a little: first, last or another byte; runs and single characters for a glob. */
static uint32_t make_pattern(uint64_t *random, uint32_t len, uint8_t *pattern, int glob)
{
	uint32_t size = random_below(random, PATTERN_MAX), from = random_below(random, len - size);

	memcpy(pattern, bytes + from, size);
	if (!size || !random_below(random, 3))
		return size;
	switch (random_below(random, 3)) {
	case 0:
		pattern[0] = 'b';
		break;
	case 1:
		pattern[size - 1] = 'b';
		break;
	default:
		pattern[random_below(random, size)] = '~';
	}
	for (uint32_t i = 0; glob && i < size; i++)
		if (!random_below(random, 8))
			pattern[i] = random_below(random, 2) ? SN_GLOB_RUN : SN_GLOB_ONE;
	return size;
}

/* A cut text is folded with its back behind its front. */
static void compare_all(uint64_t *random, uint32_t len, uint32_t head)
{
	struct sn_text text = sn_text__whole(bytes, len), plain;
	uint32_t answers[3] = {0};

	if (head < len)
		text = (struct sn_text){
			.front = bytes, .back = bytes + head, .front_len = head, .back_len = len - head, .cut = true};
	plain = text;
	sn_text_index__build(&text_index, bytes, len);
	text.index = &text_index;
	for (uint32_t i = 0; i < PATTERNS; i++) {
		enum sn_form form = (enum sn_form)(SN_FORM_EQUALS + random_below(random, SN_FORM_GLOB));
		uint8_t pattern[PATTERN_MAX];
		uint32_t size = make_pattern(random, len, pattern, form == SN_FORM_GLOB);
		enum sn_truth truth = sn_pattern__compare(form, &text, pattern, size);

		CHECK(truth == sn_pattern__compare(form, &plain, pattern, size));
		if (form == SN_FORM_CONTAINS)
			answers[truth]++;
	}
	CHECK(answers[SN_YES] && answers[text.cut ? SN_MAYBE : SN_NO]);
}

/* The first place, also where the text is searched from somewhere within it and up to somewhere within it. */
static void test_places(uint64_t *random, uint32_t len)
{
	uint32_t told = 0;

	for (uint32_t i = 0; i < PATTERNS; i++) {
		uint32_t from = random_below(random, len), rest = random_below(random, len - from + 1);
		uint8_t pattern[PATTERN_MAX];
		uint32_t size = make_pattern(random, len, pattern, 0);
		const uint8_t *place;

		if (!sn_text_index__find(&text_index, bytes + from, rest, pattern, size, &place))
			continue;
		CHECK(place == sn_pattern__find(bytes + from, rest, pattern, size));
		told++;
	}
	CHECK(told);
}

/* A text of one window over and over: the index leaves what would be quadratic to the plain search. */
static void test_repetition(void)
{
	static const char *const needles[] = {"aaaa", "aaaaaaaaaaaaaaaaaaaa"};
	const uint8_t *place;

	memset(bytes, 'a', sizeof(bytes));
	sn_text_index__build(&text_index, bytes, sizeof(bytes));
	for (uint32_t i = 0; i < 2; i++)
		CHECK(!sn_text_index__find(&text_index, bytes, sizeof(bytes), (const uint8_t *)needles[i],
					   (uint32_t)strlen(needles[i]), &place));
	CHECK(sn_text_index__find(&text_index, bytes, sizeof(bytes), (const uint8_t *)"aaab", 4, &place) && !place);
}

int main(void)
{
	uint64_t random = 1;

	for (uint32_t i = 0; i < TEXTS; i++) {
		uint32_t span = i % 4 ? 8 : SN_INDEXED_MAX - SN_INDEXED_MIN;
		uint32_t len = i == 1 ? SN_INDEXED_MAX : SN_INDEXED_MIN + random_below(&random, span);

		make_text(&random, len);
		compare_all(&random, len, i % 3 ? len : random_below(&random, len));
		test_places(&random, len);
	}
	test_repetition();
	return 0;
}
