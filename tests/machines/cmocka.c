/* What our unit tests use of cmocka, for machines whose cmocka is not at hand: the cross presets link this where
 * others link the library. The header is the real one, so that a test cannot tell; a function that is used and
 * missing here does not link. Output is cmocka's, which tools/run_tests.py counts.
 *
 * A failed assertion leaves its test by longjmp(), as there. Left out: mocks, the leak check of test_malloc()
 * (tools/memcheck.py looks for leaks), output formats, signals (a crash ends the program, and with it the run). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum outcome { PASSED, FAILED, SKIPPED };

static jmp_buf leave;

void vprint_message(const char *const format, va_list arguments)
{
	vprintf(format, arguments);
	fflush(stdout);
}

void print_message(const char *const format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprint_message(format, arguments);
	va_end(arguments);
}

void vprint_error(const char *const format, va_list arguments)
{
	vfprintf(stderr, format, arguments);
	fflush(stderr);
}

void print_error(const char *const format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprint_error(format, arguments);
	va_end(arguments);
}

void *_test_malloc(const size_t size, const char *file, const int line)
{
	(void)file;
	(void)line;
	return malloc(size);
}

void _test_free(void *const ptr, const char *file, const int line)
{
	(void)file;
	(void)line;
	free(ptr);
}

void _fail(const char *const file, const int line)
{
	print_error("%s:%d: error: Failure!\n", file, line);
	longjmp(leave, FAILED);
}

void _skip(const char *const file, const int line)
{
	(void)file;
	(void)line;
	longjmp(leave, SKIPPED);
}

void _assert_true(const LargestIntegralType result, const char *const expression, const char *const file,
		  const int line)
{
	if (result)
		return;
	print_error("%s\n", expression);
	_fail(file, line);
}

static unsigned long long wide(LargestIntegralType value)
{
	return (unsigned long long)value;
}

void _assert_int_equal(const LargestIntegralType a, const LargestIntegralType b, const char *const file,
		       const int line)
{
	if (a == b)
		return;
	print_error("%#llx != %#llx\n", wide(a), wide(b));
	_fail(file, line);
}

void _assert_int_not_equal(const LargestIntegralType a, const LargestIntegralType b, const char *const file,
			   const int line)
{
	if (a != b)
		return;
	print_error("%#llx == %#llx\n", wide(a), wide(b));
	_fail(file, line);
}

void _assert_in_range(const LargestIntegralType value, const LargestIntegralType minimum,
		      const LargestIntegralType maximum, const char *const file, const int line)
{
	if (value >= minimum && value <= maximum)
		return;
	print_error("%#llx is not within the range %#llx-%#llx\n", wide(value), wide(minimum), wide(maximum));
	_fail(file, line);
}

void _assert_string_equal(const char *const a, const char *const b, const char *const file, const int line)
{
	if (strcmp(a, b) == 0)
		return;
	print_error("\"%s\" != \"%s\"\n", a, b);
	_fail(file, line);
}

void _assert_string_not_equal(const char *const a, const char *const b, const char *file, const int line)
{
	if (strcmp(a, b) != 0)
		return;
	print_error("\"%s\" == \"%s\"\n", a, b);
	_fail(file, line);
}

void _assert_memory_equal(const void *const a, const void *const b, const size_t size, const char *const file,
			  const int line)
{
	const uint8_t *const p = a, *const q = b;

	if (memcmp(a, b, size) == 0)
		return;
	for (size_t i = 0; i < size; i++)
		if (p[i] != q[i])
			print_error("difference at offset %zu 0x%02x 0x%02x\n", i, p[i], q[i]);
	_fail(file, line);
}

void _assert_memory_not_equal(const void *const a, const void *const b, const size_t size, const char *const file,
			      const int line)
{
	if (memcmp(a, b, size) != 0)
		return;
	print_error("%zu bytes are the same\n", size);
	_fail(file, line);
}

/* A fixture says by its result whether it worked; an assertion in it counts as well. */
static enum outcome fixture(CMFixtureFunction function, void **state)
{
	switch (setjmp(leave)) {
	case PASSED: return function && function(state) != 0 ? FAILED : PASSED;
	case SKIPPED: return SKIPPED;
	default: return FAILED;
	}
}

static enum outcome body(const struct CMUnitTest *test, void **state)
{
	switch (setjmp(leave)) {
	case PASSED: test->test_func(state); return PASSED;
	case SKIPPED: return SKIPPED;
	default: return FAILED;
	}
}

static enum outcome run(const struct CMUnitTest *test, void **state)
{
	const enum outcome before = fixture(test->setup_func, state);
	const enum outcome outcome = before == PASSED ? body(test, state) : before;
	const enum outcome after = fixture(test->teardown_func, state);

	return outcome == PASSED ? after : outcome;
}

int _cmocka_run_group_tests(const char *group_name, const struct CMUnitTest *const tests, const size_t num_tests,
			    CMFixtureFunction group_setup, CMFixtureFunction group_teardown)
{
	static const char *const words[] = { "       OK", "  FAILED ", "  SKIPPED" };
	static int failed;
	static void *group_state;

	print_message("[==========] Running %zu test(s) of %s.\n", num_tests, group_name);
	if (fixture(group_setup, &group_state) != PASSED)
		return (int)num_tests;
	for (size_t i = 0; i < num_tests; i++) {
		void *state = tests[i].initial_state ? tests[i].initial_state : group_state;

		print_message("[ RUN      ] %s\n", tests[i].name);
		const enum outcome outcome = run(&tests[i], &state);

		failed += outcome == FAILED;
		print_message("[%s ] %s\n", words[outcome], tests[i].name);
	}
	if (fixture(group_teardown, &group_state) != PASSED)
		failed++;
	print_message("[==========] %zu test(s) run, %d failed.\n", num_tests, failed);
	return failed;
}
