/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forwarding decisions
 * ====================
 *
 * What it is. Given the sender and the first bytes of a frame, decide who gets
 * it. Nothing here reads a clock, allocates, logs or makes a system call: it
 * is a function from (table, frame) to verdict, which is why it can be tested
 * exhaustively (fwd_test.c walks the spec's matrix) and compared with the
 * running kernel (tests/oracle).
 *
 * Where it sits. path/ calls it for each frame of a burst; ctl/ builds the
 * table.
 *
 * Invariants. The order of the tests is the driver's: source lists first, then
 * groups, then unicast. Modes are tested nowhere else in Limpet.
 *
 * Two decisions differ from the driver, on purpose; docs/differences.md:
 * private endpoints never hear each other, and group frames reach all
 * endpoints of the right mode (nobody keeps group lists for a hypervisor).
 */
#include "fwd/verdict.h"

#include "wire/eth.h"

/* What a device forwards above its MTU: Ethernet header and one VLAN tag,
 * there or not (R2.50).
 */
#define SLACK (ETH_HEADER_LEN + ETH_VLAN_LEN)

static struct mac destination(const struct fwd_frame *frame)
{
	return mac_load(frame->head);
}

static struct mac source(const struct fwd_frame *frame)
{
	return mac_load(frame->head + 6);
}

/* The shortest frame with a tag that a device of the kernel receives: it takes
 * the tag out, and wants the ethertype behind it and two bytes more
 * (skb_vlan_untag()).
 */
#define TAGGED_MIN (ETH_HEADER_LEN + ETH_VLAN_LEN + 2)

static bool is_cut_tag(const struct fwd_frame *frame)
{
	return frame->len < TAGGED_MIN && eth_type_is_vlan(be16_load(frame->head + 12));
}

/* Would a device of this MTU receive the frame? Asked for copies that do not
 * pass one here, but do in the driver.
 */
static bool fits(const struct fwd_frame *frame, uint32_t mtu)
{
	return frame->is_gso || (frame->len <= mtu + SLACK && !is_cut_tag(frame));
}

static void verdict_init(struct fwd_verdict *verdict)
{
	*verdict = (struct fwd_verdict){
		.unicast = FWD_NOBODY,
		.except = FWD_NOBODY,
		.denied = FWD_NOBODY,
		.why = DROP_COUNT,
	};
}

static void deny(struct fwd_verdict *verdict, uint16_t slot, enum drop why)
{
	verdict->denied = slot;
	verdict->why = why;
}

/* Is a frame from the wire a pause frame? The kernel takes one VLAN tag off
 * before it asks (R2.54).
 */
static bool is_pause_from_wire(const struct fwd_frame *frame)
{
	uint16_t type = be16_load(frame->head + 12);

	if (eth_type_is_vlan(type))
		type = be16_load(frame->head + 16);
	return type == ETH_TYPE_PAUSE;
}

/* R2.15: a group frame is classified by who seems to have sent it. */
static void group_from_wire(const struct fwd_table *table, const struct fwd_frame *frame,
			    struct fwd_verdict *verdict)
{
	uint16_t sender = fwd_table_find(table, source(frame));
	unsigned modes = FWD_MODE_PRIVATE | FWD_MODE_VEPA | FWD_MODE_BRIDGE | FWD_MODE_PASSTHRU;

	if (sender != FWD_NOBODY) {
		switch (fwd_table_mode(table, sender)) {
		case FWD_MODE_PRIVATE:
			deny(verdict, sender, DROP_PRIVATE_SIBLING);
			return;
		case FWD_MODE_PASSTHRU:
		case FWD_MODE_SOURCE:
			verdict->unicast = sender;
			return;
		case FWD_MODE_VEPA:
			modes = FWD_MODE_VEPA | FWD_MODE_BRIDGE;
			break;
		case FWD_MODE_BRIDGE:
			/* The other bridge endpoints had it when it was sent. */
			modes = FWD_MODE_VEPA;
			break;
		}
	}

	if (!is_pause_from_wire(frame))
		verdict->group_modes = (uint8_t)modes;
	verdict->except = sender;
	verdict->host = true;
}

/* R2.11 to R2.13, R2.16, R2.17. */
static void unicast_from_wire(const struct fwd_table *table, const struct fwd_frame *frame,
			      struct fwd_verdict *verdict)
{
	uint16_t owner = fwd_table_passthru(table);

	if (owner != FWD_NOBODY) {
		if (fwd_table_is_up(table, owner))
			verdict->unicast = owner;
		else
			verdict->why = DROP_ENDPOINT_DOWN;
		return;
	}

	owner = fwd_table_find(table, destination(frame));
	if (owner == FWD_NOBODY || fwd_table_mode(table, owner) == FWD_MODE_SOURCE) {
		verdict->host = true;
		return;
	}

	if (fwd_table_mode(table, owner) == FWD_MODE_PRIVATE &&
	    fwd_table_find(table, source(frame)) != FWD_NOBODY)
		deny(verdict, owner, DROP_PRIVATE_SIBLING);
	else
		verdict->unicast = owner;
}

void fwd_from_wire(const struct fwd_table *table, const struct fwd_frame *frame,
		   struct fwd_verdict *ret_verdict)
{
	struct fwd_verdict *verdict = ret_verdict;
	bool has_listeners;

	verdict_init(verdict);

	/* R2.10: source lists come before everything else. */
	verdict->listeners = fwd_table_listeners(table, source(frame));
	has_listeners = verdict->listeners && verdict->listeners->n > 0;
	if (verdict->listeners && verdict->listeners->nodst) {
		if (!has_listeners)
			verdict->why = DROP_NODST;
		return;
	}

	if (mac_is_group(destination(frame)))
		group_from_wire(table, frame, verdict);
	else
		unicast_from_wire(table, frame, verdict);

	/* A lower without a host behind it: what only the host would get ends
	 * here.
	 */
	if (verdict->host && !fwd_table_lower(table)->has_host) {
		verdict->host = false;
		if (!verdict->group_modes && !has_listeners)
			verdict->why = DROP_NO_OWNER;
	}
}

/* R2.6: a frame between two bridge endpoints passes the lower's receive path,
 * with what that means for sizes and source lists.
 */
static void bridge_to_bridge(const struct fwd_table *table, uint16_t receiver,
			     const struct fwd_frame *frame, struct fwd_verdict *verdict)
{
	if (!fits(frame, fwd_table_lower(table)->mtu)) {
		deny(verdict, receiver, is_cut_tag(frame) ? DROP_RUNT : DROP_OVERSIZE);
		return;
	}

	fwd_from_wire(table, frame, verdict);
	if (verdict->why == DROP_NODST)
		deny(verdict, receiver, DROP_NODST);
}

static void from_bridge_endpoint(const struct fwd_table *table, uint16_t sender,
				 const struct fwd_frame *frame, struct fwd_verdict *verdict)
{
	uint16_t receiver;

	if (mac_is_group(destination(frame))) {
		/* R2.3, R2.7: a pause frame goes to the wire alone. */
		if (be16_load(frame->head + 12) != ETH_TYPE_PAUSE)
			verdict->group_modes = FWD_MODE_BRIDGE;
		verdict->group_by_mtu = true;
		verdict->except = sender;
		verdict->wire = true;
		return;
	}

	/* R2.2 */
	receiver = fwd_table_find(table, destination(frame));
	if (receiver != FWD_NOBODY && fwd_table_mode(table, receiver) == FWD_MODE_BRIDGE)
		bridge_to_bridge(table, receiver, frame, verdict);
	else
		verdict->wire = true;
}

void fwd_from_endpoint(const struct fwd_table *table, uint16_t slot, const struct fwd_frame *frame,
		       struct fwd_verdict *ret_verdict)
{
	const struct fwd_lower *lower = fwd_table_lower(table);

	verdict_init(ret_verdict);

	/* R2.8 */
	if (!fwd_table_is_up(table, slot)) {
		ret_verdict->why = DROP_ENDPOINT_DOWN;
		return;
	}
	if (!lower->up || !lower->carrier) {
		ret_verdict->why = DROP_NO_CARRIER;
		return;
	}

	switch (fwd_table_mode(table, slot)) {
	case FWD_MODE_BRIDGE:
		from_bridge_endpoint(table, slot, frame, ret_verdict);
		return;
	case FWD_MODE_PRIVATE:
	case FWD_MODE_VEPA:
	case FWD_MODE_PASSTHRU:
	case FWD_MODE_SOURCE:
		/* R2.1 */
		ret_verdict->wire = true;
		return;
	}
}

bool fwd_member_takes(const struct fwd_table *table, const struct fwd_verdict *verdict,
		      const struct fwd_frame *frame, uint16_t slot)
{
	if (slot == verdict->except)
		return false;
	return !verdict->group_by_mtu || fits(frame, fwd_table_mtu(table, slot));
}
