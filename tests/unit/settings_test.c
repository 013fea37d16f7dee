/* host/settings.c, settings_value.c: names, values, ranges, what is said; profiles; and, for what no packet script can
 * show (tests/script/setting/ has the others), what a setting changes on the wire. */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <tern/tern.h>

#include <cmocka.h>

static struct tern_config defaults(void)
{
	struct tern_config config;

	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	return config;
}

/* ---- the table ---- */

static void test_table_is_in_order_and_found(void **state)
{
	char last[80] = "", path[160];

	(void)state;
	assert_true(tern_setting_at(40) != NULL);
	for (unsigned i = 0; tern_setting_at(i); i++) {
		const struct tern_setting *const setting = tern_setting_at(i);
		const char *const		 name = setting->name;

		assert_true(strcmp(last, name) < 0);
		snprintf(last, sizeof last, "%s", name);
		assert_ptr_equal(tern_setting_by_name(name), setting);
		snprintf(path, sizeof path, "/proc/sys/%s", name);
		for (char *at = path; *at; at++)
			*at = *at == '.' ? '/' : *at;
		assert_ptr_equal(tern_setting_by_name(path), setting);
		if (strncmp(name, "net.ipv4.", 9) == 0)
			assert_ptr_equal(tern_setting_by_name(name + 9), setting);
		assert_true(strlen(setting->what) > 3);
		assert_true(setting->kind == TERN_SETTING_WORD || setting->least <= setting->most);
	}
	assert_null(tern_setting_by_name("net.ipv4.tcp_sac"));
	assert_null(tern_setting_by_name("sack"));
	assert_null(tern_setting_by_name(""));
}

/* Every number from its least to its most is taken and told again; one beyond is not, and changes nothing. */
static void test_ranges(void **state)
{
	static const char *const no_numbers[] = { "", " ", "-1", "1x", "x", "1 1", "99999999999999999999", "0x" };
	char error[TERN_SETTING_ERROR], text[TERN_SETTING_VALUE], is[TERN_SETTING_VALUE];

	(void)state;
	for (unsigned i = 0; tern_setting_at(i); i++) {
		const struct tern_setting *const setting = tern_setting_at(i);
		const int64_t values[] = { setting->least, (setting->least + setting->most) / 2, setting->most };
		struct tern_config config = defaults(), before;

		if (setting->kind != TERN_SETTING_NUMBER && setting->kind != TERN_SETTING_SWITCH)
			continue;
		for (unsigned j = 0; j < 3; j++) {
			snprintf(text, sizeof text, "%lld", (long long)values[j]);
			assert_int_equal(tern_setting_set(&config, setting->name, text, error), 0);
			assert_int_equal(tern_setting_get(&config, setting->name, is), 0);
			if (strstr(setting->name, "retries2") || strstr(setting->name, "syn_retries"))
				continue; /* many numbers stand for a day */
			if (setting->most > 1 && setting->most <= 4 && setting->least == 0)
				assert_int_equal(strcmp(is, "0") == 0, values[j] == 0); /* Linux's shades of "on" */
			else
				assert_string_equal(is, text);
		}
		before = config;
		snprintf(text, sizeof text, "%lld", (long long)setting->most + 1);
		assert_int_equal(tern_setting_set(&config, setting->name, text, error), -TERN_EINVAL);
		assert_non_null(strstr(error, setting->name));
		assert_non_null(strstr(error, text));
		if (setting->least > 0)
			assert_int_equal(tern_setting_set(&config, setting->name, "0", error), -TERN_EINVAL);
		for (unsigned j = 0; j < sizeof no_numbers / sizeof no_numbers[0]; j++)
			assert_int_equal(tern_setting_set(&config, setting->name, no_numbers[j], NULL), -TERN_EINVAL);
		assert_memory_equal(&config, &before, sizeof config);
	}
}

