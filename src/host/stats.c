/* Counters by name (tern/stats.h): in the order of the struct, the verdicts after the rest. */
#include <tern/stats.h>

#include <stddef.h>

struct counter {
	const char *name;
	size_t	    at;
};

/* The name is the field's own: a macro is the one way to write it once. */
#define COUNTER(field) { #field, offsetof(struct tern_stats, field) }

static const struct counter counters[] = {
	COUNTER(InReceives), COUNTER(InHdrErrors), COUNTER(InAddrErrors), COUNTER(InUnknownProtos),
	COUNTER(InDelivers), COUNTER(OutRequests), COUNTER(OutNoRoutes),
	COUNTER(ReasmReqds), COUNTER(ReasmOKs), COUNTER(ReasmFails), COUNTER(ReasmTimeout),
	COUNTER(FragOKs), COUNTER(FragFails), COUNTER(FragCreates), COUNTER(IcmpInMsgs),
	COUNTER(IcmpInErrors), COUNTER(IcmpInEchos), COUNTER(IcmpOutMsgs), COUNTER(IcmpOutEchoReps),
	COUNTER(IcmpOutErrors), COUNTER(IcmpOutRateLimited),
	COUNTER(Icmp6InNeighborSolicits), COUNTER(Icmp6InNeighborAdvertisements),
	COUNTER(Icmp6InRouterSolicits), COUNTER(Icmp6OutRouterAdvertisements),
	COUNTER(Icmp6OutNeighborSolicits), COUNTER(Icmp6OutNeighborAdvertisements),
	COUNTER(UdpInDatagrams), COUNTER(UdpOutDatagrams), COUNTER(UdpInErrors), COUNTER(UdpNoPorts),
	COUNTER(UdpRcvbufErrors), COUNTER(ActiveOpens), COUNTER(PassiveOpens),
	COUNTER(AttemptFails), COUNTER(EstabResets), COUNTER(InSegs), COUNTER(OutSegs),
	COUNTER(RetransSegs), COUNTER(InErrs), COUNTER(OutRsts), COUNTER(InCsumErrors),
	COUNTER(SyncookiesSent), COUNTER(SyncookiesRecv), COUNTER(SyncookiesFailed),
	COUNTER(ListenOverflows), COUNTER(ListenDrops), COUNTER(TW), COUNTER(TWRecycled),
	COUNTER(TCPTimeWaitOverflow), COUNTER(PAWSEstab), COUNTER(DelayedACKs),
	COUNTER(TCPPureAcks), COUNTER(TCPTimeouts), COUNTER(TCPFastRetrans),
	COUNTER(TCPDSACKOldSent),
	COUNTER(TCPDSACKOfoSent), COUNTER(TCPDSACKRecv), COUNTER(TCPDSACKOfoRecv), COUNTER(TCPSACKDiscard),
	COUNTER(TCPDSACKIgnoredDubious), COUNTER(TCPSlowStartRetrans), COUNTER(TCPLostRetransmit),
	COUNTER(TCPLossProbes), COUNTER(TCPLossProbeRecovery), COUNTER(TCPSackRecovery),
	COUNTER(TCPRenoRecovery), COUNTER(TCPSackFailures), COUNTER(TCPRenoFailures),
	COUNTER(TCPLossFailures), COUNTER(TCPSACKReneging), COUNTER(TCPSACKReorder), COUNTER(TCPTSReorder),
	COUNTER(TCPFullUndo), COUNTER(TCPPartialUndo), COUNTER(TCPDSACKUndo), COUNTER(TCPLossUndo),
	COUNTER(TCPSpuriousRTOs), COUNTER(TCPAbortOnData),
	COUNTER(TCPAbortOnClose), COUNTER(TCPAbortOnMemory), COUNTER(TCPAbortOnTimeout),
	COUNTER(TCPAbortOnLinger), COUNTER(TCPMemoryPressures),
	COUNTER(TCPChallengeACK), COUNTER(TCPSYNChallenge), COUNTER(TCPACKSkippedChallenge),
	COUNTER(TCPOFOQueue), COUNTER(TCPOFODrop),
	COUNTER(TCPKeepAlive), COUNTER(TCPWinProbe), COUNTER(TCPFromZeroWindowAdv),
	COUNTER(TCPToZeroWindowAdv), COUNTER(TCPOrigDataSent), COUNTER(TCPDelivered),
	COUNTER(TCPMTUPFail), COUNTER(TCPMTUPSuccess),
	COUNTER(TCPZeroWindowDrop), COUNTER(TCPPureAcksReceived), COUNTER(TCPDeliveredCE),
	COUNTER(InNoECTPkts), COUNTER(InECT1Pkts), COUNTER(InECT0Pkts), COUNTER(InCEPkts),
	COUNTER(TernReplyOverflow),
	COUNTER(TernTimersUnarmed), COUNTER(TernEcnAgreed), COUNTER(TernEcnMangled), COUNTER(TernCongestionFallback),
	COUNTER(TernHalfOpenExpired), COUNTER(TernLoopback),
	COUNTER(TernOptionsMalformed), COUNTER(TernFrameErrors), COUNTER(TernFrameOthers),
	COUNTER(TernArpIn), COUNTER(TernArpInErrors), COUNTER(TernArpOut), COUNTER(TernNeighbourUnasked),
	COUNTER(TernNeighbourConflicts), COUNTER(TernNeighbourDrops), COUNTER(TernNeighbourFull),
	COUNTER(CurrEstab), COUNTER(TernConnections), COUNTER(TernHalfOpen),
	COUNTER(TernTimeWait), COUNTER(TernListeners), COUNTER(TernMemory), COUNTER(TernMemoryPeak),
	COUNTER(TernMemoryLimit),
};

