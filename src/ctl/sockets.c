/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/sockets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"

#define PATH_SIZE sizeof(((struct sockaddr_un *)0)->sun_path)

/* Clients that may wait to be accepted. */
#define BACKLOG 16

/* Connections to one socket are looked at so many times in so many us. */
#define CONNECTS_MAX  100
#define CONNECTS_USEC 100000

static const char *const socket_files[] = {
	[SOCKET_STREAM] = "stream.sock",
	[SOCKET_DGRAM] = "dgram.sock",
	[SOCKET_VHOST] = "vhost.sock",
};
static_assert(ARRAY_SIZE(socket_files) == ENDPOINT_SOCKET_COUNT, "one file for each socket");

static void join(char path[static PATH_SIZE], const struct runtime_dir *dir, const char *name,
		 const char *file)
{
	int len = snprintf(path, PATH_SIZE, "%s/%s%s%s", dir->path, name, file ? "/" : "",
			   file ? file : "");

	/* RUNTIME_DIR_MAX leaves room for the longest name. */
	assert(len > 0 && (size_t)len < PATH_SIZE);
}

void endpoint_socket_path(const struct runtime_dir *dir, const char *name,
			  enum endpoint_socket socket, char path[static 108])
{
	join(path, dir, name, socket_files[socket]);
}

static int make_dir(const char *path, mode_t mode, struct err *err)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return err_set(err, errno, "cannot make the directory '%s': %s", path,
			       strerror(errno));
	return 0;
}

/* Removes the endpoint's sockets; were there any? */
static bool remove_sockets(const struct runtime_dir *dir, const char *name)
{
	char path[PATH_SIZE];
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(socket_files); i++) {
		endpoint_socket_path(dir, name, (enum endpoint_socket)i, path);
		any |= unlink(path) == 0;
	}
	return any;
}

/* Removes what a daemon that was killed left behind: nobody else has the lock.
 * An empty directory may be somebody's own.
 */
static void remove_leftovers(const struct runtime_dir *dir)
{
	DIR *entries = opendir(dir->path);
	struct dirent *entry;

	control_socket_remove(dir);
	while (entries && (entry = readdir(entries))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		    strlen(name) < LINK_NAME_SIZE && remove_sockets(dir, name))
			endpoint_sockets_remove(dir, name);
	}
	if (entries)
		(void)closedir(entries);
}

/* Sets 'dir->path' to 'path', from the root: it is told to others, who are
 * elsewhere.
 */
static int set_path(struct runtime_dir *dir, const char *path, struct err *err)
{
	char here[PATH_MAX] = "";
	int len;

	if (path[0] != '/' && !getcwd(here, sizeof(here)))
		return err_set(err, errno, "cannot tell where '%s' is: %s; name it from the root",
			       path, strerror(errno));

	len = snprintf(dir->path, sizeof(dir->path), "%s%s%s", here, here[0] ? "/" : "", path);
	if (len < 0 || (size_t)len >= sizeof(dir->path))
		return err_set(err, ENAMETOOLONG,
			       "the runtime directory '%s%s%s' is too long: %zu characters fit",
			       here, here[0] ? "/" : "", path, RUNTIME_DIR_MAX);
	return 0;
}

/* Is 'fd' the file that 'path' names? A daemon that ends removes its lock file,
 * and a lock on that one keeps nobody out.
 */
static bool is_still_there(int fd, const char *path)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && lstat(path, &there) == 0 && mine.st_dev == there.st_dev &&
	       mine.st_ino == there.st_ino;
}

int runtime_dir_open(struct runtime_dir *dir, const char *path, struct err *err)
{
	int fd SCOPED(scoped_fd) = -1;
	char lock[PATH_SIZE];
	int r;

	r = set_path(dir, path, err);
	if (r < 0)
		return r;
	r = make_dir(path, 0755, err);
	if (r < 0)
		return r;

	join(lock, dir, "lock", NULL);
	do {
		fd = fd_close(fd);
		fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return err_set(err, errno, "cannot open the lock file '%s': %s", lock,
				       strerror(errno));
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return err_set(err, EBUSY, "another limpetd is running on '%s'", path);
	} while (!is_still_there(fd, lock));

	remove_leftovers(dir);
	dir->lock_fd = fd_take(&fd);
	return 0;
}

void runtime_dir_close(struct runtime_dir *dir)
{
	char lock[PATH_SIZE];

	join(lock, dir, "lock", NULL);
	(void)unlink(lock);
	dir->lock_fd = fd_close(dir->lock_fd);
}