static void test_what_is_said(void **state)
{
	struct tern_config config = defaults();
	char		   error[TERN_SETTING_ERROR];

	(void)state;
	assert_int_equal(tern_setting_set(&config, "tcp_nosuch", "1", error), -TERN_ENOENT);
	assert_string_equal(error, "there is no setting 'tcp_nosuch' (see tern settings)");
	assert_int_equal(tern_setting_set(&config, "tcp_sack", "2", error), -TERN_EINVAL);
	assert_string_equal(error, "net.ipv4.tcp_sack: '2' is not 0 or 1");
	assert_int_equal(tern_setting_set(&config, "tcp_fin_timeout", "soon", error), -TERN_EINVAL);
	assert_string_equal(error, "net.ipv4.tcp_fin_timeout: 'soon' is not a whole number from 1 to 86400 (s)");
	assert_int_equal(tern_profile_set(&config, "windows", error), -TERN_ENOENT);
	assert_string_equal(error, "there is no profile 'windows', but freebsd, linux, rfc, tern");
	char *const long_name = test_malloc(4000);
	memset(long_name, 'x', 3999);
	long_name[3999] = '\0';
	assert_int_equal(tern_setting_set(&config, long_name, "2", error), -TERN_ENOENT);
	assert_true(strlen(error) == TERN_SETTING_ERROR - 1);
	test_free(long_name);
}

static void test_other_kinds(void **state)
{
	static const char *const no_sizes[] = { "1 2", "3 2 4", "1 5 4", "1 2 3 4", "0 1 2" };
	struct tern_config config = defaults();
	char		   is[TERN_SETTING_VALUE], error[TERN_SETTING_ERROR];

	(void)state;
	assert_int_equal(tern_setting_set(&config, "tcp_rmem", " 1\t5000  0x10000 ", NULL), 0);
	assert_int_equal(config.receive_buffer, 5000);
	assert_int_equal(config.receive_buffer_max, 65536);
	assert_int_equal(tern_setting_get(&config, "tcp_rmem", is), 0);
	assert_string_equal(is, "4096 5000 65536");
	for (unsigned i = 0; i < sizeof no_sizes / sizeof no_sizes[0]; i++)
		assert_int_equal(tern_setting_set(&config, "tcp_rmem", no_sizes[i], NULL), -TERN_EINVAL);
	assert_int_equal(tern_setting_set(&config, "ip_local_port_range", "5 4", NULL), -TERN_EINVAL);
	assert_int_equal(tern_setting_set(&config, "ip_local_port_range", "5 65536", NULL), -TERN_EINVAL);
	assert_int_equal(tern_setting_set(&config, "tcp_congestion_control", "vegas", error), -TERN_EINVAL);
	assert_non_null(strstr(error, "cubic"));
	char name[] = "reno";
	assert_int_equal(tern_setting_set(&config, "tcp_congestion_control", name, NULL), 0);
	name[0] = 'x'; /* the name is not the caller's */
	assert_string_equal(config.congestion_control, "reno");
	assert_int_equal(tern_setting_set(&config, "tcp_retries2", "15", NULL), 0);
	assert_true(config.r2 == 924600 * TERN_MILLISECOND); /* ip-sysctl.rst: 924.6 seconds */
	assert_int_equal(tern_setting_set(&config, "tcp_syn_retries", "6", NULL), 0);
	assert_true(config.r2_syn == 127 * TERN_SECOND); /* and 127 */
	assert_int_equal(tern_setting_get(&config, "tcp_syn_retries", is), 0);
	assert_string_equal(is, "6");
}

static void test_settings_that_exclude_each_other(void **state)
{
	struct tern_config config = defaults();
	char		   error[TERN_SETTING_ERROR];
	tern_host	  *host;

	(void)state;
	assert_int_equal(tern_settings_check(&config, error), 0);
	assert_int_equal(tern_setting_set(&config, "tcp_rto_max_ms", "500", NULL), 0);
	assert_int_equal(tern_settings_check(&config, error), -TERN_EINVAL);
	assert_string_equal(error, "tern.rto_initial_ms (1000) is to be at most net.ipv4.tcp_rto_max_ms (500)");
	assert_int_equal(tern_host_create(&host, &config, 0), -TERN_EINVAL);
}

/* ---- profiles ---- */

static const char *value_of(const struct tern_config *config, const char *name)
{
	static char is[TERN_SETTING_VALUE];

	assert_int_equal(tern_setting_get(config, name, is), 0);
	return is;
}

