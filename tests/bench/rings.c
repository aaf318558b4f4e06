/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How fast frames go from one guest's memory to another's: a worker, a hub and
 * two vhost ports, without sockets or processes around them.
 *
 *	bench-rings [split|packed] [FRAME-BYTES] [SECONDS [alone]]
 *
 * One thread plays both guests, on the first processor: it sends what the ring
 * takes and gives back what it received, touching descriptors and indices but
 * no payload. The worker runs on the second. Prints million frames a second and
 * the worker's nanoseconds for each; 'alone' is the same with both in one
 * thread, the worker's part timed: what the code itself costs, with everything
 * in its cache.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "fwd/table.h"
#include "path/forward.h"
#include "path/worker.h"
#include "port/port.h"
#include "port/vhost.h"
#include "virtio/ring.h"
#include "wire/eth.h"

#define RING_SIZE   256u
#define BUFFER_SIZE 2048u
#define HEADER	    sizeof(struct virtio_net_header)
#define RING_BYTES  32768u
#define SIDE_BYTES  (2 * RING_BYTES + 2 * RING_SIZE * slot_size)

static uint64_t slot_size = BUFFER_SIZE;

/* One ring as its driver sees it. */
struct driver {
	enum ring_layout layout;
	struct ring_config config;
	struct virtq_desc *desc;
	struct virtq_avail *avail;
	struct virtq_used *used;
	struct virtq_packed_desc *packed;
	struct virtq_packed_event *driver_area;
	uint16_t next_avail, next_used;
	bool avail_wrap, used_wrap;
	uint16_t flags; /* of every descriptor */
	uint32_t len;
};

struct guest {
	struct guest_mem mem;
	struct driver to, from; /* it */
	struct port *port;
	struct path_member member;
	struct path_attachment attachment;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void fail(const char *what)
{
	(void)fprintf(stderr, "rings: %s\n", what);
	exit(1);
}

/* A ring at 'at', which is 'gpa' for the guest, whose descriptors have buffers
 * from 'buffers' on; 'layout', 'flags' and 'len' are set.
 */
static void driver_init(struct driver *d, uint8_t *at, uint64_t gpa, uint64_t buffers)
{
	d->desc = (void *)at;
	d->packed = (void *)at;
	d->avail = (void *)(at + 8192);
	d->driver_area = (void *)(at + 8192);
	d->used = (void *)(at + 16384);
	d->avail_wrap = d->used_wrap = true;
	d->config = (struct ring_config){
		.layout = d->layout,
		.size = RING_SIZE,
		.features = VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF),
		.desc = gpa,
		.avail = gpa + 8192,
		.used = gpa + 16384,
		.base = d->layout == RING_PACKED ? 0x80008000 : 0,
		.kick_fd = -1,
		.call_fd = -1,
	};
	for (unsigned i = 0; i < RING_SIZE; i++) {
		le64 addr = cpu_to_le64(buffers + i * slot_size);

		if (d->layout == RING_SPLIT) {
			d->desc[i] = (struct virtq_desc){ addr, cpu_to_le32(d->len),
							  cpu_to_le16(d->flags), 0 };
			d->avail->ring[i] = cpu_to_le16((uint16_t)i);
		} else {
			d->packed[i].addr = addr;
		}
	}
	if (d->layout == RING_SPLIT)
		d->avail->flags = cpu_to_le16(VIRTQ_NO_NOTIFICATION);
	else
		d->driver_area->flags = cpu_to_le16(VIRTQ_EVENT_DISABLE);
}

