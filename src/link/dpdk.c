/* A network card by DPDK: its frames in bursts, past the system (dpdk.org). What knows DPDK is a plug-in (dpdk_door.h),
 * a shared object that is looked for when a link is made.
 *
 * There is no descriptor to sleep on, so the loop is asked back: at once for BUSY after the last frame, and then every
 * NAP, so that an idle one takes a per cent or two of a core and is late by NAP at most.
 */
#include "link/device.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link/dpdk.h"
#include "link/netns.h"

enum {
	MTU_LEAST = 68,
	MTU_MOST = 9600,
	PATH = 512,
	TAG = 4, /* bytes that a VLAN's makes a frame longer by */
	BUSY = 200000, /* ns: longer than a peer on the same machine takes to answer */
	NAP = 50000,
};

struct dpdk {
	struct device	 device; /* first: what the outside holds */
	const struct dpdk_door *door;
	struct dpdk_port *port;
	tern_time	 heard, next; /* when something last moved; when to be asked again */
};

static struct dpdk *dpdk_of(struct tern_link *link)
{
	return (struct dpdk *)link;
}

static size_t dpdk_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	struct dpdk *const dpdk = dpdk_of(link);
	struct dpdk_frame  frames[DPDK_BURST];
	const size_t	   most = room < DEVICE_BATCH ? room : DEVICE_BATCH;
	const size_t n = dpdk->door->receive(dpdk->port, frames, most < DPDK_BURST ? most : DPDK_BURST,
					     &dpdk->device.stats.dropped_in);

	for (size_t i = 0; i < n; i++) {
		device_count_in(&dpdk->device, frames[i].n);
		batch[i] = device_packet(&dpdk->device, i, frames[i].at, frames[i].n);
		batch[i]->checksum_offload = frames[i].good;
	}
	if (n > 0)
		dpdk->heard = now;
	dpdk->next = now - dpdk->heard < BUSY ? now + 1 : now + NAP;
	return n;
}

static void drop(struct dpdk *dpdk, tern_packet *const batch[], size_t n)
{
	dpdk->device.stats.dropped_out += n;
	for (size_t i = 0; i < n; i++)
		tern_packet_done(batch[i]);
}

/* How many from the front are frames that the device can have. */
static size_t burst_of(const struct dpdk *dpdk, tern_packet *const batch[], size_t n)
{
	const uint32_t longest = dpdk->device.link.config.mtu + DEVICE_ETHERNET + TAG;
	size_t	       fit = 0;

	while (fit < n && fit < DPDK_BURST && batch[fit]->len <= longest)
		fit++;
	return fit;
}

/* How many of a burst the device took. */
static size_t offer(struct dpdk *dpdk, tern_packet *const burst[], size_t n)
{
	const size_t took = dpdk->door->send(dpdk->port, burst, n);

	for (size_t i = 0; i < took; i++) {
		dpdk->device.stats.packets_out++;
		dpdk->device.stats.bytes_out += burst[i]->len;
		tern_packet_done(burst[i]);
	}
	return took;
}

static size_t dpdk_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	struct dpdk *const dpdk = dpdk_of(link);
	size_t		   taken = 0;

	while (taken < n) {
		const size_t burst = burst_of(dpdk, batch + taken, n - taken);
		if (burst == 0) {
			drop(dpdk, batch + taken, 1);
			taken++;
			continue;
		}
		const size_t took = offer(dpdk, batch + taken, burst);
		taken += took;
		if (took < burst)
			break;
	}
	if (taken < n && !dpdk->door->is_up(dpdk->port)) {
		drop(dpdk, batch + taken, n - taken);
		taken = n;
	}
	dpdk->heard = now; /* an answer is to be expected */
	dpdk->next = now + 1;
	return taken;
}

static tern_time dpdk_deadline(const struct tern_link *link)
{
	return ((const struct dpdk *)link)->next;
}

static int dpdk_fd(const struct tern_link *link)
{
	(void)link;
	return -1;
}

static void dpdk_close(struct tern_link *link)
{
	struct dpdk *const dpdk = dpdk_of(link);

	dpdk->door->close(dpdk->port);
	device_free(dpdk, sizeof *dpdk);
}

const struct tern_link_ops dpdk_ops = {
	.name = "dpdk",
	.send = dpdk_send,
	.receive = dpdk_receive,
	.deadline = dpdk_deadline,
	.fd = dpdk_fd,
	.close = dpdk_close,
};

/* ---- the plug-in ---- */

