/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command line, word by word, read as iproute2 reads one: keywords in any
 * order, cut short as far as their table allows, each followed by its value.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/mac.h"

struct args {
	char *const *word;
	size_t count;
	size_t at; /* the next word */
};

/* How a keyword may be spelled. */
struct word {
	const char *name;
	const char *alias; /* a second spelling, or NULL */
	size_t shortest;   /* letters of 'name' that suffice; 0: all of them */
};

/* Is 'given' this keyword, its alias, or a permitted abbreviation? */
bool word_matches(const struct word *word, const char *given);

/* The next word, without taking it; NULL at the end. */
const char *args_peek(const struct args *args);

/* Takes the next word; NULL at the end. */
const char *args_take(struct args *args);

/* Takes the next word if it is exactly 'word'. */
bool args_take_word(struct args *args, const char *word);

/* Is the next word a call for help: "help", or "-h" or "-help" late? */
bool args_at_help(const struct args *args);

/* The value that has to follow 'keyword', in the forms values come in. -EINVAL
 * if it is missing or malformed; -ENAMETOOLONG if a text needs more than 'size'
 * bytes, its NUL included, or a name as much.
 */
int args_value(struct args *args, const char *keyword, const char **ret_value, struct err *err);
int args_number(struct args *args, const char *keyword, uint32_t *ret_number, struct err *err);
int args_signed(struct args *args, const char *keyword, int32_t *ret_number, struct err *err);
int args_mac(struct args *args, const char *keyword, struct mac *ret_mac, struct err *err);
int args_on_off(struct args *args, const char *keyword, bool *ret_on, struct err *err);
int args_text(struct args *args, const char *keyword, char *buf, size_t size, struct err *err);

/* Copies 'name', the name of a link, to 'buf' of LINK_NAME_SIZE bytes. */
int args_link_name(const char *name, char *buf, struct err *err);

/* Refuses what is left on the line. */
int args_end(const struct args *args, struct err *err);

/* Reads a whole number as iproute2 does: decimal, 0x or 0 before it. False if
 * 'text' is anything else.
 */
bool args_parse_number(const char *text, uint32_t *ret_number);

#endif
