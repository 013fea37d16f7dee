/* Values of settings as text, in and out of struct tern_config; and what is said where one is wrong. */
#include "base/bytes.h"
#include "host/settings.h"
#include "tcp/congestion.h"

/* ---- text ---- */

struct text {
	char  *at;
	size_t n, room; /* room: with the final zero */
};

static void put(struct text *text, const char *from)
{
	for (; *from && text->n + 1 < text->room; from++)
		text->at[text->n++] = *from;
	text->at[text->n] = '\0';
}

static void put_number(struct text *text, int64_t value)
{
	char	 digits[24];
	unsigned at = sizeof digits - 1;

	digits[at] = '\0';
	do
		digits[--at] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	put(text, digits + at);
}

/* NULL: the caller does not want to know. */
static struct text begin(char *error, char own[TERN_SETTING_ERROR])
{
	struct text text = { .at = error ? error : own, .room = TERN_SETTING_ERROR };

	text.at[0] = '\0';
	return text;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static int digit_of(char c, int base)
{
	int digit = c - '0';

	if (c >= 'a' && c <= 'f')
		digit = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		digit = c - 'A' + 10;
	else if (c > '9')
		digit = -1;
	return digit >= 0 && digit < base ? digit : -1;
}

/* One number, and where it ends. False: none, or more than 2^62. */
static bool number_at(const char **at, int64_t *value)
{
	const bool  hex = (*at)[0] == '0' && ((*at)[1] | 0x20) == 'x';
	const char *p = *at + (hex ? 2 : 0);
	const int   base = hex ? 16 : 10;

	if (digit_of(*p, base) < 0)
		return false;
	for (*value = 0; digit_of(*p, base) >= 0; p++) {
		if (*value > INT64_C(1) << 57)
			return false;
		*value = *value * base + digit_of(*p, base);
	}
	*at = p;
	return true;
}

/* n numbers, each in the setting's range, apart by blanks, and nothing else. */
static bool numbers(const struct tern_setting *is, const char *text, int64_t *values, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		while (is_blank(*text))
			text++;
		if (!number_at(&text, &values[i]) || values[i] < is->least || values[i] > is->most)
			return false;
		if (*text && !is_blank(*text))
			return false;
	}
	while (is_blank(*text))
		text++;
	return *text == '\0';
}

/* ---- what is said ---- */

static void put_wanted(struct text *text, const struct tern_setting *is)
{
	switch (is->kind) {
	case TERN_SETTING_SWITCH: put(text, "0 or 1"); return;
	case TERN_SETTING_WORD: put(text, "one of: "); put(text, is->what); return;
	case TERN_SETTING_SIZES: put(text, "three rising whole numbers from "); break;
	case TERN_SETTING_PORTS: put(text, "two rising whole numbers from "); break;
	case TERN_SETTING_NUMBER: put(text, "a whole number from "); break;
	}
	put_number(text, is->least);
	put(text, " to ");
	put_number(text, is->most);
	if (*is->unit) {
		put(text, " (");
		put(text, is->unit);
		put(text, ")");
	}
}

static int wrong_value(const struct tern_setting *is, const char *value, char *error)
{
	char	    own[TERN_SETTING_ERROR];
	struct text text = begin(error, own);

	put(&text, is->name);
	put(&text, ": '");
	put(&text, value);
	put(&text, "' is not ");
	put_wanted(&text, is);
	return -TERN_EINVAL;
}

static int no_setting(const char *name, char *error)
{
	char	    own[TERN_SETTING_ERROR];
	struct text text = begin(error, own);

	put(&text, "there is no setting '");
	put(&text, name);
	put(&text, "' (see tern settings)");
	return -TERN_ENOENT;
}

int setting_no_profile(const char *profile, char error[TERN_SETTING_ERROR])
{
	char	    own[TERN_SETTING_ERROR];
	struct text text = begin(error, own);

	put(&text, "there is no profile '");
	put(&text, profile);
	put(&text, "', but");
	for (unsigned i = 0; tern_profile_at(i); i++) {
		put(&text, i == 0 ? " " : ", ");
		put(&text, tern_profile_at(i));
	}
	return -TERN_ENOENT;
}

/* ---- retransmissions and times ---- */

