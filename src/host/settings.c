/* The table of settings (tern/settings.h): a name, where its value lies in struct tern_config, and what three stacks
 * have it at. Reading and writing of values is in settings_value.c.
 *
 * Linux: Documentation/networking/ip-sysctl.rst and include/net/tcp.h of 6.1. Its windows are half of tcp_rmem
 * (tcp_adv_win_scale 1), so what it begins with stands here as what it offers; what it grows to decides the window
 * scale and stands as it is. FreeBSD: tcp(4) and sys/netinet of 14. Its RTO has rexmit_slop (200 ms) above rexmit_min
 * (30 ms), and 12 time-outs of at most 64 s each; it scales by kern.ipc.maxsockbuf, 2 MiB.
 */
#include "host/settings.h"
#include "base/bytes.h"

#define IN(field) offsetof(struct tern_config, field)

static const struct setting settings[] = {
	{ { "net.ipv4.ip_default_ttl", TERN_SETTING_NUMBER, "hops", 1, 255,
	    "TTL and hop limit of what is sent", false },
	  STORE_U8, IN(ttl), { "64", "64", "64" } },
	{ { "net.ipv4.ip_local_port_range", TERN_SETTING_PORTS, "", 1, 65535,
	    "ephemeral ports (RFC 6056)", false },
	  STORE_PORTS, 0, { "49152 65535", "32768 60999", "1024 65535" } },
	{ { "net.ipv4.ip_no_pmtu_disc", TERN_SETTING_SWITCH, "", 0, 1,
	    "1: no path MTU discovery (RFC 1191, 8201)", false },
	  STORE_ON, IN(no_path_mtu_discovery), { "0", "0", "0" } },
	{ { "net.ipv4.ipfrag_time", TERN_SETTING_NUMBER, "s", 1, 3600,
	    "how long fragments wait for the rest", false },
	  STORE_S, IN(reassembly_timeout), { "30", "30", "60" } },
	{ { "net.ipv4.tcp_congestion_control", TERN_SETTING_WORD, "", 0, 0,
	    "cubic, reno, bbr, dctcp or prague", false },
	  STORE_CONTROLLER, IN(congestion_control), { "cubic", "cubic", "reno" } },
	{ { "net.ipv4.tcp_dsack", TERN_SETTING_SWITCH, "", 0, 1,
	    "duplicates are reported (RFC 2883)", false },
	  STORE_OFF, IN(no_dsack), { "1", "1", "1" } },
	{ { "net.ipv4.tcp_early_retrans", TERN_SETTING_NUMBER, "", 0, 4,
	    "0: no tail loss probes (RFC 8985 7); 3: with", false },
	  STORE_OFF, IN(no_tlp), { "0", "3", "3" } },
	{ { "net.ipv4.tcp_ecn", TERN_SETTING_NUMBER, "", 0, 3,
	    "ECN: 0 none, 1 offered and accepted (RFC 3168), 2 accepted, 3 accurate (RFC 9768)", false },
	  STORE_ECN, IN(ecn), { "2", "2", "2" } },
	{ { "net.ipv4.tcp_fin_timeout", TERN_SETTING_NUMBER, "s", 1, 86400,
	    "FIN-WAIT-2 and the like once nobody holds the connection", false },
	  STORE_S, IN(orphan_timeout), { "60", "60", "86400" } },
	{ { "net.ipv4.tcp_frto", TERN_SETTING_NUMBER, "", 0, 2, "0: no F-RTO (RFC 5682); 2: with", false },
	  STORE_OFF, IN(no_frto), { "0", "2", "2" } },
	{ { "net.ipv4.tcp_keepalive_intvl", TERN_SETTING_NUMBER, "s", 1, 32767,
	    "between keep-alive probes", false },
	  STORE_S, IN(keepalive_interval), { "75", "75", "75" } },
	{ { "net.ipv4.tcp_keepalive_probes", TERN_SETTING_NUMBER, "probes", 1, 127,
	    "unanswered keep-alives that end a connection", false },
	  STORE_U8, IN(keepalive_probes), { "8", "9", "9" } },
	{ { "net.ipv4.tcp_keepalive_time", TERN_SETTING_NUMBER, "s", 1, 32767,
	    "silence before the first keep-alive (MUST-28)", false },
	  STORE_S, IN(keepalive_idle), { "7200", "7200", "7200" } },
	{ { "net.ipv4.tcp_max_syn_backlog", TERN_SETTING_NUMBER, "entries", 1, (1 << 30) - 1,
	    "half-open connections of all listeners", true },
	  STORE_U32, IN(half_open_max), { 0 } },
	{ { "net.ipv4.tcp_max_tw_buckets", TERN_SETTING_NUMBER, "entries", 1, (1 << 30) - 1,
	    "in TIME-WAIT", true },
	  STORE_U32, IN(time_wait_max), { 0 } },
	{ { "net.ipv4.tcp_min_snd_mss", TERN_SETTING_NUMBER, "bytes", 28, 1460,
	    "a peer's smaller MSS counts as this", false },
	  STORE_U16, IN(mss_floor), { "216", "48", "28" } },
	{ { "net.ipv4.tcp_moderate_rcvbuf", TERN_SETTING_SWITCH, "", 0, 1,
	    "receive buffers grow with the path", false },
	  STORE_OFF, IN(no_receive_tuning), { "1", "1", "1" } },
	{ { "net.ipv4.tcp_mtu_probing", TERN_SETTING_NUMBER, "", 0, 2,
	    "path MTU by probes (RFC 4821): 0 never, 1 once large segments vanish, 2 always", false },
	  STORE_MTU_PROBING, IN(mtu_probing), { "0", "0", "1" } },
	{ { "net.ipv4.tcp_recovery", TERN_SETTING_NUMBER, "", 0, 1,
	    "1: losses by RACK (RFC 8985), 0: by counting (RFC 6675)", false },
	  STORE_OFF, IN(sack_counting), { "0", "1", "1" } },
	{ { "net.ipv4.tcp_reordering", TERN_SETTING_NUMBER, "segments", 1, 255,
	    "duplicate ACKs that mean a loss", false },
	  STORE_U8, IN(dup_ack_threshold), { "3", "3", "3" } },
	{ { "net.ipv4.tcp_retries1", TERN_SETTING_NUMBER, "retransmissions", 1, 255,
	    "R1: then advice is given (SHLD-9)", false },
	  STORE_U8, IN(r1), { "3", "3", "3" } },
	{ { "net.ipv4.tcp_retries2", TERN_SETTING_NUMBER, "retransmissions", 2, 255,
	    "R2 as Linux counts it: so many from an RTO of 200 ms; tern.r2_s in seconds", false },
	  STORE_RETRIES2, IN(r2), { 0 } },
	{ { "net.ipv4.tcp_rmem", TERN_SETTING_SIZES, "bytes", 1, 1 << 30,
	    "receive buffer: least, first, most", false },
	  STORE_RMEM, 0, { "4096 65536 2097152", "4096 65536 6291456", "4096 262144 134215680" } },
	{ { "net.ipv4.tcp_rto_max_ms", TERN_SETTING_NUMBER, "ms", 1, 3600000,
	    "longest RTO (RFC 6298 2.5)", false },
	  STORE_MS, IN(rto_max), { "64000", "120000", "60000" } },
	{ { "net.ipv4.tcp_rto_min_us", TERN_SETTING_NUMBER, "us", 1000, 3600000000,
	    "shortest RTO (RFC 6298 2.4)", false },
	  STORE_US, IN(rto_min), { "230000", "200000", "1000000" } },
	{ { "net.ipv4.tcp_sack", TERN_SETTING_SWITCH, "", 0, 1,
	    "selective acknowledgments (RFC 2018)", false },
	  STORE_OFF, IN(no_sack), { "1", "1", "1" } },
	{ { "net.ipv4.tcp_syn_retries", TERN_SETTING_NUMBER, "retransmissions", 1, 127,
	    "SYNs that are sent again, from the initial RTO as it stands; tern.r2_syn_s in seconds", false },
	  STORE_SYN_RETRIES, IN(r2_syn), { 0 } },
	{ { "net.ipv4.tcp_synack_retries", TERN_SETTING_NUMBER, "retransmissions", 1, 31,
	    "SYN-ACKs to a peer that has proved nothing yet", false },
	  STORE_U8, IN(syn_ack_retries), { "3", "5", "7" } },
	{ { "net.ipv4.tcp_syncookies", TERN_SETTING_SWITCH, "", 0, 1,
	    "SYN cookies once half-open entries run out", false },
	  STORE_OFF, IN(no_syn_cookies), { "1", "1", "1" } },
	{ { "net.ipv4.tcp_timestamps", TERN_SETTING_SWITCH, "", 0, 1, "timestamps (RFC 7323 3)", false },
	  STORE_OFF, IN(no_timestamps), { "1", "1", "1" } },
	{ { "net.ipv4.tcp_window_scaling", TERN_SETTING_SWITCH, "", 0, 1,
	    "window scale (RFC 7323 2)", false },
	  STORE_OFF, IN(no_window_scale), { "1", "1", "1" } },
	{ { "net.ipv4.tcp_wmem", TERN_SETTING_SIZES, "bytes", 1, 1 << 30,
	    "send buffer: least, first, most; the last counts", false },
	  STORE_WMEM, 0, { "2048 32768 2097152", "4096 16384 4194304", "4096 65536 134217728" } },
	{ { "tern.challenge_acks", TERN_SETTING_NUMBER, "each second", 1, 15,
	    "challenge ACKs of a connection (RFC 5961 7)", false },
	  STORE_U8, IN(challenge_acks), { "5", "2", "2" } },
	{ { "tern.connections_max", TERN_SETTING_NUMBER, "connections", 1, (1 << 30) - 1, "at once", true },
	  STORE_U32, IN(connections_max), { 0 } },
	{ { "tern.delayed_ack", TERN_SETTING_SWITCH, "", 0, 1, "ACKs wait for company (SHLD-18)", false },
	  STORE_OFF, IN(no_delayed_ack), { "1", "1", "1" } },
	{ { "tern.delayed_ack_ms", TERN_SETTING_NUMBER, "ms", 1, 499, "how long at most (MUST-40)", false },
	  STORE_MS, IN(delayed_ack), { "40", "40", "200" } },
	{ { "tern.initial_window", TERN_SETTING_NUMBER, "segments", 1, 255,
	    "congestion window to begin with (RFC 6928; RFC 5681 3.1: 3 of 1460 bytes)", false },
	  STORE_U8, IN(initial_window), { "10", "10", "3" } },
	{ { "tern.memory_limit", TERN_SETTING_NUMBER, "bytes", 65536, INT64_C(1) << 31,
	    "of the whole host", true },
	  STORE_SIZE, IN(memory_limit), { 0 } },
	{ { "tern.msl_ms", TERN_SETTING_NUMBER, "ms", 1, 3600000,
	    "TIME-WAIT lasts two of it (RFC 9293 3.4.2)", false },
	  STORE_MS, IN(msl), { "30000", "30000", "120000" } },
	{ { "tern.packets", TERN_SETTING_NUMBER, "packets", 1, 1 << 20,
	    "on their way from the host to its links", true },
	  STORE_U32, IN(packets), { 0 } },
	{ { "tern.r2_s", TERN_SETTING_NUMBER, "s", 1, 86400,
	    "R2: data is given up after (SHLD-11)", false },
	  STORE_S, IN(r2), { "374", "924", "100" } },
	{ { "tern.r2_syn_s", TERN_SETTING_NUMBER, "s", 1, 86400,
	    "a SYN is given up after (MUST-23)", false },
	  STORE_S, IN(r2_syn), { "75", "127", "180" } },
	{ { "tern.rto_initial_ms", TERN_SETTING_NUMBER, "ms", 1, 3600000,
	    "RTO before the first sample (RFC 6298 2.1)", false },
	  STORE_MS, IN(rto_initial), { "1000", "1000", "1000" } },
	{ { "tern.syn_options", TERN_SETTING_WORD, "", 0, 0,
	    "order of a SYN's options: linux or freebsd", false },
	  STORE_SYN_OPTIONS, IN(syn_options), { "freebsd", "linux", "linux" } },
};

