/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vhost-user front-ends
 * =====================
 *
 * What it is. The world that a session (virtio/session.h) asks things of: reads
 * its socket, keeps the descriptors of the message that is arriving, maps
 * memory, and opens a vhost port over the rings once they can run.
 *
 * Where it sits. An endpoint that has a front-end has one of these; its port is
 * published as the endpoint's while rings run, and none is while they do not.
 *
 * Changes. A port never changes. A message that changes what rings are made of
 * halts them (the port is taken away from the worker, asked where its rings
 * stand, and closed), and when nothing more can be read for now another port is
 * opened on what has become of them. Frames that wait in rings stay there.
 *
 * Going on. Where a ring that starts goes on is what SET_VRING_BASE says; but
 * after a crash, of Limpet or of the front-end, that number is a guess, and the
 * ring in the guest's memory knows (R4.20, virtio/resume.c).
 *
 * Announcing. A guest that was moved here wants the network to know. The frame
 * that says so enters as every other one: for a moment the endpoint's port is a
 * stream that holds this frame and has been closed behind it.
 *
 * Limits. A front-end has MESSAGES_MAX messages carried out in WINDOW_US; what
 * it sends beyond waits in its socket, and then so does its sender.
 *
 * Threads. The control thread.
 */
#include "ctl/vhost.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "ctl/announce.h"
#include "ctl/attach.h"
#include "ctl/endpoint.h"
#include "ctl/guest_map.h"
#include "ctl/sockets.h"
#include "port/vhost.h"
#include "virtio/resume.h"
#include "virtio/ring.h"
#include "virtio/session.h"
#include "virtio/sigbus.h"
#include "wire/virtio.h"

static_assert(ARRAY_SIZE(((struct port_vhost_config *)0)->ring) >= SESSION_RINGS,
	      "every ring told can run");

/* Eight queue pairs are set up with some 130 messages. */
#define MESSAGES_MAX 256
#define WINDOW_US    100000

/* What the kernel lets one sendmsg() carry, so that none is lost unseen. */
#define SCM_FDS_MAX 253

struct vhost {
	struct ctl_endpoint *ep;
	int fd;
	sd_event_source *io_source, *pause_source;
	struct session session;

	/* Of the message that is arriving; more than it may have end the session. */
	int message_fd[SESSION_FDS_MAX + SCM_FDS_MAX];
	unsigned n_message_fds;
	int ring_fd[SESSION_RINGS][SESSION_FD_COUNT]; /* -1: none */
	struct guest_map map[GUEST_REGIONS_MAX];      /* in no order; len 0: free */

	struct path_attachment *attachment;   /* NULL: no ring runs */
	struct path_attachment *announcement; /* instead, for a moment */
	uint32_t running;		      /* rings the port has, as bits */
	uint32_t fresh;			      /* rings that were started and have not run yet */
	uint32_t ran;			      /* rings that have, some time */

	uint64_t window_us; /* when the present window began */
	unsigned n_messages;
};

/* What the session asks for */

static void halt(void *context, struct session *session)
{
	struct vhost *vhost = context;
	struct path_attachment *attachment = TAKE(vhost->attachment);

	if (vhost->announcement)
		attachment_retire(vhost->ep->hub->ctl->worker, TAKE(vhost->announcement), NULL);
	if (!attachment)
		return;

	worker_unwatch(vhost->ep->hub->ctl->worker, attachment);
	path_publish_attachment(&vhost->ep->member, NULL);
	path_synchronize();
	for (unsigned i = 0; i < SESSION_RINGS; i++) {
		if (vhost->running & 1u << i)
			session->ring[i].base = port_vhost_base(attachment->port, i);
	}
	vhost->running = 0;
	attachment_free(attachment);
}

static int map(void *context, unsigned fd, uint64_t offset, struct guest_region *region,
	       struct err *err)
{
	struct vhost *vhost = context;
	struct guest_map *free_map = NULL;
	int r;

	for (unsigned i = 0; i < ARRAY_SIZE(vhost->map) && !free_map; i++) {
		if (vhost->map[i].len == 0)
			free_map = &vhost->map[i];
	}
	if (!free_map)
		return err_set(err, ENOSPC, "more than %d memory regions", GUEST_REGIONS_MAX);

