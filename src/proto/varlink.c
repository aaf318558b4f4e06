/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/varlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define SIZE_FIRST 4096

void varlink_message_fini(struct varlink_message *message)
{
	free(message->text);
	*message = (struct varlink_message){ 0 };
}

void varlink_input_init(struct varlink_input *input, size_t max)
{
	*input = (struct varlink_input){ .max = max };
}

void varlink_input_fini(struct varlink_input *input)
{
	free(input->buf);
	varlink_input_init(input, input->max);
}

/* Makes room for 'len' bytes behind the unread ones. */
static int make_room(struct varlink_input *input, size_t len, struct err *err)
{
	size_t unread = input->end - input->start;
	size_t size = MAX(input->size, (size_t)SIZE_FIRST);
	char *buf;

	if (input->size - input->end >= len)
		return 0;

	if (unread > 0 && input->start > 0)
		memmove(input->buf, input->buf + input->start, unread);
	input->scanned -= input->start;
	input->start = 0;
	input->end = unread;

	while (size - unread < len)
		size *= 2;
	if (size == input->size)
		return 0;

	buf = realloc(input->buf, size);
	if (!buf)
		return err_set(err, ENOMEM, "out of memory");

	input->buf = buf;
	input->size = size;
	return 0;
}

static int too_long(const struct varlink_input *input, struct err *err)
{
	return err_set(err, EMSGSIZE, "a message is longer than %zu bytes", input->max);
}

int varlink_input_push(struct varlink_input *input, const void *bytes, size_t len, struct err *err)
{
	int r;

	if (len == 0)
		return 0;
	if (input->end - input->start > input->max)
		return too_long(input, err);

	r = make_room(input, len, err);
	if (r < 0)
		return r;

	memcpy(input->buf + input->end, bytes, len);
	input->end += len;
	return 0;
}

int varlink_input_next(struct varlink_input *input, const char **ret_text, size_t *ret_len,
		       struct err *err)
{
	const char *nul;
	size_t len;

	/* Whoever is idle holds no memory. The message returned last lies in
	 * it, so it goes here and not when that message was taken.
	 */
	if (input->start == input->end) {
		varlink_input_fini(input);
		return 0;
	}

	nul = memchr(input->buf + input->scanned, '\0', input->end - input->scanned);
	len = nul ? (size_t)(nul - (input->buf + input->start)) : input->end - input->start;
	if (len > input->max)
		return too_long(input, err);

	if (!nul) {
		input->scanned = input->end;
		return 0;
	}

	*ret_text = input->buf + input->start;
	*ret_len = len;
	input->start += len + 1;
	input->scanned = input->start;
	return 1;
}