/* Where it was installed with the program that runs, or, for a program from elsewhere, with the library. */
static bool place(char path[PATH], const char *directory, unsigned nth)
{
	char	    program[PATH];
	const char *named = directory != NULL ? directory : secure_getenv("TERN_PLUGIN_DIR");

	if (named != NULL)
		return nth == 0 && snprintf(path, PATH, "%s/%s", named, DPDK_PLUGIN) < PATH;
	if (nth == 1)
		return snprintf(path, PATH, "%s/%s", TERN_PLUGIN_DIR, DPDK_PLUGIN) < PATH;
	const ssize_t n = nth == 0 ? readlink("/proc/self/exe", program, sizeof program - 1) : -1;
	if (n <= 0)
		return false;
	program[n] = '\0';
	char *const slash = strrchr(program, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	return snprintf(path, PATH, "%s/%s/%s", program, TERN_PLUGIN_FROM_BIN, DPDK_PLUGIN) < PATH;
}

static int load(const char *path, const struct dpdk_door **door, char why[DPDK_WHY])
{
	void *const plugin = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	const struct dpdk_door *(*ask)(void) = NULL;

	if (plugin == NULL) {
		(void)snprintf(why, DPDK_WHY, "%s", dlerror());
		return -ELIBBAD;
	}
	*(void **)(void *)&ask = dlsym(plugin, "tern_dpdk_door"); /* POSIX has pointers of both kinds alike */
	*door = ask != NULL ? ask() : NULL;
	if (*door != NULL && (*door)->version == DPDK_DOOR_VERSION && (*door)->packet_size == sizeof(tern_packet))
		return 0;
	(void)snprintf(why, DPDK_WHY, "%s is of another version of tern", path);
	return -ELIBBAD;
}

int dpdk_find(const char *directory, const struct dpdk_door **door, char why[DPDK_WHY])
{
	char path[PATH] = "";

	for (unsigned i = 0; i < 2; i++)
		if (place(path, directory, i) && access(path, F_OK) == 0)
			return load(path, door, why);
	(void)snprintf(why, DPDK_WHY, "there is no %s (tern is built with it where libdpdk-dev is; TERN_PLUGIN_DIR "
				      "says where it is)", path[0] != '\0' ? path : DPDK_PLUGIN);
	return -ENOENT;
}

/* ---- opening ---- */

struct opening {
	struct dpdk	       *dpdk;
	const struct dpdk_wish *wish;
	struct dpdk_about      *about;
	char		       *why;
};

static int open_here(void *context)
{
	const struct opening *const opening = context;

	return opening->dpdk->door->open(&opening->dpdk->port, opening->wish, opening->about, opening->why);
}

static bool are_sane(const struct tern_dpdk *settings)
{
	return settings != NULL && settings->device != NULL && settings->device[0] != '\0' &&
	       (settings->mtu == 0 || (settings->mtu >= MTU_LEAST && settings->mtu <= MTU_MOST)) &&
	       !(settings->mac[0] & 1);
}

int dpdk_open(struct tern_link **link, const struct dpdk_door *door, const struct tern_dpdk *settings,
	      const struct tern_allocator *allocator, char why[DPDK_WHY])
{
	struct dpdk_wish wish = {
		.device = settings->device, .eal = settings->eal, .mtu = settings->mtu, .plain = settings->plain,
	};
	struct dpdk_about about = { .mtu = 0 };
	uint8_t		  random[6];
	struct dpdk *const dpdk = device_new(allocator, sizeof *dpdk, sizeof *dpdk);

	if (dpdk == NULL)
		return -ENOMEM;
	memcpy(wish.mac, settings->mac, 6);
	dpdk->door = door;
	struct opening opening = { dpdk, &wish, &about, why };
	int	       error = device_mac(random, settings->mac);
	if (error == 0)
		error = netns_run(settings->netns, open_here, &opening);
	if (error != 0) {
		if (why[0] == '\0')
			(void)snprintf(why, DPDK_WHY, "%s", strerror(-error));
		device_free(dpdk, sizeof *dpdk);
		return error;
	}
	static const uint8_t none[6];
	const bool	     is_ours = memcmp(settings->mac, none, 6) != 0 || about.shares_mac;
	dpdk->device.link = (struct tern_link){
		.ops = &dpdk_ops,
		.config = { .mtu = about.mtu, .ethernet = true, .checksum_offload = about.makes_sums },
	};
	memcpy(dpdk->device.link.config.mac, is_ours ? random : about.mac, 6);
	*link = &dpdk->device.link;
	return 0;
}

int tern_dpdk_create(struct tern_link **link, const struct tern_dpdk *settings, const struct tern_allocator *allocator,
		     char *why, size_t room)
{
	const struct dpdk_door *door;
	char			reason[DPDK_WHY] = "";
	int			error = -EINVAL;

	if (link == NULL || !are_sane(settings) || allocator == NULL || allocator->alloc == NULL ||
	    allocator->free == NULL)
		(void)snprintf(reason, sizeof reason, "a setting is out of range");
	else
		error = dpdk_find(settings->directory, &door, reason);
	if (error == 0)
		error = dpdk_open(link, door, settings, allocator, reason);
	if (why != NULL && room > 0)
		(void)snprintf(why, room, "%s", reason);
	return error;
}
