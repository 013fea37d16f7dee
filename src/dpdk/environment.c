/* The EAL: what DPDK is once in a process.
 *
 * It is started by the first port that is opened, with as little as serves one thread that polls: the first core
 * that the process may use, no files shared with others (--in-memory, --no-shconf), no telemetry, and of the devices
 * none but those that are asked for. Where the machine has no huge pages, --no-huge goes without saying. What the
 * caller says comes last, and so is what holds. It binds the thread that starts it to its core; the thread is let
 * loose again.
 *
 * It cannot be started twice, so it stays, and the plug-in is never unloaded.
 */
#include "dpdk/internal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { WORDS = 48, TEXT = 512 };

struct words {
	int  n;
	char *word[WORDS + 1];
	char text[TEXT], core[16];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool	       started;
static char	       started_with[TEXT];

/* "0000:03:00.0" is an address on a bus; "net_tap0" a device made of nothing. */
static bool is_on_a_bus(const char *device)
{
	const size_t n = strcspn(device, ",");
	return memchr(device, ':', n) != NULL && memchr(device, ':', n) < (void *)memchr(device, '.', n);
}

static bool has_huge_pages(void)
{
	DIR *const sizes = opendir("/sys/kernel/mm/hugepages");
	bool	   any = false;

	for (const struct dirent *entry; sizes != NULL && !any && (entry = readdir(sizes)) != NULL;) {
		char	      path[320];
		unsigned long n = 0;
		(void)snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/%s/nr_hugepages", entry->d_name);
		FILE *const file = entry->d_name[0] == 'h' ? fopen(path, "re") : NULL;
		if (file == NULL)
			continue;
		any = fscanf(file, "%lu", &n) == 1 && n > 0;
		(void)fclose(file);
	}
	if (sizes != NULL)
		(void)closedir(sizes);
	return any;
}

static void add(struct words *words, const char *word)
{
	if (words->n < WORDS)
		words->word[words->n++] = (char *)(uintptr_t)word;
}

/* Which cores is said by any of these; ours would be one word too many. */
static bool names_cores(const char *eal)
{
	static const char *const starts[] = { "-l", "-c", "-S", "-s", "--lcores", "--main-lcore" };
	bool at_start = true;

	for (const char *at = eal; *at != '\0'; at++) {
		for (unsigned i = 0; at_start && i < sizeof starts / sizeof starts[0]; i++)
			if (strncmp(at, starts[i], strlen(starts[i])) == 0)
				return true;
		at_start = isspace((unsigned char)*at) != 0;
	}
	return false;
}

static void add_first_core(struct words *words, const cpu_set_t *may)
{
	size_t core = 0;
	while (core < CPU_SETSIZE - 1 && !CPU_ISSET(core, may))
		core++;
	(void)snprintf(words->core, sizeof words->core, "%zu", core);
	add(words, "-l");
	add(words, words->core);
}

static void choose(struct words *words, const struct dpdk_wish *wish, const cpu_set_t *may)
{
	const char *const eal = wish->eal != NULL ? wish->eal : "";
	char		 *next = NULL;

	const bool huge = strstr(eal, "--no-huge") == NULL && has_huge_pages();

	add(words, "tern");
	add(words, huge ? "--in-memory" : "--no-shconf"); /* the former holds the latter, and wants huge pages */
	add(words, "--no-telemetry");
	add(words, "--log-level=*:error");
	if (!names_cores(eal))
		add_first_core(words, may);
	if (is_on_a_bus(wish->device)) {
		add(words, "-a");
		add(words, wish->device);
	} else {
		add(words, "--no-pci");
	}
	if (!huge && strstr(eal, "--no-huge") == NULL)
		add(words, "--no-huge");
	(void)snprintf(words->text, sizeof words->text, "%s", eal);
	for (char *word = strtok_r(words->text, " \t\n", &next); word != NULL; word = strtok_r(NULL, " \t\n", &next))
		add(words, word);
	words->word[words->n] = NULL;
}

static int start(const struct dpdk_wish *wish, char *why)
{
	struct words words = { .n = 0 };
	cpu_set_t    may;

	CPU_ZERO(&may);
	(void)pthread_getaffinity_np(pthread_self(), sizeof may, &may);
	choose(&words, wish, &may);
	const int result = rte_eal_init(words.n, words.word);
	const int error = rte_errno;
	(void)pthread_setaffinity_np(pthread_self(), sizeof may, &may);
	if (result >= 0) {
		started = true;
		(void)snprintf(started_with, sizeof started_with, "%s", wish->eal != NULL ? wish->eal : "");
		return 0;
	}
	(void)snprintf(why, DPDK_WHY, "DPDK's environment does not start with '%s': %s",
		       wish->eal != NULL ? wish->eal : "", rte_strerror(error));
	return error > 0 ? -error : -EIO;
}

int environment_start(const struct dpdk_wish *wish, char *why)
{
	int error = 0;

	if (wish->eal != NULL && strlen(wish->eal) >= TEXT) {
		(void)snprintf(why, DPDK_WHY, "DPDK's words are too long");
		return -EINVAL;
	}
	(void)pthread_mutex_lock(&lock);
	if (!started)
		error = start(wish, why);
	else if (wish->eal != NULL && wish->eal[0] != '\0' && strcmp(wish->eal, started_with) != 0)
		error = -EALREADY;
	(void)pthread_mutex_unlock(&lock);
	if (error == -EALREADY)
		(void)snprintf(why, DPDK_WHY, "DPDK's environment has started with other words; a process has one");
	return error;
}

int environment_attach(const char *device, uint16_t *number, char *why)
{
	char	  name[RTE_ETH_NAME_MAX_LEN];
	const int error = rte_dev_probe(device);

	(void)snprintf(name, sizeof name, "%.*s", (int)strcspn(device, ","), device);
	/* One on a bus has been probed with the environment. */
	if (error != 0 && !(error == -EEXIST && is_on_a_bus(device))) {
		(void)snprintf(why, DPDK_WHY, "DPDK has no device '%s': %s", device, rte_strerror(-error));
		return error;
	}
	if (rte_eth_dev_get_port_by_name(name, number) == 0)
		return 0;
	(void)snprintf(why, DPDK_WHY, "DPDK's device '%s' is no network card that its drivers know", device);
	return -ENODEV;
}
