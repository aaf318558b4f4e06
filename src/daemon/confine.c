/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/confine.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>

#include <cap-ng.h>

int confine(struct err *err)
{
	static const unsigned wanted[] = { CAP_NET_RAW, CAP_NET_ADMIN };
	bool kept[ARRAY_SIZE(wanted)];

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, errno, "cannot renounce new privileges: %s", strerror(errno));

	if (capng_get_caps_process() < 0)
		return err_set(err, EIO, "cannot read the process's capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		kept[i] = capng_have_capability(CAPNG_PERMITTED, wanted[i]);

	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (kept[i])
			(void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, wanted[i]);
	}
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return err_set(err, EPERM, "cannot give up capabilities");
	return 0;
}