	r = guest_map_open(vhost->message_fd[fd], offset, region->size, free_map, err);
	if (r < 0)
		return r;
	r = sigbus_guard(free_map->start, free_map->len, &vhost->session.mem.shrank, err);
	if (r < 0) {
		guest_map_close(free_map);
		*free_map = (struct guest_map){ 0 };
		return r;
	}

	region->host = free_map->region;
	return 0;
}

static void unmap(void *context, const struct guest_region *region)
{
	struct vhost *vhost = context;

	for (unsigned i = 0; i < ARRAY_SIZE(vhost->map); i++) {
		if (vhost->map[i].len == 0 || vhost->map[i].region != region->host)
			continue;
		sigbus_unguard(vhost->map[i].start);
		guest_map_close(&vhost->map[i]);
		vhost->map[i] = (struct guest_map){ 0 };
		return;
	}
}

static bool is_eventfd(int fd)
{
	static const char eventfd_name[] = "anon_inode:[eventfd]";
	char path[64], name[sizeof(eventfd_name)];
	ssize_t len;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, name, sizeof(name));
	return len == sizeof(eventfd_name) - 1 && memcmp(name, eventfd_name, (size_t)len) == 0;
}

/* Is closing it over at once? (ctl/closer.h) Files in memory have seals. */
static bool closes_at_once(int fd)
{
	return fd < 0 || fcntl(fd, F_GET_SEALS) >= 0 || is_eventfd(fd);
}

static int set_fd(void *context, unsigned ring, enum session_fd which, bool given, struct err *err)
{
	struct vhost *vhost = context;
	int *fd = &vhost->ring_fd[ring][which];

	/* One of another kind could do anything when the worker uses it. */
	if (given) {
		if (!is_eventfd(vhost->message_fd[0]))
			return err_set(err, EINVAL, "its descriptor is no eventfd");
		/* Not to be relied on: the front-end can clear it (port/bell.c). */
		(void)fcntl(vhost->message_fd[0], F_SETFL, O_RDWR | O_NONBLOCK);
	}

	(void)fd_close(*fd);
	*fd = given ? fd_take(&vhost->message_fd[0]) : -1;
	if (given && which == SESSION_FD_KICK)
		vhost->fresh |= 1u << ring;
	return 0;
}

/* A front-end says it several times, so one that gets lost is no harm. */
static void announce(void *context, struct mac mac)
{
	struct vhost *vhost = context;
	struct path_attachment *attachment = NULL;

	if (vhost->announcement || announcement_open(&vhost->ep->member, mac, &attachment) < 0)
		return;

	halt(vhost, &vhost->session);
	path_publish_attachment(&vhost->ep->member, attachment);
	if (worker_watch(vhost->ep->hub->ctl->worker, attachment, NULL) < 0) {
		path_publish_attachment(&vhost->ep->member, NULL);
		path_synchronize();
		attachment_free(attachment);
		return;
	}
	vhost->announcement = attachment;
}

static const struct session_ops session_ops = { halt, map, unmap, set_fd, announce };

/* Starting the rings */

/* Where a ring goes on that was just started. */
static void resume(struct vhost *vhost, unsigned ring, struct ring_config *config)
{
	uint32_t told = config->base;

	/* A packed ring shows less than a split one: this is for a front-end that
	 * had no chance to ask, or to be told.
	 */
	if (config->layout == RING_PACKED && vhost->ran & 1u << ring)
		return;

	config->base = ring_resume(&vhost->session.mem, config);
	if (config->base != told)
		log_limited(&vhost->ep->log_limit, LOG_INFO,
			    "endpoint %s: ring %u goes on at %#x, as the guest's memory shows, not "
			    "at %#x",
			    vhost->ep->model->name, ring, config->base, told);
}