/* Makes up to 'n' buffers available. */
static unsigned driver_add(struct driver *d, unsigned n)
{
	unsigned room = RING_SIZE - (uint16_t)(d->next_avail - d->next_used);

	n = MIN(n, room);
	if (d->layout == RING_SPLIT) {
		d->next_avail = (uint16_t)(d->next_avail + n);
		__atomic_store_n(&d->avail->idx, cpu_to_le16(d->next_avail), __ATOMIC_RELEASE);
		return n;
	}
	for (unsigned i = 0; i < n; i++) {
		struct virtq_packed_desc *desc = &d->packed[d->next_avail % RING_SIZE];

		desc->len = cpu_to_le32(d->len);
		desc->id = cpu_to_le16((uint16_t)(d->next_avail % RING_SIZE));
		__atomic_store_n(&desc->flags,
				 cpu_to_le16((uint16_t)(d->flags | (d->avail_wrap ? VIRTQ_AVAIL
										  : VIRTQ_USED))),
				 __ATOMIC_RELEASE);
		d->next_avail++;
		if (d->next_avail % RING_SIZE == 0)
			d->avail_wrap = !d->avail_wrap;
	}
	return n;
}

/* Takes back what was used. */
static unsigned driver_reap(struct driver *d)
{
	unsigned n = 0;

	if (d->layout == RING_SPLIT) {
		uint16_t used = le16_to_cpu(__atomic_load_n(&d->used->idx, __ATOMIC_ACQUIRE));

		n = (uint16_t)(used - d->next_used);
		d->next_used = used;
		return n;
	}
	while (d->next_used != d->next_avail) {
		uint16_t flags = le16_to_cpu(__atomic_load_n(
			&d->packed[d->next_used % RING_SIZE].flags, __ATOMIC_ACQUIRE));

		if (!!(flags & VIRTQ_AVAIL) != d->used_wrap ||
		    !!(flags & VIRTQ_USED) != d->used_wrap)
			break;
		d->next_used++;
		n++;
		if (d->next_used % RING_SIZE == 0)
			d->used_wrap = !d->used_wrap;
	}
	return n;
}