/* A profile leaves nothing of what was there before, but the machine's; and a host can be made of it. */
static void test_profiles_are_complete(void **state)
{
	char error[TERN_SETTING_ERROR], one[TERN_SETTING_VALUE];

	(void)state;
	for (unsigned p = 0; tern_profile_at(p); p++) {
		struct tern_config a = defaults(), b = defaults();
		tern_host	  *host;

		for (unsigned q = 0; tern_setting_at(q); q++) { /* b is as different as can be */
			const struct tern_setting *const setting = tern_setting_at(q);

			if (setting->kind == TERN_SETTING_NUMBER || setting->kind == TERN_SETTING_SWITCH) {
				snprintf(one, sizeof one, "%lld", (long long)setting->least);
				assert_int_equal(tern_setting_set(&b, setting->name, one, error), 0);
			}
		}
		assert_int_equal(tern_setting_set(&b, "tcp_rmem", "1 2 3", NULL), 0);
		assert_int_equal(tern_setting_set(&b, "tcp_wmem", "1 2 3", NULL), 0);
		assert_int_equal(tern_setting_set(&b, "ip_local_port_range", "7 8", NULL), 0);
		assert_int_equal(tern_setting_set(&b, "tcp_congestion_control", "bbr", NULL), 0);
		assert_int_equal(tern_setting_set(&b, "tern.syn_options", "freebsd", NULL), 0);
		assert_int_equal(tern_profile_set(&a, tern_profile_at(p), error), 0);
		assert_int_equal(tern_profile_set(&b, tern_profile_at(p), error), 0);
		for (unsigned i = 0; tern_setting_at(i); i++) {
			const struct tern_setting *const setting = tern_setting_at(i);

			snprintf(one, sizeof one, "%s", value_of(&a, setting->name));
			if (setting->machine) /* b keeps the least that was asked for */
				assert_int_not_equal(strcmp(one, value_of(&b, setting->name)), 0);
			else
				assert_string_equal(one, value_of(&b, setting->name));
		}
		assert_int_equal(tern_settings_check(&a, error), 0);
		assert_int_equal(tern_host_create(&host, &a, 0), 0);
		tern_host_destroy(host);
	}
}

