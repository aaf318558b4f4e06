/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runtime directory: the control socket and one short directory for each
 * endpoint with its sockets. Created for their owner alone; taken away again.
 */
#ifndef CTL_SOCKETS_H
#define CTL_SOCKETS_H

#include <sys/un.h>

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

enum endpoint_socket { SOCKET_STREAM, SOCKET_DGRAM };
#define ENDPOINT_SOCKET_COUNT 2

/* Writes DIR/NAME/stream.sock or DIR/NAME/dgram.sock. */
void endpoint_socket_path(const struct runtime_dir *dir, const char *name,
			  enum endpoint_socket socket, char path[static 108]);

/* Makes DIR/NAME with its sockets: the stream one listens, the datagram one is
 * bound. All or nothing.
 */
int endpoint_sockets_open(const struct runtime_dir *dir, const char *name,
			  int ret_fds[ENDPOINT_SOCKET_COUNT], struct err *err);
void endpoint_sockets_remove(const struct runtime_dir *dir, const char *name);
int endpoint_sockets_rename(const struct runtime_dir *dir, const char *from, const char *to,
			    struct err *err);

/* Accepts a connection. -EAGAIN if there is none. When the process has no
 * descriptor left the connection is closed, so that nobody waits for ever and
 * the listener does not stay readable: -EMFILE.
 */
int socket_accept(int listen_fd, int *ret_fd);

#endif
