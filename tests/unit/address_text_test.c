#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <tern/types.h>

static void good_text_is_read_and_printed(void **state)
{
	/* What people write, and how it prints (RFC 5952). */
	static const struct {
		const char *text, *prints;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::ffff:10.0.0.2", "10.0.0.2" },
		{ "::FFFF:0a00:0002", "10.0.0.2" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "0:0:0:0:0:0:0:0", "::" },
		{ "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1" },
		{ "2001:DB8::A", "2001:db8::a" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" }, /* 4.2.2: one group is not shortened */
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },	    /* 4.2.3: the longest run */
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },    /* 4.2.3: the first of equals */
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
		{ "1:0:0:4:5:6:0:0", "1::4:5:6:0:0" },
		{ "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::" },
		{ "0:0:3:4:5:6:7:8", "::3:4:5:6:7:8" },
		{ "::1.2.3.4", "::102:304" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
		{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
		{ "fe80::1:0:ffff", "fe80::1:0:ffff" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tern_addr addr, again;
		char		 text[46];

		if (tern_addr_parse(&addr, cases[i].text) != 0)
			fail_msg("%s was refused", cases[i].text);
		assert_ptr_equal(tern_addr_format(&addr, text), text);
		assert_string_equal(text, cases[i].prints);
		assert_int_equal(tern_addr_parse(&again, text), 0);
		assert_memory_equal(&addr, &again, sizeof addr);
	}
}

static void bad_text_is_refused(void **state)
{
	static const char *const cases[] = {
		"", " ", "1", "1.2.3", "1.2.3.", "1.2.3.4.", ".1.2.3", "1.2.3.4.5", "1..3.4",
		"256.1.1.1", "1.2.3.1000", "01.2.3.4", "1.2.3.00", "1.2.3.4 ", " 1.2.3.4", "+1.2.3.4",
		"-1.2.3.4", "0x1.2.3.4", "1.2.3.a", "a.b.c.d", ":", ":::", "::1::", "1::2::3", ":1",
		"1:", ":1::2", "1::2:", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
		"::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "12345::", "g::", "::1%eth0", "::1/64",
		"[::1]", "::1.2.3", "::1.2.3.4.5", "::1.2.3.4:5", "::01.2.3.4", "1:2:3:4:5:6:7:1.2.3.4",
		"::.2.3.4", "1:2:3:4:5:1.2.3.4", "::256.1.1.1", "1.2.3.4::", "localhost",
		"1:2:3:4:5:6:7:8 ",
	};
	const struct tern_addr before = { { 1, 2, 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tern_addr addr = before;

		if (tern_addr_parse(&addr, cases[i]) != -TERN_EINVAL)
			fail_msg("\"%s\" was taken", cases[i]);
		assert_memory_equal(&addr, &before, sizeof addr);
	}
}

/* Every address prints as the C library prints it, but for those that it prints in mixed notation. */
static void printing_agrees_with_the_c_library(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		struct tern_addr addr, again;
		char		 ours[46], theirs[46];

		for (unsigned k = 0; k < 16; k++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			addr.b[k] = (uint8_t)(random >> 33) & (random >> 60 & 1 ? 0xff : 0);
			addr.b[k] &= random >> 50 & 3 ? 0xff : 0;
		}
		inet_ntop(AF_INET6, addr.b, theirs, sizeof theirs);
		tern_addr_format(&addr, ours);
		if (!strchr(theirs, '.'))
			assert_string_equal(ours, theirs);
		assert_int_equal(tern_addr_parse(&again, ours), 0);
		assert_memory_equal(&again, &addr, sizeof addr);
		assert_int_equal(tern_addr_parse(&again, theirs), 0);
		assert_memory_equal(&again, &addr, sizeof addr);
	}
}

/* Whatever is typed: what we take the C library takes too, and as the same address. */
static void nothing_is_taken_that_the_c_library_refuses(void **state)
{
	static const char letters[] = "01259afF:::..g%";
	uint64_t	  random = 7;
	unsigned	  taken = 0;

	(void)state;
	for (unsigned i = 0; i < 500000; i++) {
		struct tern_addr ours;
		uint8_t		 theirs[16] = { 0 };
		char		 text[24] = { 0 };

		random = random * 6364136223846793005u + 1442695040888963407u;
		for (unsigned k = 0, n = (unsigned)(random >> 40) % 12; k < n; k++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			text[k] = letters[(random >> 33) % (sizeof letters - 1)];
		}
		const bool we = tern_addr_parse(&ours, text) == 0;
		bool	   they = inet_pton(AF_INET6, text, theirs) == 1;
		if (!they && inet_pton(AF_INET, text, theirs + 12) == 1) {
			theirs[10] = theirs[11] = 0xff;
			they = true;
		}
		if (we != they)
			fail_msg("\"%s\": ours %d, theirs %d", text, we, they);
		if (we)
			assert_memory_equal(ours.b, theirs, 16);
		taken += we;
	}
	assert_true(taken > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_text_is_read_and_printed),
		cmocka_unit_test(bad_text_is_refused),
		cmocka_unit_test(printing_agrees_with_the_c_library),
		cmocka_unit_test(nothing_is_taken_that_the_c_library_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
