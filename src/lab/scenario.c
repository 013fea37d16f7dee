/* The list of scenarios, in the order in which --list shows them. */
#include "lab/scenarios.h"
#include <string.h>

const struct lab_scenario *const lab_scenarios[] = {
	&lab_connection,
	&lab_open,
	&lab_close,
	&lab_half_close,
	&lab_three_segment_close,
	&lab_server_closes_first,
	&lab_simultaneous_open,
	&lab_simultaneous_close,
	&lab_refused,
	&lab_abort,
	&lab_lost_syn,
	&lab_lost_syn_ack,
	&lab_lost_ack_of_syn,
	&lab_lost_fin,
	&lab_lost_last_ack,
	&lab_old_duplicate_syn,
	&lab_time_wait_reuse,
	&lab_syn_flood,
	&lab_zero_window,
	&lab_retransmission,
	&lab_reordering,
	&lab_fast_retransmit,
	&lab_sack_recovery,
	&lab_tail_loss_probe,
	&lab_spurious_rto_undone,
	&lab_path_mtu_black_hole,
	&lab_ecn,
	&lab_slow_start,
	&lab_cubic,
	&lab_bbr,
	&lab_peer_vanishes,
	&lab_keep_alive,
	&lab_user_timeout,
	&lab_fin_wait_2_orphan,
	&lab_challenge_ack,
	&lab_urgent,
	&lab_window_scale,
	NULL,
};

const struct lab_scenario *lab_scenario_by_name(const char *name)
{
	for (size_t i = 0; lab_scenarios[i] != NULL; i++)
		if (strcmp(lab_scenarios[i]->name, name) == 0)
			return lab_scenarios[i];
	return NULL;
}
