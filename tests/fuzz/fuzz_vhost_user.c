/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: a vhost-user front-end that says anything at all.
 *
 * The input is a list of records: one byte for the request; one for how many
 * descriptors come along (bits 0 to 3), whether a reply is asked for (bit 4),
 * whether the next four bytes are the flags instead (bit 5), whether memory
 * can be mapped (bit 6) and whether the message comes in two pieces (bit 7); one
 * for the size of the payload, which follows. Size 255 stands for the four bytes
 * that follow it.
 *
 * Whatever is said: memory is mapped and unmapped in pairs, never while a ring
 * may run that was not halted, and what runs makes sense.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "virtio/session.h"
#include "wire/virtio.h"

#define EXPECT(what)                                                                   \
	do {                                                                           \
		if (!(what)) {                                                         \
			(void)fprintf(stderr, "fuzz_vhost_user: not so: %s\n", #what); \
			abort();                                                       \
		}                                                                      \
	} while (0)

static struct session session;
static unsigned n_mapped;
static bool map_fails;
static bool runs; /* as the owner would run it: from the last halt on */
static uint8_t host;

static void halt(void *context, struct session *halted)
{
	(void)context;
	(void)halted;
	runs = false;
}

static int map(void *context, unsigned fd, uint64_t offset, struct guest_region *region,
	       struct err *err)
{
	(void)context;
	EXPECT(!runs && fd < session.n_fds);
	EXPECT(region->size > 0 && offset + region->size > offset);
	if (map_fails)
		return err_set(err, EACCES, "no");
	region->host = &host;
	n_mapped++;
	return 0;
}

static void unmap(void *context, const struct guest_region *region)
{
	(void)context;
	EXPECT(!runs && region->host == &host && n_mapped > 0);
	n_mapped--;
}

static int set_fd(void *context, unsigned ring, enum session_fd which, bool given, struct err *err)
{
	(void)context;
	(void)err;
	EXPECT(ring < SESSION_RINGS && which < SESSION_FD_COUNT);
	EXPECT(!given || session.n_fds == 1);
	EXPECT(!runs || which == SESSION_FD_ERR);
	return 0;
}

static void announce(void *context, struct mac mac)
{
	(void)context;
	EXPECT(mac_is_valid(mac));
}

static const struct session_ops ops = { halt, map, unmap, set_fd, announce };

static void check_memory(void)
{
	const struct guest_mem *mem = &session.mem;

	EXPECT(mem->n_regions <= GUEST_REGIONS_MAX && mem->n_regions == n_mapped);
	for (unsigned i = 0; i < mem->n_regions; i++) {
		const struct guest_region *a = &mem->region[i];

		EXPECT(a->size > 0 && a->gpa + a->size > a->gpa && a->user + a->size > a->user);
		for (unsigned j = 0; j < i; j++) {
			const struct guest_region *b = &mem->region[j];

			EXPECT(a->gpa + a->size <= b->gpa || b->gpa + b->size <= a->gpa);
			EXPECT(a->user + a->size <= b->user || b->user + b->size <= a->user);
		}
	}
}

static void check_rings(void)
{
	bool packed = virtio_has(session.features, VIRTIO_F_RING_PACKED);

	for (unsigned i = 0; i < SESSION_RINGS; i++) {
		const struct session_ring *ring = &session.ring[i];

		if (!session_ring_runs(&session, i))
			continue;
		EXPECT(ring->num > 0 && ring->num <= VIRTQ_SIZE_MAX);
		EXPECT(packed || (ring->num & (ring->num - 1)) == 0);
		EXPECT(packed || ring->base <= UINT16_MAX);
		EXPECT(ring->desc % 16 == 0 && ring->used % 4 == 0 && ring->avail % 2 == 0);
	}
}

/* Hands over up to 'len' bytes; false when the session is over. */
static bool push(const uint8_t *bytes, size_t len, unsigned n_fds)
{
	while (len > 0) {
		uint8_t *at;
		size_t n = session_room(&session, &at), waiting;
		enum session_progress progress;

		EXPECT(n > 0);
		n = n < len ? n : len;
		memcpy(at, bytes, n);
		progress = session_take(&session, n, n_fds);
		EXPECT((progress == SESSION_FAULT) == (session.fault[0] != '\0'));
		if (progress == SESSION_FAULT)
			return false;

		(void)session_output(&session, &waiting);
		EXPECT(waiting <= SESSION_OUTPUT_MAX);
		if (progress == SESSION_DONE) {
			check_memory();
			check_rings();
			runs = session_runs(&session);
		}
		bytes += n;
		len -= n;
		n_fds = 0;
	}
	return true;
}

/* Takes up to 'want' bytes of the input; what is missing is zero. */
static void take(const uint8_t **data, size_t *size, void *to, size_t want)
{
	size_t n = *size < want ? *size : want;

	memset(to, 0, want);
	memcpy(to, *data, n);
	*data += n;
	*size -= n;
}

static bool one_record(const uint8_t **data, size_t *size)
{
	uint8_t start[3], message[sizeof(struct vhost_user_header) + 264];
	struct vhost_user_header header = { .flags = VHOST_USER_VERSION };
	size_t len, piece;

	take(data, size, start, sizeof(start));
	header.request = start[0];
	if (start[1] & 16)
		header.flags |= VHOST_USER_NEED_REPLY;
	if (start[1] & 32)
		take(data, size, &header.flags, sizeof(header.flags));
	map_fails = start[1] & 64;
	header.size = start[2];
	if (start[2] == 255)
		take(data, size, &header.size, sizeof(header.size));

	memcpy(message, &header, sizeof(header));
	len = header.size < 264 ? header.size : 264;
	take(data, size, message + sizeof(header), len);
	len += sizeof(header);
	piece = start[1] & 128 ? len / 2 : len;
	return push(message, piece, start[1] & 15) && push(message + piece, len - piece, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	session_init(&session, &ops, NULL, session_features, 1500);
	runs = false;
	n_mapped = 0;
	while (size > 0 && one_record(&data, &size)) {
		/* The front-end reads replies, but for those of every eighth turn. */
		size_t waiting;

		(void)session_output(&session, &waiting);
		if (size % 8 != 0)
			session_sent(&session, waiting);
	}

	halt(NULL, &session);
	session_fini(&session);
	EXPECT(n_mapped == 0);
	return 0;
}
