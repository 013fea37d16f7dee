#include <tern/types.h>

const char *tern_state_name(enum tern_state state)
{
	static const char *const names[TERN_STATES] = {
		[TERN_STATE_CLOSED] = "CLOSED",
		[TERN_STATE_LISTEN] = "LISTEN",
		[TERN_STATE_SYN_SENT] = "SYN-SENT",
		[TERN_STATE_SYN_RECEIVED] = "SYN-RECEIVED",
		[TERN_STATE_ESTABLISHED] = "ESTABLISHED",
		[TERN_STATE_FIN_WAIT_1] = "FIN-WAIT-1",
		[TERN_STATE_FIN_WAIT_2] = "FIN-WAIT-2",
		[TERN_STATE_CLOSE_WAIT] = "CLOSE-WAIT",
		[TERN_STATE_CLOSING] = "CLOSING",
		[TERN_STATE_LAST_ACK] = "LAST-ACK",
		[TERN_STATE_TIME_WAIT] = "TIME-WAIT",
	};

	return (unsigned)state < TERN_STATES ? names[state] : "?";
}
