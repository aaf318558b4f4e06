/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends by their name on the command line. */
#include "end.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

static const struct end_ops *const kinds[] = {
	&end_stream_ops,
	&end_dgram_ops,
	&end_tap_ops,
	&end_packet_ops,
};

static const struct end_ops *find_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i]->kind, name) == 0)
			return kinds[i];

	return NULL;
}

static bool parse_batch(const char *text, unsigned *ret_batch)
{
	char *rest;
	unsigned long n = strtoul(text, &rest, 10);

	if (*rest || n < 1 || n > FRAME_BURST)
		return false;

	*ret_batch = (unsigned)n;
	return true;
}

static bool take_option(struct end_spec *spec, const char *option)
{
	if (strncmp(option, "mac=", 4) == 0)
		return mac_parse(option + 4, &spec->mac);
	if (strncmp(option, "batch=", 6) == 0)
		return parse_batch(option + 6, &spec->batch);
	if (strcmp(option, "vnet") == 0)
		return spec->vnet = spec->ops->has_vnet;

	return false;
}

int end_parse(struct end_spec *ret_spec, const char *text, struct err *err)
{
	struct end_spec spec = { .mac = { { 2 } }, .fd = -1 };
	char copy[256], *save, *address, *option;

	if (!text_copy(copy, sizeof(copy), text))
		return err_set(err, EINVAL, "an end of more than %zu characters", sizeof(copy) - 1);

	address = strchr(copy, ':');
	if (!address)
		return err_set(err, EINVAL, "'%s' is not KIND:ADDRESS", text);

	*address++ = '\0';
	spec.ops = find_kind(copy);
	if (!spec.ops)
		return err_set(err, EINVAL, "there is no kind of end called '%s'", copy);

	spec.batch = spec.ops->batch;
	address = strtok_r(address, ",", &save);
	if (!address || !text_copy(spec.address, sizeof(spec.address), address))
		return err_set(err, EINVAL, "'%s' has no address, or one that is too long", text);

	while ((option = strtok_r(NULL, ",", &save)))
		if (!take_option(&spec, option))
			return err_set(err, EINVAL,
				       "a %s end has no option '%s': use mac=MAC, batch=1..%d%s",
				       spec.ops->kind, option, FRAME_BURST,
				       spec.ops->has_vnet ? " or vnet" : "");

	*ret_spec = spec;
	return 0;
}

int end_open(const struct end_spec *spec, struct end **ret_end, struct err *err)
{
	return spec->ops->open(spec, ret_end, err);
}

void end_close(struct end *end)
{
	if (end)
		end->ops->close(end);
}

int end_pair(struct end_spec *a, struct end_spec *b, struct err *err)
{
	int fds[2];

	if (a->ops != b->ops || !a->ops->socket_type || strcmp(b->address, "-") != 0)
		return err_set(err, EINVAL, "'-' has to be given for two sockets of one kind");

	if (socketpair(AF_UNIX, a->ops->socket_type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return err_set(err, errno, "cannot make a socketpair: %s", strerror(errno));

	a->fd = fds[0];
	b->fd = fds[1];
	return 0;
}

void end_wait(const struct end *end, short events)
{
	struct pollfd pollfd = { .fd = end->fd, .events = events };

	if (end->blind && events & POLLOUT)
		poll(NULL, 0, 1);
	else
		poll(&pollfd, 1, 10);
}
