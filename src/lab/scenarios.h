/* The scenarios by name, for the list in scenario.c; what their files share. */
#ifndef LAB_SCENARIOS_H
#define LAB_SCENARIOS_H

#include "lab/scenario.h"

#define MS TERN_MILLISECOND
#define S  TERN_SECOND

enum { MBIT = 125000 }; /* bytes per second */

extern const struct lab_expectation lab_client_closed_first[]; /* the ordinary end of a connection */

/* programs.c: a client that opens, waits and closes; one that sends and closes; a server that closes after it */
extern const struct lab_step lab_opens_and_closes[], lab_uploads[], lab_closes_later[];

/* scenarios_life.c */
extern const struct lab_scenario lab_open, lab_close, lab_connection, lab_half_close, lab_three_segment_close,
	lab_server_closes_first, lab_simultaneous_open, lab_simultaneous_close, lab_refused, lab_abort;

/* scenarios_loss.c */
extern const struct lab_scenario lab_lost_syn, lab_lost_syn_ack, lab_lost_ack_of_syn, lab_lost_fin,
	lab_lost_last_ack, lab_retransmission, lab_reordering, lab_old_duplicate_syn, lab_time_wait_reuse;

/* scenarios_trouble.c */
extern const struct lab_scenario lab_syn_flood, lab_zero_window, lab_peer_vanishes, lab_keep_alive, lab_urgent,
	lab_user_timeout, lab_fin_wait_2_orphan, lab_challenge_ack, lab_window_scale;

/* scenarios_recovery.c */
extern const struct lab_scenario lab_fast_retransmit, lab_sack_recovery, lab_tail_loss_probe, lab_spurious_rto_undone,
	lab_path_mtu_black_hole, lab_ecn, lab_slow_start, lab_cubic, lab_bbr;

#endif