/* Linux 6.16; Debian 12's headers do not have it. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* Descriptors sent here are refused. Thrown away as they arrive they would be
 * closed by the thread that reads, and closing can wait for whoever made them:
 * SO_LINGER on a TCP socket whose peer does not read stops it for hours. An
 * older kernel does not know the option.
 */
static void refuse_descriptors(int fd)
{
	const int no = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no));
}

void socket_take_descriptors(int fd)
{
	const int yes = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &yes, sizeof(yes));
}

/* A bound socket that only its owner may reach. */
static int bind_socket(const char *path, int type, int *ret_fd, struct err *err)
{
	int fd SCOPED(scoped_fd) = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t old;
	int r;

	if (fd < 0)
		return err_set(err, errno, "cannot make the socket '%s': %s", path,
			       strerror(errno));
	if (!fd_leaves(fd, FD_LEFT_BY_PEERS))
		return err_set(err, EMFILE, "cannot make the socket '%s': " NO_DESCRIPTOR, path);

	refuse_descriptors(fd);
	(void)unlink(path);
	(void)text_copy(addr.sun_path, sizeof(addr.sun_path), path);
	old = umask(0177);
	r = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
	(void)umask(old);
	if (r < 0)
		return err_set(err, errno, "cannot bind the socket '%s': %s", path,
			       strerror(errno));
	if (type != SOCK_DGRAM && listen(fd, BACKLOG) < 0)
		return err_set(err, errno, "cannot listen on '%s': %s", path, strerror(errno));

	*ret_fd = fd_take(&fd);
	return 0;
}

int control_socket_open(const struct runtime_dir *dir, int *ret_fd, struct err *err)
{
	char path[PATH_SIZE];

	join(path, dir, "control.sock", NULL);
	return bind_socket(path, SOCK_STREAM, ret_fd, err);
}

void control_socket_remove(const struct runtime_dir *dir)
{
	char path[PATH_SIZE];

	join(path, dir, "control.sock", NULL);
	(void)unlink(path);
}

int endpoint_sockets_open(const struct runtime_dir *dir, const char *name,
			  int ret_fds[ENDPOINT_SOCKET_COUNT], struct err *err)
{
	int fds[ENDPOINT_SOCKET_COUNT] = { -1, -1, -1 };
	char path[PATH_SIZE];
	int r;

	join(path, dir, name, NULL);
	r = make_dir(path, 0755, err);
	if (r < 0)
		return r;

	for (int i = 0; i < ENDPOINT_SOCKET_COUNT; i++) {
		endpoint_socket_path(dir, name, (enum endpoint_socket)i, path);
		r = bind_socket(path, i == SOCKET_DGRAM ? SOCK_DGRAM : SOCK_STREAM, &fds[i], err);
		if (r < 0) {
			for (int k = 0; k < i; k++)
				fd_close(fds[k]);
			endpoint_sockets_remove(dir, name);
			return r;
		}
	}

	memcpy(ret_fds, fds, sizeof(fds));
	return 0;
}

void endpoint_sockets_remove(const struct runtime_dir *dir, const char *name)
{
	char path[PATH_SIZE];

	(void)remove_sockets(dir, name);
	join(path, dir, name, NULL);
	(void)rmdir(path);
}

int endpoint_sockets_rename(const struct runtime_dir *dir, const char *from, const char *to,
			    struct err *err)
{
	char old[PATH_SIZE], new[PATH_SIZE];

	join(old, dir, from, NULL);
	join(new, dir, to, NULL);
	if (rename(old, new) < 0)
		return err_set(err, errno, "cannot rename '%s' to '%s': %s", old, new,
			       strerror(errno));
	return 0;
}

int socket_watch(sd_event *event, int listen_fd, sd_event_io_handler_t fn, void *userdata,
		 sd_event_source **ret_source)
{
	int r;

	r = sd_event_add_io(event, ret_source, listen_fd, EPOLLIN, fn, userdata);
	if (r < 0)
		return r;
	return sd_event_source_set_ratelimit(*ret_source, CONNECTS_USEC, CONNECTS_MAX);
}

int socket_accept(int listen_fd, unsigned n_left, int *ret_fd)
{
	int fd SCOPED(scoped_fd) = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (!fd_leaves(fd, n_left))
		return -EMFILE;

	*ret_fd = fd_take(&fd);
	return 0;
}