enum { COUNTERS = sizeof counters / sizeof counters[0] };

/* "TernVerdict/<name>", by the verdict's number. */
static const char *const verdicts[] = {
	[TERN_VERDICT_ACCEPTED] = "TernVerdict/accepted",
	[TERN_VERDICT_DUPLICATE] = "TernVerdict/duplicate",
	[TERN_VERDICT_OUT_OF_ORDER] = "TernVerdict/out-of-order",
	[TERN_VERDICT_OUT_OF_WINDOW] = "TernVerdict/out-of-window",
	[TERN_VERDICT_PAWS] = "TernVerdict/paws",
	[TERN_VERDICT_NO_TIMESTAMP] = "TernVerdict/no-timestamp",
	[TERN_VERDICT_BAD_ACK] = "TernVerdict/bad-ack",
	[TERN_VERDICT_OLD_ACK] = "TernVerdict/old-ack",
	[TERN_VERDICT_NO_ACK] = "TernVerdict/no-ack",
	[TERN_VERDICT_NO_SYN] = "TernVerdict/no-syn",
	[TERN_VERDICT_RESET] = "TernVerdict/reset",
	[TERN_VERDICT_REFUSED] = "TernVerdict/refused",
	[TERN_VERDICT_BLIND_RESET] = "TernVerdict/blind-reset",
	[TERN_VERDICT_STRAY_RESET] = "TernVerdict/stray-reset",
	[TERN_VERDICT_BLIND_SYN] = "TernVerdict/blind-syn",
	[TERN_VERDICT_DUPLICATE_SYN] = "TernVerdict/duplicate-syn",
	[TERN_VERDICT_NEW_CONNECTION] = "TernVerdict/new-connection",
	[TERN_VERDICT_NO_CONNECTION] = "TernVerdict/no-connection",
	[TERN_VERDICT_BACKLOG_FULL] = "TernVerdict/backlog-full",
	[TERN_VERDICT_COOKIE_SENT] = "TernVerdict/cookie-sent",
	[TERN_VERDICT_COOKIE_ACCEPTED] = "TernVerdict/cookie-accepted",
	[TERN_VERDICT_COOKIE_BAD] = "TernVerdict/cookie-bad",
	[TERN_VERDICT_NOT_ALLOWED] = "TernVerdict/not-allowed",
	[TERN_VERDICT_WAITING] = "TernVerdict/waiting",
	[TERN_VERDICT_TIME_WAIT] = "TernVerdict/time-wait",
	[TERN_VERDICT_TIME_WAIT_REUSED] = "TernVerdict/time-wait-reused",
	[TERN_VERDICT_TEXT_AFTER_CLOSE] = "TernVerdict/text-after-close",
	[TERN_VERDICT_NO_MEMORY] = "TernVerdict/no-memory",
	[TERN_VERDICT_MALFORMED] = "TernVerdict/malformed",
	[TERN_VERDICT_BAD_CHECKSUM] = "TernVerdict/bad-checksum",
	[TERN_VERDICT_BAD_ADDRESS] = "TernVerdict/bad-address",
};

_Static_assert(sizeof verdicts / sizeof verdicts[0] == TERN_VERDICTS, "a verdict has no name");
_Static_assert(sizeof(struct tern_stats) == (COUNTERS + TERN_VERDICTS) * sizeof(uint64_t), "a counter has no name");

bool tern_stats_at(const struct tern_stats *stats, size_t i, const char **name, uint64_t *value)
{
	if (i < COUNTERS) {
		*name = counters[i].name;
		*value = *(const uint64_t *)(const void *)((const char *)stats + counters[i].at);
		return true;
	}
	if (i - COUNTERS >= TERN_VERDICTS)
		return false;
	*name = verdicts[i - COUNTERS];
	*value = stats->TernVerdict[i - COUNTERS];
	return true;
}