static void test_profiles_say_what_their_sources_say(void **state)
{
	static const struct {
		const char *name, *freebsd, *linux_, *rfc, *tern;
	} rows[] = {
		{ "tcp_rto_min_us", "230000", "200000", "1000000", "200000" },
		{ "tern.msl_ms", "30000", "30000", "120000", "30000" },
		{ "tern.syn_options", "freebsd", "linux", "linux", "linux" },
		{ "tcp_syn_retries", "6", "6", "7", "7" },
		{ "tcp_retries2", "13", "15", "8", "15" },
		{ "tcp_congestion_control", "cubic", "cubic", "reno", "cubic" },
		{ "tcp_synack_retries", "3", "5", "7", "3" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *const is[] = { rows[i].freebsd, rows[i].linux_, rows[i].rfc, rows[i].tern };

		for (unsigned p = 0; p < 4; p++) {
			struct tern_config config = defaults();

			assert_int_equal(tern_profile_set(&config, tern_profile_at(p), NULL), 0);
			assert_string_equal(value_of(&config, rows[i].name), is[p]);
		}
	}
}

/* ---- on the wire ---- */

struct world {
	tern_host *host;
	uint8_t	   link;
	uint8_t	   packet[2000]; /* the last that left */
	size_t	   n;
};

static void begin(struct world *world, const char *name, const char *value)
{
	const struct tern_link_config link = { .mtu = 1500 };
	struct tern_config	      config = defaults();
	struct tern_addr	      addr, any;
	char			      error[TERN_SETTING_ERROR];

	*world = (struct world){ 0 };
	if (name)
		assert_int_equal(tern_setting_set(&config, name, value, error), 0);
	assert_int_equal(tern_host_create(&world->host, &config, 0), 0);
	assert_int_equal(tern_host_add_link(world->host, &link, &world->link), 0);
	assert_int_equal(tern_addr_parse(&addr, "10.0.0.1"), 0);
	assert_int_equal(tern_addr_parse(&any, "0.0.0.0"), 0);
	assert_int_equal(tern_host_add_address(world->host, world->link, &addr, 24), 0);
	assert_int_equal(tern_host_add_route(world->host, &any, 0, world->link, NULL), 0);
}

static int connect_once(struct world *world)
{
	struct tern_open open = { .remote.port = 80 };
	tern_packet	*out;
	tern_socket	 socket;
	int		 error;

	assert_int_equal(tern_addr_parse(&open.remote.addr, "10.0.0.2"), 0);
	error = tern_connect(world->host, &open, &socket);
	if (error == 0) {
		assert_int_equal(tern_host_output(world->host, &out, 1, 0), 1);
		for (unsigned i = 0; i < out->n_parts; i++) {
			memcpy(world->packet + world->n, out->part[i].at, out->part[i].n);
			world->n += out->part[i].n;
		}
		tern_packet_done(out);
	}
	return error;
}

static void test_ttl_and_fragment_bit_and_ports(void **state)
{
	enum { TTL_AT = 8, FLAGS_AT = 6, PORT_AT = 20, DF = 0x40 };
	struct world world;

	(void)state;
	begin(&world, NULL, NULL);
	assert_int_equal(connect_once(&world), 0);
	assert_int_equal(world.packet[TTL_AT], 64);
	assert_int_equal(world.packet[FLAGS_AT], DF);
	tern_host_destroy(world.host);
	begin(&world, "ip_default_ttl", "7");
	assert_int_equal(connect_once(&world), 0);
	assert_int_equal(world.packet[TTL_AT], 7);
	tern_host_destroy(world.host);
	begin(&world, "ip_no_pmtu_disc", "1");
	assert_int_equal(connect_once(&world), 0);
	assert_int_equal(world.packet[FLAGS_AT], 0);
	tern_host_destroy(world.host);
	begin(&world, "ip_local_port_range", "1234 1234");
	assert_int_equal(connect_once(&world), 0);
	assert_int_equal(get16(world.packet + PORT_AT), 1234);
	assert_int_not_equal(connect_once(&world), 0); /* there is no second one */
	tern_host_destroy(world.host);
}

static void test_tables(void **state)
{
	struct world world;

	(void)state;
	begin(&world, "tern.connections_max", "1");
	assert_int_equal(connect_once(&world), 0);
	assert_int_equal(connect_once(&world), -TERN_ENOMEM);
	tern_host_destroy(world.host);
}

/* A first fragment that stays alone is given up after so many seconds. */
static void test_ipfrag_time(void **state)
{
	static const uint8_t fragment[] = { 0x45, 0, 0, 28, 0, 1, 0x20, 0, 64, 17, 0x06, 0xcf, 10, 0, 0, 2, 10, 0, 0, 1,
					    0,	  1, 0, 2,  0, 99, 0,	0 };
	static const struct {
		const char *seconds;
		tern_time   at;
		bool	    over;
	} rows[] = { { "2", 1, false }, { "2", 3, true }, { "20", 3, false } };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		tern_packet	   packet = { .n_parts = 1, .len = sizeof fragment };
		tern_packet *const batch[] = { &packet };
		struct tern_stats  stats;
		struct world	   world;
		uint8_t		   bytes[sizeof fragment];
		uint32_t	   sum = 0;

		memcpy(bytes, fragment, sizeof bytes);
		bytes[10] = bytes[11] = 0;
		for (unsigned j = 0; j < 20; j += 2)
			sum += get16(bytes + j);
		sum = (sum & 0xffff) + (sum >> 16);
		put16(bytes + 10, (uint16_t)~sum);
		packet.part[0] = (struct tern_packet_part){ .at = bytes, .n = sizeof bytes };
		begin(&world, "ipfrag_time", rows[i].seconds);
		tern_host_input(world.host, batch, 1, 0);
		tern_host_advance(world.host, rows[i].at * TERN_SECOND);
		tern_host_stats(world.host, &stats);
		assert_int_equal(stats.ReasmReqds, 1);
		assert_int_equal(stats.ReasmFails, rows[i].over);
		tern_host_destroy(world.host);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_in_order_and_found),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_what_is_said),
		cmocka_unit_test(test_other_kinds),
		cmocka_unit_test(test_settings_that_exclude_each_other),
		cmocka_unit_test(test_profiles_are_complete),
		cmocka_unit_test(test_profiles_say_what_their_sources_say),
		cmocka_unit_test(test_ttl_and_fragment_bit_and_ports),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_ipfrag_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