/* After how long n retransmissions and the last wait are over, from an RTO of first. At most a day. */
static tern_time time_of_retries(int64_t n, tern_time first, tern_time most)
{
	const tern_time day = 86400 * TERN_SECOND;
	tern_time	total = 0, rto = first < most ? first : most;

	for (int64_t i = 0; i <= n && total < day; i++) {
		total += rto;
		rto = rto > most / 2 ? most : 2 * rto;
	}
	return total < day ? total : day;
}

/* The fewest whose time is not less. */
static int64_t retries_of_time(tern_time time, tern_time first, tern_time most)
{
	int64_t n = 0;

	while (n < 255 && time_of_retries(n, first, most) < time)
		n++;
	return n;
}

static tern_time rto_first(const struct tern_config *config, enum setting_store store)
{
	return store == STORE_RETRIES2 ? 200 * TERN_MILLISECOND : config->rto_initial; /* Linux's TCP_RTO_MIN */
}

/* ---- set ---- */

static void store_number(struct tern_config *config, const struct setting *setting, int64_t value)
{
	char *const at = (char *)config + setting->at;

	switch (setting->store) {
	case STORE_U8: *(uint8_t *)at = (uint8_t)value; return;
	case STORE_U16: *(uint16_t *)at = (uint16_t)value; return;
	case STORE_U32: *(uint32_t *)at = (uint32_t)value; return;
	case STORE_SIZE: *(size_t *)at = (size_t)value; return;
	case STORE_S: *(tern_time *)at = value * TERN_SECOND; return;
	case STORE_MS: *(tern_time *)at = value * TERN_MILLISECOND; return;
	case STORE_US: *(tern_time *)at = value * TERN_MICROSECOND; return;
	case STORE_ON: *(bool *)at = value != 0; return;
	case STORE_OFF: *(bool *)at = value == 0; return;
	case STORE_RETRIES2:
	case STORE_SYN_RETRIES:
		*(tern_time *)at = time_of_retries(value, rto_first(config, setting->store), config->rto_max);
		return;
	case STORE_ECN:
		config->ecn = (uint8_t)value;
		config->no_ecn = value == 0; /* a zero alone would mean the default */
		return;
	case STORE_MTU_PROBING:
		config->no_mtu_probing = value == 0;
		config->mtu_probing = (uint8_t)(value > 0 ? value : 1);
		return;
	default: return;
	}
}

static bool store_sizes(struct tern_config *config, const struct setting *setting, const char *value)
{
	int64_t sizes[3];

	if (!numbers(&setting->is, value, sizes, 3) || sizes[0] > sizes[1] || sizes[1] > sizes[2])
		return false;
	if (setting->store == STORE_RMEM) {
		config->receive_buffer = (uint32_t)sizes[1];
		config->receive_buffer_max = (uint32_t)sizes[2];
	} else {
		config->send_buffer_max = (uint32_t)sizes[2];
	}
	return true;
}

static bool store_ports(struct tern_config *config, const struct setting *setting, const char *value)
{
	int64_t ports[2];

	if (!numbers(&setting->is, value, ports, 2) || ports[0] > ports[1])
		return false;
	config->port_low = (uint16_t)ports[0];
	config->port_high = (uint16_t)ports[1];
	return true;
}

static bool same_word(const char *text, const char *word)
{
	while (is_blank(*text))
		text++;
	for (; *word && *text == *word; text++, word++)
		;
	while (is_blank(*text))
		text++;
	return *text == '\0' && *word == '\0';
}

static const char *const syn_options[] = { [TERN_SYN_OPTIONS_LINUX] = "linux", [TERN_SYN_OPTIONS_FREEBSD] = "freebsd" };

static bool store_word(struct tern_config *config, const struct setting *setting, const char *value)
{
	if (setting->store == STORE_SYN_OPTIONS) {
		for (size_t i = 0; i < sizeof syn_options / sizeof syn_options[0]; i++)
			if (same_word(value, syn_options[i])) {
				config->syn_options = (uint8_t)i;
				return true;
			}
		return false;
	}
	for (int i = 0; cc_at(config, i); i++)
		if (same_word(value, cc_at(config, i)->name)) {
			config->congestion_control = cc_at(config, i)->name; /* not value: that is the caller's */
			return true;
		}
	return false;
}

