/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runtime directory: the control socket and one short directory for each
 * endpoint with its sockets. Created for their owner alone; taken away again.
 */
#ifndef CTL_SOCKETS_H
#define CTL_SOCKETS_H

#include <sys/un.h>

#include <systemd/sd-event.h>

#include "base/err.h"
#include "model/change.h"

/* The longest runtime directory under which every socket's path still fits
 * sun_path: DIR "/" NAME "/stream.sock" NUL.
 */
#define RUNTIME_DIR_MAX                                                           \
	(sizeof(((struct sockaddr_un *)0)->sun_path) - 1 - (LINK_NAME_SIZE - 1) - \
	 sizeof("/stream.sock"))

struct runtime_dir {
	char path[RUNTIME_DIR_MAX + 1];
	int lock_fd;
};

/* Makes the directory if it is not there, locks it against a second daemon
 * (-EBUSY) and removes the sockets of one that was killed.
 */
int runtime_dir_open(struct runtime_dir *dir, const char *path, struct err *err);
void runtime_dir_close(struct runtime_dir *dir);

/* Listens on DIR/control.sock. */
int control_socket_open(const struct runtime_dir *dir, int *ret_fd, struct err *err);
void control_socket_remove(const struct runtime_dir *dir);

enum endpoint_socket { SOCKET_STREAM, SOCKET_DGRAM, SOCKET_VHOST };
#define ENDPOINT_SOCKET_COUNT 3

/* Writes DIR/NAME/stream.sock, or another one's path. */
void endpoint_socket_path(const struct runtime_dir *dir, const char *name,
			  enum endpoint_socket socket, char path[static 108]);

/* Makes DIR/NAME with its sockets: the datagram one is bound, the others listen.
 * All or nothing.
 */
int endpoint_sockets_open(const struct runtime_dir *dir, const char *name,
			  int ret_fds[ENDPOINT_SOCKET_COUNT], struct err *err);
void endpoint_sockets_remove(const struct runtime_dir *dir, const char *name);
int endpoint_sockets_rename(const struct runtime_dir *dir, const char *from, const char *to,
			    struct err *err);

/* Calls 'fn' when somebody connects to 'listen_fd', and not too often: a peer
 * that connects in a loop, or an error that stays, must not keep control busy.
 */
int socket_watch(sd_event *event, int listen_fd, sd_event_io_handler_t fn, void *userdata,
		 sd_event_source **ret_source);

/* Accepts a connection. -EAGAIN if there is none. When it would not leave
 * 'n_left' descriptors it is closed, so that nobody waits for ever and the
 * listener does not stay readable: -EMFILE.
 */
int socket_accept(int listen_fd, unsigned n_left, int *ret_fd);

/* Has 'fd' take descriptors. No listening socket does, and so none that comes
 * of one does before this: what is turned away has none in its queue.
 */
void socket_take_descriptors(int fd);

/* For what is said about an -EMFILE. */
#define NO_DESCRIPTOR "no file descriptor is left (LimitNOFILE= is too small)"

#endif
