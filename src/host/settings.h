/* A row of the table of settings, from the inside. */
#ifndef HOST_SETTINGS_H
#define HOST_SETTINGS_H

#include <tern/settings.h>

/* How a value lies in struct tern_config. */
enum setting_store {
	STORE_U8, STORE_U16, STORE_U32, STORE_SIZE,
	STORE_S, STORE_MS, STORE_US, /* a tern_time, told in this unit */
	STORE_ON,		     /* a bool: not 0 */
	STORE_OFF,		     /* a bool that says what is off: 0 */
	STORE_ECN,		     /* enum tern_ecn; 0 is no_ecn */
	STORE_MTU_PROBING,	     /* 1 or 2; 0 is no_mtu_probing */
	STORE_RETRIES2, STORE_SYN_RETRIES, /* a tern_time, told as retransmissions */
	STORE_RMEM, STORE_WMEM, STORE_PORTS, STORE_CONTROLLER, STORE_SYN_OPTIONS,
};

enum { SETTING_PROFILES = 3 };

struct setting {
	struct tern_setting is;
	enum setting_store  store;
	size_t		    at; /* in struct tern_config */
	const char	   *profile[SETTING_PROFILES]; /* freebsd, linux, rfc; NULL: the machine's, or another row's */
};

/* By place and name; NULL: none. */
const struct setting *setting_at(unsigned n);
const struct setting *setting_by_name(const char *name);

static inline bool setting_is_of_profiles(const struct setting *setting)
{
	return setting->profile[0] != NULL;
}

/* -TERN_ENOENT, and error (if not NULL) names the profiles. */
int setting_no_profile(const char *profile, char error[TERN_SETTING_ERROR]);

#endif
