/* tern/stats.h - counters of one host. Types only. Names as in RFC 4022 / RFC 4293 or Linux's
 * /proc/net/snmp and netstat (TcpExt) where one exists; otherwise Tern*.
 */
#ifndef TERN_STATS_H
#define TERN_STATS_H

#include <tern/watch.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tern_stats {
	/* Ip */
	uint64_t InReceives, InHdrErrors, InAddrErrors, InUnknownProtos, InDelivers;
	uint64_t OutRequests, OutNoRoutes, ReasmReqds, ReasmOKs, ReasmFails, ReasmTimeout;
	uint64_t FragOKs, FragFails, FragCreates;
	/* Icmp, both versions */
	uint64_t IcmpInMsgs, IcmpInErrors, IcmpInEchos, IcmpOutMsgs, IcmpOutEchoReps, IcmpOutErrors;
	uint64_t IcmpOutRateLimited;
	uint64_t Icmp6InNeighborSolicits, Icmp6InNeighborAdvertisements;
	uint64_t Icmp6InRouterSolicits, Icmp6OutRouterAdvertisements;
	uint64_t Icmp6OutNeighborSolicits, Icmp6OutNeighborAdvertisements;
	/* Udp (RFC 4113) */
	uint64_t UdpInDatagrams, UdpOutDatagrams, UdpInErrors, UdpNoPorts, UdpRcvbufErrors;
	/* Tcp (RFC 4022) */
	uint64_t ActiveOpens, PassiveOpens, AttemptFails, EstabResets, InSegs, OutSegs, RetransSegs;
	uint64_t InErrs, OutRsts, InCsumErrors;
	/* TcpExt */
	uint64_t SyncookiesSent, SyncookiesRecv, SyncookiesFailed, ListenOverflows, ListenDrops;
	uint64_t TW, TWRecycled, TCPTimeWaitOverflow, PAWSEstab, DelayedACKs;
	uint64_t TCPPureAcks, TCPTimeouts, TCPFastRetrans;
	uint64_t TCPDSACKOldSent, TCPDSACKOfoSent, TCPDSACKRecv, TCPDSACKOfoRecv, TCPSACKDiscard;
	uint64_t TCPDSACKIgnoredDubious; /* of more than was ever sent again */
	uint64_t TCPSlowStartRetrans, TCPLostRetransmit, TCPLossProbes, TCPLossProbeRecovery;
	uint64_t TCPSackRecovery, TCPRenoRecovery, TCPSackFailures, TCPRenoFailures, TCPLossFailures;
	uint64_t TCPSACKReneging, TCPSACKReorder, TCPTSReorder;
	uint64_t TCPFullUndo, TCPPartialUndo, TCPDSACKUndo, TCPLossUndo, TCPSpuriousRTOs;
	uint64_t TCPAbortOnData, TCPAbortOnClose, TCPAbortOnMemory, TCPAbortOnTimeout, TCPAbortOnLinger;
	uint64_t TCPMemoryPressures, TCPChallengeACK, TCPSYNChallenge, TCPACKSkippedChallenge;
	uint64_t TCPOFOQueue, TCPOFODrop, TCPKeepAlive, TCPWinProbe;
	uint64_t TCPFromZeroWindowAdv, TCPToZeroWindowAdv, TCPOrigDataSent, TCPDelivered, TCPZeroWindowDrop;
	uint64_t TCPPureAcksReceived, TCPDeliveredCE;
	uint64_t TCPMTUPFail, TCPMTUPSuccess; /* path MTU probes lost, and arrived (RFC 4821) */
	/* IpExt: the ECN field of the packets that segments came in (RFC 3168 5) */
	uint64_t InNoECTPkts, InECT1Pkts, InECT0Pkts, InCEPkts;
	/* Tern */
	uint64_t TernReplyOverflow;  /* RST or ACK without a connection that found no place to wait */
	uint64_t TernTimersUnarmed;  /* timers that had to be found by looking, memory being spent */
	uint64_t TernEcnAgreed;	     /* handshakes that agreed on ECN, of either kind */
	uint64_t TernEcnMangled;     /* connections whose path was found to meddle with it */
	uint64_t TernCongestionFallback; /* reno for want of memory for another controller's state */
	uint64_t TernHalfOpenExpired, TernLoopback, TernOptionsMalformed;
	uint64_t TernFrameErrors;    /* Ethernet: runts, impossible sources, a type that the packet belies */
	uint64_t TernFrameOthers;    /* Ethernet: not for us, our own, or a protocol that we do not speak */
	uint64_t TernArpIn, TernArpInErrors, TernArpOut;
	uint64_t TernNeighbourUnasked;	 /* answers of ARP or ND to no question of ours: ignored */
	uint64_t TernNeighbourConflicts; /* somebody else speaks with an address of ours */
	uint64_t TernNeighbourDrops;	 /* packets for which no neighbour was found */
	uint64_t TernNeighbourFull;	 /* neighbours for which there was no place */
	uint64_t TernVerdict[TERN_VERDICTS];
	/* Gauges */
	uint64_t CurrEstab, TernConnections, TernHalfOpen, TernTimeWait, TernListeners;
	uint64_t TernMemory, TernMemoryPeak, TernMemoryLimit; /* bytes */
};

/* One counter by number: its name ("TcpExt" names without prefix) and value. False past the last.
 * Verdicts come as "TernVerdict/<name>". */
bool tern_stats_at(const struct tern_stats *stats, size_t i, const char **name, uint64_t *value);

#ifdef __cplusplus
}
#endif

#endif
