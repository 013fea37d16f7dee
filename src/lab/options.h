/* The command line of `tern lab`. */
#ifndef LAB_OPTIONS_H
#define LAB_OPTIONS_H

#include "lab/scenario.h"
#include "lab/why.h"

#include <tern/settings.h>

#include <stdio.h>

enum { LAB_CONTROLLERS = 8 }; /* --compare */
enum { LAB_DROPS = 64 }; /* --drop for each side, and the scenario's own */

enum { LAB_SETS = 32 };

struct lab_set { /* --set, --profile */
	unsigned sides; /* 1 << side */
	bool	 is_profile;
	char	 name[64], value[TERN_SETTING_VALUE];
};

enum lab_colour { LAB_COLOUR_AUTO, LAB_COLOUR_ALWAYS, LAB_COLOUR_NEVER };

struct lab_options {
	const struct lab_scenario *scenario;
	bool	     help, list;
	bool	     json, explain, mermaid, ascii, all, ipv6;
	enum lab_colour colour;
	enum explain_language language;
	unsigned     columns; /* 0: the terminal's */
	uint32_t     bytes;
	uint64_t     seed;
	uint32_t     mtu;
	struct lab_set set[LAB_SETS]; /* in their order */
	size_t	     n_set;
	const char  *cc;      /* NULL: the host's default */
	const struct lab_question *why; /* NULL: none */
	const char  *record;  /* file; NULL: none */
	const char  *pcap[LAB_SIDES]; /* file of the capture there; NULL: none */
	const char  *plot, *svg; /* files; NULL: none */
	char	     compare[LAB_CONTROLLERS][16]; /* the same run for each */
	size_t	     n_compare;
	struct tern_impair impair; /* both directions; seed, drop and fate are set later */
	uint64_t     drop[LAB_SIDES][LAB_DROPS]; /* rising */
	size_t	     n_drop[LAB_SIDES];
};

/* Reads arguments (without the program's and the subcommand's names). False: `error` (of size bytes) says
 * what is wrong and names it. */
bool lab_options_parse(struct lab_options *options, int n, char *const arguments[], char *error, size_t size);

/* 0, or as tern_setting_set() and tern_profile_set(). */
int lab_set_apply(const struct lab_set *set, struct tern_config *config, char error[TERN_SETTING_ERROR]);
/* The same for another scenario: its amount and what it loses, in the place of what was asked for. */
void lab_options_scenario(struct lab_options *options, const struct lab_scenario *scenario);

void lab_help(FILE *to);
void lab_list(FILE *to, enum explain_language language);

#endif