static void guest_init(struct guest *g, enum ring_layout layout, unsigned number, uint32_t frame)
{
	const struct port_vhost_config config = {
		.mem = &g->mem,
		.features = g->to.config.features,
		.ring = { &g->to.config, &g->from.config },
	};
	uint64_t gpa = 0x100000;
	uint8_t *at =
		mmap(NULL, SIDE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct guest_region region = { gpa, gpa, SIDE_BYTES, at };
	uint64_t buffers = gpa + 2 * RING_BYTES;

	if (at == MAP_FAILED || guest_mem_add(&g->mem, &region, NULL) < 0)
		fail("no memory");
	g->to = (struct driver){ .layout = layout,
				 .flags = VIRTQ_WRITE,
				 .len = (uint32_t)slot_size };
	g->from = (struct driver){ .layout = layout, .len = (uint32_t)HEADER + frame };
	driver_init(&g->to, at, gpa, buffers);
	driver_init(&g->from, at + RING_BYTES, gpa + RING_BYTES, buffers + RING_SIZE * slot_size);
	for (unsigned i = 0; i < RING_SIZE; i++) {
		uint8_t *data = at + 2 * RING_BYTES + (RING_SIZE + i) * slot_size + HEADER;

		memset(data, 7, frame);
		memcpy(data, (const uint8_t[]){ 2, 0, 0, 0, 0, (uint8_t)!number }, 6);
		memcpy(data + 6, (const uint8_t[]){ 2, 0, 0, 0, 0, (uint8_t)number }, 6);
		be16_store(data + 12, ETH_TYPE_IPV4);
	}
	if (port_vhost_open(&config, &g->port, NULL) < 0)
		fail("no port");
}

static struct path_hub hub;
static struct guest guests[2];

static void hub_init(struct worker *worker)
{
	static const struct fwd_lower lower = { .mtu = 65535, .up = true, .carrier = true };
	struct fwd_endpoint endpoints[2];
	struct path_table *table = NULL;
	struct fwd_table *fwd = NULL;

	hub.lower = (struct path_member){ .hub = &hub, .slot = FWD_NOBODY };
	for (unsigned i = 0; i < 2; i++) {
		struct guest *g = &guests[i];

		g->member = (struct path_member){ .hub = &hub, .slot = (uint16_t)i };
		g->attachment = (struct path_attachment){ .port = g->port,
							  .member = &g->member,
							  .poll_ns = PATH_POLL_NS };
		g->member.active = &g->attachment;
		endpoints[i] = (struct fwd_endpoint){ .slot = (uint16_t)i,
						      .mac = { { 2, 0, 0, 0, 0, (uint8_t)i } },
						      .mode = FWD_MODE_BRIDGE,
						      .up = true,
						      .mtu = 65535 };
	}
	if (fwd_table_new(&lower, endpoints, 2, 99, &fwd, NULL) < 0 ||
	    path_table_new(fwd, 2, &table, NULL) < 0)
		fail("no table");
	for (unsigned i = 0; i < 2; i++) {
		table->member[i] = &guests[i].member;
		if (worker_watch(worker, &guests[i].attachment, NULL) < 0)
			fail("cannot watch");
	}
	(void)path_publish_table(&hub, table);
}

/* Both guests' turn: returns the frames that arrived. */
static unsigned play(unsigned burst)
{
	unsigned n;

	(void)driver_reap(&guests[0].from);
	(void)driver_add(&guests[0].from, burst);
	n = driver_reap(&guests[1].to);
	(void)driver_add(&guests[1].to, n);
	return n;
}

static void pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The median of many short turns: whoever else runs on the machine disturbs
 * few of them.
 */
static void measure_alone(struct worker *worker, uint64_t duration)
{
	static double samples[1 << 16];
	uint64_t end = now_ns() + duration;
	size_t n = 0;

	worker_enter();
	while (now_ns() < end && n < ARRAY_SIZE(samples)) {
		unsigned frames = 0;
		uint64_t busy = 0;

		for (unsigned i = 0; i < 8; i++) {
			uint64_t start;

			frames += play(64);
			start = now_ns();
			(void)worker_round(worker);
			busy += now_ns() - start;
		}
		if (frames == 8 * 64)
			samples[n++] = (double)busy / frames;
	}
	worker_leave();
	qsort(samples, n, sizeof(*samples), compare);
	(void)printf("alone: %.1f ns a frame\n", n > 0 ? samples[n / 2] : 0);
}

static void measure_together(struct worker *worker, uint64_t duration)
{
	uint64_t frames = 0, start, now;

	pin(1);
	if (worker_start(worker, NULL) < 0)
		fail("no thread");
	pin(0);
	start = now = now_ns();
	while (now - start < duration) {
		for (unsigned i = 0; i < 64; i++)
			frames += play(RING_SIZE);
		now = now_ns();
	}
	(void)printf("together: %.2f Mframes/s, %.1f ns a frame, %.1f Gbit/s, lost %llu\n",
		     (double)frames * 1e3 / (double)(now - start),
		     (double)(now - start) / (double)frames,
		     (double)frames * (double)(guests[0].from.len - HEADER) * 8 /
			     (double)(now - start),
		     (unsigned long long)counter_read(
			     &guests[1].member.counters.drops_out[DROP_PEER_FULL]));
}

int main(int argc, char **argv)
{
	enum ring_layout layout =
		argc > 1 && strcmp(argv[1], "packed") == 0 ? RING_PACKED : RING_SPLIT;
	uint32_t frame = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 64;
	uint64_t duration = (argc > 3 ? strtoull(argv[3], NULL, 0) : 1) * 1000000000;
	struct worker *worker = NULL;

	while (slot_size < frame + HEADER)
		slot_size *= 2;
	for (unsigned i = 0; i < 2; i++)
		guest_init(&guests[i], layout, i, frame);
	if (worker_new(&worker, NULL) < 0)
		fail("no worker");
	hub_init(worker);
	(void)driver_add(&guests[1].to, RING_SIZE);
	(void)play(0);
	measure_alone(worker, duration);
	if (argc <= 4)
		measure_together(worker, duration);
	worker_free(worker);
	return 0;
}
