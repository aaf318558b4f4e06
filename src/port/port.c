/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/port.h"

#include <stdarg.h>
#include <stdio.h>

void port_fault(struct port *port, const char *fmt, ...)
{
	va_list args;

	if (port->faulty)
		return;

	va_start(args, fmt);
	(void)vsnprintf(port->fault, sizeof(port->fault), fmt, args);
	va_end(args);
	port->faulty = true;
}

struct port *port_close(struct port *port)
{
	if (port)
		port->ops->close(port);
	return NULL;
}
