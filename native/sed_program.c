/* SPDX-License-Identifier: Apache-2.0 */
#include "sed_program.h"

#include <string.h>

struct sed {
	const uint8_t *at, *end;
};

static uint8_t peek(const struct sed *s)
{
	return s->at < s->end ? *s->at : 0;
}

static void skip_any(struct sed *s, const char *of)
{
	while (s->at < s->end && *s->at && strchr(of, *s->at))
		s->at++;
}

/* Text up to an unescaped `close`, which is passed; a bracket expression hides it. */
static void skip_delimited(struct sed *s, uint8_t close)
{
	bool bracket = false;

	for (; s->at < s->end && (bracket || *s->at != close); s->at++) {
		if (*s->at == '\\' && s->at + 1 < s->end)
			s->at++;
		else if (*s->at == '[' && !bracket && close != '[')
			bracket = memchr(s->at, ']', (size_t)(s->end - s->at)) != NULL;
		else if (*s->at == ']')
			bracket = false;
	}
	s->at += s->at < s->end;
}

static void skip_line(struct sed *s)
{
	while (s->at < s->end && *s->at != '\n')
		s->at++;
}

static void skip_address(struct sed *s)
{
	for (;;) {
		skip_any(s, " \t;\n");
		if (peek(s) == '/') {
			s->at++;
			skip_delimited(s, '/');
			skip_any(s, "IM");
		} else if (peek(s) == '\\' && s->at + 1 < s->end) {
			uint8_t close = s->at[1];

			s->at += 2;
			skip_delimited(s, close);
			skip_any(s, "IM");
		} else if (peek(s) && strchr("0123456789$~+,!{}", peek(s))) {
			s->at++;
		} else {
			return;
		}
	}
}

/* s/x/y/flags or y/x/y/. True: it has the flag e. */
static bool substitutes_and_runs(struct sed *s)
{
	bool is_s = *s->at++ == 's', runs = false;
	uint8_t close = peek(s);

	if (!close)
		return false;
	s->at++;
	skip_delimited(s, close);
	skip_delimited(s, close);
	for (; is_s && s->at < s->end && strchr("gpiImMe0123456789w", *s->at) && *s->at; s->at++) {
		runs = runs || *s->at == 'e';
		if (*s->at == 'w') {
			skip_line(s);
			break;
		}
	}
	return runs;
}

bool sn_sed__runs(struct sn_bytes program)
{
	struct sed s = {program.at, program.at + program.len};

	while (s.at < s.end) {
		skip_address(&s);
		if (s.at >= s.end)
			return false;
		switch (*s.at) {
		case 'e':
			return true;
		case 's':
		case 'y':
			if (substitutes_and_runs(&s))
				return true;
			break;
		case '#':
		case 'a':
		case 'i':
		case 'c':
		case 'r':
		case 'R':
		case 'w':
		case 'W':
		case ':':
			skip_line(&s);
			break;
		case 'b':
		case 't':
		case 'T':
			while (s.at < s.end && *s.at != '\n' && *s.at != ';' && *s.at != '}')
				s.at++;
			break;
		default:
			s.at++;
		}
	}
	return false;
}
