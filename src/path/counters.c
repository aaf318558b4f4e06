/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "path/counters.h"

static void traffic_read(const struct path_traffic *from, struct path_traffic *ret_traffic)
{
	ret_traffic->frames = counter_read(&from->frames);
	ret_traffic->bytes = counter_read(&from->bytes);
	ret_traffic->groups = counter_read(&from->groups);
}

void path_counters_read(const struct path_counters *from, struct path_counters *ret_counters)
{
	traffic_read(&from->in, &ret_counters->in);
	traffic_read(&from->out, &ret_counters->out);
	for (int why = 0; why < DROP_COUNT; why++) {
		ret_counters->drops_in[why] = counter_read(&from->drops_in[why]);
		ret_counters->drops_out[why] = counter_read(&from->drops_out[why]);
	}
}
