/* How a recording says what a host was made of: name, secret, congestion control and every setting that is a
 * number. */
#include "record/format.h"
#include <string.h>

/* The settings that are numbers, in the order in which they stand in a recording. */
static const struct setting {
	uint16_t at;
	uint8_t	 bytes;
	bool	 is_switch; /* a byte of 0 or 1: any other would not be a bool */
} settings[] = {
#define SETTING(field)                                                                                                \
	{ offsetof(struct tern_config, field), sizeof((struct tern_config *)NULL)->field,                             \
	  _Generic(((struct tern_config *)NULL)->field, bool: true, default: false) }
	SETTING(memory_limit), SETTING(memory_reserve), SETTING(msl), SETTING(rto_initial), SETTING(rto_min),
	SETTING(rto_max), SETTING(delayed_ack), SETTING(r2), SETTING(r2_syn), SETTING(r1),
	SETTING(syn_ack_retries), SETTING(orphan_timeout), SETTING(keepalive_idle), SETTING(keepalive_interval),
	SETTING(keepalive_probes), SETTING(accept_wait), SETTING(reassembly_timeout), SETTING(receive_buffer),
	SETTING(receive_buffer_max), SETTING(send_buffer_max), SETTING(mss_floor), SETTING(initial_window),
	SETTING(dup_ack_threshold), SETTING(challenge_acks), SETTING(ttl), SETTING(connections_max),
	SETTING(half_open_max), SETTING(time_wait_max), SETTING(packets), SETTING(port_low), SETTING(port_high),
	SETTING(no_timestamps), SETTING(no_window_scale), SETTING(no_sack), SETTING(no_syn_cookies),
	SETTING(no_path_mtu_discovery), SETTING(no_delayed_ack), SETTING(forwarding_any), SETTING(ecn),
	SETTING(no_ecn), SETTING(mtu_probing), SETTING(no_mtu_probing), SETTING(sack_counting),
	SETTING(no_dsack), SETTING(no_tlp), SETTING(no_frto), SETTING(no_receive_tuning), SETTING(syn_options),
	SETTING(share.key[0]), SETTING(share.key[1]), SETTING(share.n), SETTING(share.index),
#undef SETTING
};

/* The last four came later: a recording without them is of a host alone. */
enum { N_SETTINGS = sizeof settings / sizeof settings[0], N_SETTINGS_LEAST = N_SETTINGS - 4 };

static void put_name(struct record_buffer *buffer, const char *name)
{
	const size_t n = name != NULL ? strlen(name) : 0;
	const size_t kept = n < 63 ? n : 63;
	record_put_number(buffer, kept, 1);
	record_put(buffer, name, kept);
}

static bool get_name(struct record_cursor *cursor, char name[64])
{
	const size_t n = (size_t)record_get_number(cursor, 1);
	const uint8_t *const p = record_get(cursor, n);
	if (p == NULL || n > 63)
		return false;
	memcpy(name, p, n);
	name[n] = '\0';
	return true;
}

void record_put_create(struct record_buffer *buffer, unsigned host, const struct tern_config *config,
		       const char *name, tern_time now)
{
	record_put_number(buffer, RECORD_CREATE, 1);
	record_put_number(buffer, host, 1);
	record_put_number(buffer, (uint64_t)now, 8);
	put_name(buffer, name);
	put_name(buffer, config->congestion_control);
	record_put(buffer, config->secret, sizeof config->secret);
	record_put_number(buffer, N_SETTINGS, 1);
	for (unsigned i = 0; i < N_SETTINGS; i++) {
		const uint8_t *const at = (const uint8_t *)config + settings[i].at;
		uint64_t value = 0;
		if (settings[i].bytes == 8) {
			memcpy(&value, at, 8);
		} else if (settings[i].bytes == 4) {
			uint32_t word;
			memcpy(&word, at, 4);
			value = word;
		} else if (settings[i].bytes == 2) {
			uint16_t half;
			memcpy(&half, at, 2);
			value = half;
		} else {
			value = *at;
		}
		record_put_number(buffer, value, 8);
	}
}

static void set_setting(struct tern_config *config, const struct setting *setting, uint64_t value)
{
	uint8_t *const at = (uint8_t *)config + setting->at;
	const uint32_t word = (uint32_t)value;
	const uint16_t half = (uint16_t)value;
	if (setting->bytes == 8)
		memcpy(at, &value, 8);
	else if (setting->bytes == 4)
		memcpy(at, &word, 4);
	else if (setting->bytes == 2)
		memcpy(at, &half, 2);
	else
		*at = setting->is_switch ? value != 0 : (uint8_t)value;
}

bool record_get_create(struct record_call *record, struct tern_config *config, char name[64], char cc[64])
{
	struct record_cursor *const rest = &record->rest;
	tern_config_default(config);
	if (!get_name(rest, name) || !get_name(rest, cc))
		return false;
	config->congestion_control = cc[0] != '\0' ? cc : NULL;
	const uint8_t *const secret = record_get(rest, sizeof config->secret);
	const uint64_t n = secret == NULL ? 0 : record_get_number(rest, 1);
	if (n < N_SETTINGS_LEAST || n > N_SETTINGS)
		return false;
	memcpy(config->secret, secret, sizeof config->secret);
	for (unsigned i = 0; i < n; i++)
		set_setting(config, &settings[i], record_get_number(rest, 8));
	return !rest->bad && rest->p == rest->end;
}
