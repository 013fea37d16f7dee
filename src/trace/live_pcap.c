#include "trace/live.h"

#include <pcap/pcap.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* Headers and options are enough: 60 of IPv6's, 60 of TCP's, and what stands before and between. */
enum { SNAPLEN = 256, WAIT_MS = 200, BUFFER = 16 << 20 };

struct trace_live {
	pcap_t	*pcap;
	uint64_t packets;
	bool	 nanoseconds;
};

static struct trace_live *failed(struct trace_live *live, char why[TRACE_WHY], const char *text)
{
	(void)snprintf(why, TRACE_WHY, "%s", text);
	trace_live_close(live);
	return NULL;
}

static bool set_filter(pcap_t *pcap, const char *filter)
{
	struct bpf_program program;

	if (pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
		return false;

	const int result = pcap_setfilter(pcap, &program);

	pcap_freecode(&program);
	return result == 0;
}

struct trace_live *trace_live_open(const char *device, const char *filter, char why[TRACE_WHY])
{
	char			 error[PCAP_ERRBUF_SIZE] = "";
	struct trace_live *const live = calloc(1, sizeof *live);

	if (!live)
		return failed(live, why, "no memory");
	live->pcap = pcap_create(device, error);
	if (!live->pcap)
		return failed(live, why, error);
	(void)pcap_set_snaplen(live->pcap, SNAPLEN);
	(void)pcap_set_timeout(live->pcap, WAIT_MS);
	(void)pcap_set_buffer_size(live->pcap, BUFFER);
	live->nanoseconds = pcap_set_tstamp_precision(live->pcap, PCAP_TSTAMP_PRECISION_NANO) == 0;

	const int result = pcap_activate(live->pcap);

	if (result < 0) {
		const char *const more = pcap_geterr(live->pcap);

		return failed(live, why, *more ? more : pcap_statustostr(result));
	}
	/* Some kinds of capture wait for a packet however long: the wait is ours. */
	if (pcap_setnonblock(live->pcap, 1, error) != 0)
		return failed(live, why, error);
	if (!set_filter(live->pcap, filter ? filter : "tcp or ip6 or vlan or (ip[6:2] & 0x1fff != 0)") &&
	    filter)
		return failed(live, why, pcap_geterr(live->pcap));
	return live;
}

void trace_live_close(struct trace_live *live)
{
	if (live && live->pcap)
		pcap_close(live->pcap);
	free(live);
}

int trace_live_next(struct trace_live *live, struct trace_packet *packet, char why[TRACE_WHY])
{
	struct pcap_pkthdr *header;
	const u_char	   *bytes;
	int		    result = pcap_next_ex(live->pcap, &header, &bytes);

	if (result == 0) {
		struct pollfd fd = { .fd = pcap_get_selectable_fd(live->pcap), .events = POLLIN };

		(void)poll(&fd, fd.fd >= 0, WAIT_MS);
		result = pcap_next_ex(live->pcap, &header, &bytes);
	}
	if (result == 0 || result == PCAP_ERROR_BREAK)
		return 0;
	if (result < 0) {
		(void)snprintf(why, TRACE_WHY, "%s", pcap_geterr(live->pcap));
		return -1;
	}
	*packet = (struct trace_packet){
		.at = header->ts.tv_sec * TERN_SECOND +
		      header->ts.tv_usec * (live->nanoseconds ? 1 : TERN_MICROSECOND),
		.number = ++live->packets,
		.bytes = bytes,
		.n = header->caplen,
		.len = header->len,
		.link = (uint16_t)pcap_datalink(live->pcap),
	};
	return 1;
}

uint64_t trace_live_dropped(struct trace_live *live)
{
	struct pcap_stat stat;

	return pcap_stats(live->pcap, &stat) == 0 ? stat.ps_drop : 0;
}
