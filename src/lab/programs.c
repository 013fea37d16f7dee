/* What the two programs of most scenarios do. */
#include "lab/scenarios.h"

const struct lab_step lab_opens_and_closes[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_CONNECTED, .after = 50 * MS, .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

const struct lab_step lab_uploads[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_CONNECTED, .after = 5 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .when = LAB_DRAINED, .after = 5 * MS, .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

const struct lab_step lab_closes_later[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_PEER_CLOSED, .after = 5 * MS, .act = LAB_CLOSE },
	{ .act = LAB_END },
};
