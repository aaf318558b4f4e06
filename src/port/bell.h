/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals somebody else's eventfd, and never waits for it. */
#ifndef PORT_BELL_H
#define PORT_BELL_H

/* Adds one to the eventfd 'fd'. If its counter is full already, that is no
 * matter: there is enough to wake up for. Worker.
 */
void bell_ring(int fd);

#endif