enum { N_SETTINGS = sizeof settings / sizeof settings[0] };

static const char *const profiles[] = { "freebsd", "linux", "rfc", "tern" };

const struct setting *setting_at(unsigned n)
{
	return n < N_SETTINGS ? &settings[n] : NULL;
}

const struct tern_setting *tern_setting_at(unsigned n)
{
	return n < N_SETTINGS ? &settings[n].is : NULL;
}

/* A path's '/' counts as '.'. */
static bool same_name(const char *a, const char *b)
{
	for (; *a && (*a == *b || (*a == '.' && *b == '/')); a++, b++)
		;
	return *a == '\0' && *b == '\0';
}

static const char *after(const char *name, const char *begin)
{
	const char *at = name;

	for (; *begin && (*begin == *at || (*begin == '.' && *at == '/')); begin++, at++)
		;
	return *begin ? name : at;
}

const struct setting *setting_by_name(const char *name)
{
	const char *const whole = after(name, "/proc/sys/");

	for (unsigned i = 0; i < N_SETTINGS; i++)
		if (same_name(settings[i].is.name, whole) || same_name(after(settings[i].is.name, "net.ipv4."), whole))
			return &settings[i];
	return NULL;
}

const struct tern_setting *tern_setting_by_name(const char *name)
{
	const struct setting *const found = setting_by_name(name);

	return found ? &found->is : NULL;
}

const char *tern_profile_at(unsigned n)
{
	return n < sizeof profiles / sizeof profiles[0] ? profiles[n] : NULL;
}

int tern_profile_set(struct tern_config *config, const char *profile, char error[TERN_SETTING_ERROR])
{
	struct tern_config defaults;
	char		   value[TERN_SETTING_VALUE];
	unsigned	   n = 0;
	int		   failed = 0;

	while (profiles[n] && !same_name(profiles[n], profile))
		if (++n == sizeof profiles / sizeof profiles[0])
			return setting_no_profile(profile, error);
	tern_config_default(&defaults);
	for (unsigned i = 0; i < N_SETTINGS && failed == 0; i++) {
		const struct setting *const setting = &settings[i];

		if (!setting_is_of_profiles(setting))
			continue;
		(void)tern_setting_get(&defaults, setting->is.name, value);
		failed = tern_setting_set(config, setting->is.name, n < SETTING_PROFILES ? setting->profile[n] : value,
					  error);
	}
	return failed;
}