int tern_setting_set(struct tern_config *config, const char *name, const char *value, char error[TERN_SETTING_ERROR])
{
	const struct setting *const setting = setting_by_name(name);
	int64_t			    number;
	bool			    good;

	if (!setting)
		return no_setting(name, error);
	switch (setting->is.kind) {
	case TERN_SETTING_SIZES: good = store_sizes(config, setting, value); break;
	case TERN_SETTING_PORTS: good = store_ports(config, setting, value); break;
	case TERN_SETTING_WORD: good = store_word(config, setting, value); break;
	default:
		good = numbers(&setting->is, value, &number, 1);
		if (good)
			store_number(config, setting, number);
	}
	return good ? 0 : wrong_value(&setting->is, value, error);
}

/* ---- get ---- */

static int64_t number_of(const struct tern_config *config, const struct setting *setting)
{
	const char *const at = (const char *)config + setting->at;

	switch (setting->store) {
	case STORE_U8: return *(const uint8_t *)at;
	case STORE_U16: return *(const uint16_t *)at;
	case STORE_U32: return *(const uint32_t *)at;
	case STORE_SIZE: return (int64_t)*(const size_t *)at;
	case STORE_S: return *(const tern_time *)at / TERN_SECOND;
	case STORE_MS: return *(const tern_time *)at / TERN_MILLISECOND;
	case STORE_US: return *(const tern_time *)at / TERN_MICROSECOND;
	case STORE_ON: return *(const bool *)at;
	case STORE_OFF: return *(const bool *)at ? 0 : min_i64(setting->is.most, 3); /* as Linux tells it */
	case STORE_RETRIES2:
	case STORE_SYN_RETRIES:
		return retries_of_time(*(const tern_time *)at, rto_first(config, setting->store), config->rto_max);
	case STORE_ECN: return config->no_ecn ? TERN_ECN_OFF : config->ecn;
	case STORE_MTU_PROBING: return config->no_mtu_probing ? 0 : config->mtu_probing;
	default: return 0;
	}
}

static void put_sizes(struct text *text, int64_t least, int64_t first, int64_t most)
{
	put_number(text, least < first ? least : first);
	put(text, " ");
	put_number(text, first);
	put(text, " ");
	put_number(text, most);
}

int tern_setting_get(const struct tern_config *config, const char *name, char value[TERN_SETTING_VALUE])
{
	enum { LEAST = 4096, SEND_FIRST = 65536 };
	const struct setting *const setting = setting_by_name(name);
	struct text		    text = { .at = value, .room = TERN_SETTING_VALUE };

	value[0] = '\0';
	if (!setting)
		return -TERN_ENOENT;
	switch (setting->store) {
	case STORE_RMEM: put_sizes(&text, LEAST, config->receive_buffer, config->receive_buffer_max); break;
	case STORE_WMEM: /* what it begins with is 64 KiB beside the window (tcp/tune.h) */
		put_sizes(&text, LEAST, min_u32(SEND_FIRST, config->send_buffer_max), config->send_buffer_max);
		break;
	case STORE_PORTS:
		put_number(&text, config->port_low);
		put(&text, " ");
		put_number(&text, config->port_high);
		break;
	case STORE_CONTROLLER: put(&text, config->congestion_control); break;
	case STORE_SYN_OPTIONS: put(&text, syn_options[config->syn_options]); break;
	default: put_number(&text, number_of(config, setting));
	}
	return 0;
}

/* ---- together ---- */

/* a is to be at most b. */
static bool in_order(const struct tern_config *config, const char *a, int64_t a_is, const char *b, int64_t b_is,
		     char *error)
{
	char	    own[TERN_SETTING_ERROR], value[TERN_SETTING_VALUE];
	struct text text = begin(error, own);

	if (a_is <= b_is)
		return true;
	put(&text, a);
	put(&text, " (");
	(void)tern_setting_get(config, a, value);
	put(&text, value);
	put(&text, ") is to be at most ");
	put(&text, b);
	put(&text, " (");
	(void)tern_setting_get(config, b, value);
	put(&text, value);
	put(&text, ")");
	return false;
}

int tern_settings_check(const struct tern_config *config, char error[TERN_SETTING_ERROR])
{
	const char *const initial = "tern.rto_initial_ms", *const least = "net.ipv4.tcp_rto_min_us",
			  *const most = "net.ipv4.tcp_rto_max_ms";

	return in_order(config, least, config->rto_min, most, config->rto_max, error) &&
			       in_order(config, least, config->rto_min, initial, config->rto_initial, error) &&
			       in_order(config, initial, config->rto_initial, most, config->rto_max, error) ?
		       0 :
		       -TERN_EINVAL;
}
