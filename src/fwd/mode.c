/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fwd/mode.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

const char *fwd_mode_name(enum fwd_mode mode)
{
	switch (mode) {
	case FWD_MODE_PRIVATE:
		return "private";
	case FWD_MODE_VEPA:
		return "vepa";
	case FWD_MODE_BRIDGE:
		return "bridge";
	case FWD_MODE_PASSTHRU:
		return "passthru";
	case FWD_MODE_SOURCE:
		return "source";
	}

	abort(); /* not an enum fwd_mode */
}

bool fwd_mode_parse(const char *name, enum fwd_mode *ret_mode)
{
	static const enum fwd_mode modes[] = {
		FWD_MODE_PRIVATE,  FWD_MODE_VEPA,   FWD_MODE_BRIDGE,
		FWD_MODE_PASSTHRU, FWD_MODE_SOURCE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(name, fwd_mode_name(modes[i])) == 0) {
			*ret_mode = modes[i];
			return true;
		}
	}

	return false;
}
