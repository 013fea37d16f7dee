/* tern/settings.h - the settings of a host by name: for command lines, scripts and configuration files. One table
 * says what there is; names are Linux's (net.ipv4.tcp_sack) where Linux has the setting, else tern's own
 * (tern.msl_ms). Everything here fills a struct tern_config (tern/config.h) before tern_host_create(): settings are
 * a host's, for all of its connections; what belongs to one connection is in tern/options.h.
 */
#ifndef TERN_SETTINGS_H
#define TERN_SETTINGS_H

#include <tern/config.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tern_setting_kind {
	TERN_SETTING_SWITCH, /* 0 or 1 */
	TERN_SETTING_NUMBER, /* a whole number from least to most, in decimal or 0x... */
	TERN_SETTING_SIZES,  /* "least first most" in bytes, as Linux's tcp_rmem: a buffer's first and most count */
	TERN_SETTING_PORTS,  /* "low high" */
	TERN_SETTING_WORD,   /* a name; which ones, the host knows */
};

struct tern_setting {
	const char	      *name;
	enum tern_setting_kind kind;
	const char	      *unit;	    /* "ms", "bytes", "segments"; "": none */
	int64_t		       least, most; /* of each number; WORD: 0 */
	const char	      *what;	    /* one line */
	bool machine; /* depends on what the machine has, not on the protocol: profiles leave it alone */
};

/* The table, in the order of their names; NULL past the last. */
const struct tern_setting *tern_setting_at(unsigned n);
/* By name: whole, without what Linux's names begin with ("tcp_sack"), or as a path ("/proc/sys/net/ipv4/tcp_sack").
 * NULL: there is none. */
const struct tern_setting *tern_setting_by_name(const char *name);

/* Room for a message, and for a value as text, each with its final zero. */
enum { TERN_SETTING_ERROR = 160, TERN_SETTING_VALUE = 64 };

/* 0; -TERN_ENOENT: no such setting; -TERN_EINVAL: not a value of its kind, or out of its range: nothing has changed,
 * and error (if not NULL) says what was wrong and what is wanted. Relations between settings are checked by
 * tern_settings_check(). Blanks around a value do not matter. */
int tern_setting_set(struct tern_config *config, const char *name, const char *value,
		     char error[TERN_SETTING_ERROR]);
/* As text that tern_setting_set() takes. 0 or -TERN_ENOENT. */
int tern_setting_get(const struct tern_config *config, const char *name, char value[TERN_SETTING_VALUE]);
/* Whether a host can be made with them together (RTOs in their order, buffers ...). 0, or -TERN_EINVAL and error. */
int tern_settings_check(const struct tern_config *config, char error[TERN_SETTING_ERROR]);

/* ---- profiles: sets of all settings but the machine's ---- */

/* "freebsd" (14: tcp(4) and its sources), "linux" (6.1: ip-sysctl.rst and tcp.h), "rfc" (what the standards
 * recommend, where they do), "tern" (what tern_config_default() has). NULL past the last. */
const char *tern_profile_at(unsigned n);
/* 0; -TERN_ENOENT: there is no such profile, and error (if not NULL) names those that there are. */
int tern_profile_set(struct tern_config *config, const char *profile, char error[TERN_SETTING_ERROR]);

#ifdef __cplusplus
}
#endif

#endif