static void configure_ring(struct vhost *vhost, unsigned ring, struct ring_config *ret_config)
{
	const struct session *session = &vhost->session;
	const struct session_ring *told = &session->ring[ring];

	*ret_config = (struct ring_config){
		.layout = virtio_has(session->features, VIRTIO_F_RING_PACKED) ? RING_PACKED
									      : RING_SPLIT,
		.size = told->num,
		.features = session->features,
		.desc = told->desc,
		.avail = told->avail,
		.used = told->used,
		.base = told->base,
		.kick_fd = vhost->ring_fd[ring][SESSION_FD_KICK],
		.call_fd = vhost->ring_fd[ring][SESSION_FD_CALL],
	};
	if (vhost->fresh & 1u << ring)
		resume(vhost, ring, ret_config);
}

/* Opens a port over all rings that can run, and says which. */
static int open_port(struct vhost *vhost, struct port **ret_port, uint32_t *ret_running,
		     struct err *err)
{
	struct ring_config ring[SESSION_RINGS];
	struct port_vhost_config config = {
		.mem = &vhost->session.mem,
		.features = vhost->session.features,
	};
	uint32_t running = 0;
	int r;

	for (unsigned i = 0; i < SESSION_RINGS; i++) {
		if (!session_ring_runs(&vhost->session, i))
			continue;
		configure_ring(vhost, i, &ring[i]);
		config.ring[i] = &ring[i];
		running |= 1u << i;
	}

	r = port_vhost_open(&config, ret_port, err);
	if (r >= 0)
		*ret_running = running;
	return r;
}

/* Lets rings that can run, and do not, run. */
static int start(struct vhost *vhost, struct err *err)
{
	struct port *port SCOPED(scoped_port) = NULL;
	struct path_attachment *attachment = NULL;
	struct ctl_endpoint *ep = vhost->ep;
	uint32_t running = 0;
	int r;

	if (vhost->attachment || vhost->announcement || !session_runs(&vhost->session))
		return 0;

	r = open_port(vhost, &port, &running, err);
	if (r >= 0)
		r = attachment_new(port, &ep->member, &attachment, err);
	if (r < 0)
		return r;

	attachment->poll_ns = ep->model->poll * 1000;
	/* Seen before it is watched: else its first frames were another's. */
	path_publish_attachment(&ep->member, attachment);
	r = worker_watch(ep->hub->ctl->worker, attachment, err);
	if (r < 0) {
		path_publish_attachment(&ep->member, NULL);
		path_synchronize();
		free(attachment);
		return r;
	}

	(void)TAKE(port);
	vhost->attachment = attachment;
	vhost->running = running;
	vhost->fresh &= ~running;
	vhost->ran |= running;
	return 0;
}

/* The socket */

/* Keeps the descriptors that came with 'msg'; returns how many came. Somebody
 * else may need the last ones there are.
 */
static unsigned keep_fds(struct vhost *vhost, struct msghdr *msg)
{
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++, n++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (!fd_leaves(fd, FD_LEFT_BY_PEERS))
				session_fault(&vhost->session, NO_DESCRIPTOR);
			vhost->message_fd[vhost->n_message_fds++] = fd;
		}
	}
	return n;
}

/* The message is carried out: what nobody took of it is closed. */
static void close_message_fds(struct vhost *vhost)
{
	for (unsigned i = 0; i < vhost->n_message_fds; i++) {
		if (!closes_at_once(vhost->message_fd[i])) {
			session_fault(&vhost->session, "peer sent a descriptor that is neither an "
						       "eventfd nor a file in memory");
			return;
		}
		vhost->message_fd[i] = fd_close(vhost->message_fd[i]);
	}
	vhost->n_message_fds = 0;
}

/* Reads once. False if there is nothing to read now; a front-end that is gone is
 * a fault of the session.
 */
static bool receive(struct vhost *vhost)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(SCM_FDS_MAX * sizeof(int))];
	} control;
	struct session *session = &vhost->session;
	struct iovec iov;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	unsigned n_fds;
	uint8_t *at;
	ssize_t n;

	iov.iov_len = session_room(session, &at);
	iov.iov_base = at;
	n = recvmsg(vhost->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		session_fault(session, "peer closed the connection%s",
			      session_is_cut(session) ? " in the middle of a message" : "");
		return true;
	}

	n_fds = keep_fds(vhost, &msg);
	if (msg.msg_flags & MSG_CTRUNC)
		session_fault(session, NO_DESCRIPTOR);
	if (session_take(session, (size_t)n, n_fds) == SESSION_DONE) {
		close_message_fds(vhost);
		vhost->n_messages++;
	}
	return true;
}

/* Sends replies as far as the socket takes them; what stays is bounded. */
static void send_replies(struct vhost *vhost)
{
	const uint8_t *bytes;
	size_t len;
	ssize_t n;

	bytes = session_output(&vhost->session, &len);
	if (len > 0) {
		n = send(vhost->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			session_sent(&vhost->session, (size_t)n);
	}

	(void)session_output(&vhost->session, &len);
	(void)sd_event_source_set_io_events(vhost->io_source,
					    len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static int on_pause_over(sd_event_source *source, uint64_t us, void *userdata)
{
	struct vhost *vhost = userdata;

	(void)source;
	(void)us;
	(void)sd_event_source_set_enabled(vhost->io_source, SD_EVENT_ON);
	return 0;
}

/* Is it this front-end's turn to wait? It will be woken. */
static bool is_over_limit(struct vhost *vhost)
{
	uint64_t now = 0;

	(void)sd_event_now(vhost->ep->hub->ctl->event, CLOCK_MONOTONIC, &now);
	if (now - vhost->window_us >= WINDOW_US) {
		vhost->window_us = now;
		vhost->n_messages = 0;
	}
	if (vhost->n_messages < MESSAGES_MAX)
		return false;

	(void)sd_event_source_set_enabled(vhost->io_source, SD_EVENT_OFF);
	(void)sd_event_source_set_time(vhost->pause_source, vhost->window_us + WINDOW_US);
	(void)sd_event_source_set_enabled(vhost->pause_source, SD_EVENT_ONESHOT);
	return true;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct vhost *vhost = userdata;
	struct session *session = &vhost->session;
	struct err err;

	(void)source;
	(void)fd;
	(void)events;
	while (session->fault[0] == '\0' && !is_over_limit(vhost) && receive(vhost)) {
		if (session->n_output > SESSION_OUTPUT_MAX / 2)
			send_replies(vhost);
	}
	/* What is acknowledged is so: the rings first, then the replies. */
	if (session->fault[0] == '\0' && start(vhost, &err) < 0)
		session_fault(session, "its rings cannot run: %s", err.msg);
	send_replies(vhost);

	if (session->fault[0] != '\0')
		endpoint_lose_vhost(vhost->ep, session->fault);
	return 0;
}

/* Life */

static int watch(struct vhost *vhost, struct err *err)
{
	sd_event *event = vhost->ep->hub->ctl->event;
	int r;

	r = sd_event_add_io(event, &vhost->io_source, vhost->fd, EPOLLIN, on_io, vhost);
	if (r >= 0)
		r = sd_event_add_time(event, &vhost->pause_source, CLOCK_MONOTONIC, 0, 1,
				      on_pause_over, vhost);
	if (r >= 0)
		r = sd_event_source_set_enabled(vhost->pause_source, SD_EVENT_OFF);
	if (r < 0)
		return err_set(err, -r, "cannot watch a front-end: %s", strerror(-r));
	return 0;
}

int vhost_new(struct ctl_endpoint *ep, int *fd, struct vhost **ret_vhost, struct err *err)
{
	struct vhost *vhost = calloc(1, sizeof(*vhost));
	int r;

	if (!vhost)
		return err_set(err, ENOMEM, "out of memory");

	vhost->ep = ep;
	vhost->fd = *fd;
	memset(vhost->ring_fd, 0xff, sizeof(vhost->ring_fd));
	session_init(&vhost->session, &session_ops, vhost, session_features, ep->model->mtu);
	r = watch(vhost, err);
	if (r < 0) {
		vhost->fd = -1; /* still the caller's */
		vhost_free(vhost);
		return r;
	}

	socket_take_descriptors(vhost->fd);
	(void)fd_take(fd);
	*ret_vhost = vhost;
	return 0;
}

/* Closes the connection, and the descriptors of the message it broke off in. */
static void hang_up(struct vhost *vhost)
{
	int fds[ARRAY_SIZE(vhost->message_fd) + 1], unread = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < vhost->n_message_fds; i++) {
		if (closes_at_once(vhost->message_fd[i]))
			(void)fd_close(vhost->message_fd[i]);
		else
			fds[n++] = vhost->message_fd[i];
	}

	/* From here on nothing is added to its queue. */
	if (vhost->fd >= 0) {
		(void)shutdown(vhost->fd, SHUT_RDWR);
		if (ioctl(vhost->fd, FIONREAD, &unread) == 0 && unread == 0)
			(void)fd_close(vhost->fd);
		else
			fds[n++] = vhost->fd;
	}
	if (n > 0)
		closers_close(&vhost->ep->closers, fds, n);
}

struct vhost *vhost_free(struct vhost *vhost)
{
	if (!vhost)
		return NULL;

	halt(vhost, &vhost->session);
	session_fini(&vhost->session);
	for (unsigned i = 0; i < SESSION_RINGS; i++) {
		for (unsigned k = 0; k < SESSION_FD_COUNT; k++)
			(void)fd_close(vhost->ring_fd[i][k]);
	}
	sd_event_source_disable_unref(vhost->io_source);
	sd_event_source_disable_unref(vhost->pause_source);
	hang_up(vhost);
	free(vhost);
	return NULL;
}

bool vhost_has_hung_up(const struct vhost *vhost)
{
	struct pollfd pollfd = { .fd = vhost->fd, .events = POLLRDHUP };

	return poll(&pollfd, 1, 0) > 0 && pollfd.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

/* The announcement is made: back to the rings. */
static void end_announcement(struct vhost *vhost)
{
	struct err err;

	attachment_retire(vhost->ep->hub->ctl->worker, TAKE(vhost->announcement), NULL);
	if (start(vhost, &err) >= 0)
		return;
	session_fault(&vhost->session, "its rings cannot run: %s", err.msg);
	endpoint_lose_vhost(vhost->ep, vhost->session.fault);
}

void vhost_reap(struct vhost *vhost)
{
	if (vhost->announcement && worker_has_finished(vhost->announcement)) {
		end_announcement(vhost);
		return;
	}
	if (!vhost->attachment || !worker_has_finished(vhost->attachment))
		return;
	session_fault(&vhost->session, "%s", vhost->attachment->port->fault);
	endpoint_lose_vhost(vhost->ep, vhost->session.fault);
}

void vhost_update(struct vhost *vhost)
{
	const struct model_endpoint *model = vhost->ep->model;
	struct err err;

	vhost->session.max_mtu = model->mtu;
	if (!vhost->attachment || vhost->attachment->poll_ns == model->poll * 1000)
		return;

	halt(vhost, &vhost->session);
	if (start(vhost, &err) < 0) {
		session_fault(&vhost->session, "its rings cannot run: %s", err.msg);
		endpoint_lose_vhost(vhost->ep, vhost->session.fault);
	}
}

static void append(char *buf, size_t size, const char *word)
{
	size_t len = strlen(buf);

	(void)snprintf(buf + len, size - len, "%s%s", len ? ", " : "", word);
}

void vhost_describe(const struct vhost *vhost, char *buf, size_t size)
{
	/* clang-format off */
	static const struct {
		enum virtio_feature feature;
		const char *name;
	} names[] = {
		{ VIRTIO_NET_F_MRG_RXBUF, "mrg_rxbuf" },
		{ VIRTIO_NET_F_CSUM,      "csum" },
		{ VIRTIO_NET_F_HOST_TSO4, "tso" },
		{ VIRTIO_NET_F_HOST_USO,  "uso" },
	};
	/* clang-format on */
	uint64_t features = vhost->session.features;
	unsigned pairs = 0;
	char text[32];

	buf[0] = '\0';
	for (unsigned i = 0; i < SESSION_PAIRS; i++)
		pairs += (vhost->running & 3u << 2 * i) != 0;
	if (pairs == 0)
		return;

	append(buf, size, virtio_has(features, VIRTIO_F_RING_PACKED) ? "packed" : "split");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (virtio_has(features, names[i].feature))
			append(buf, size, names[i].name);
	}
	(void)snprintf(text, sizeof(text), "%u queue pair%s", pairs, pairs > 1 ? "s" : "");
	append(buf, size, text);
}
