/* The table of connections: a row each, kept in a file without a name until the capture has ended, so that memory does
 * not grow with it; then written in the order of their numbers, as text or as JSON lines.
 */
#ifndef TRACE_TABLE_H
#define TRACE_TABLE_H

#include "trace/flow.h"

#include <stdio.h>

struct trace_row_side {
	struct trace_counts n;
	tern_time	    rtt_min, srtt;
	enum tern_state	    state;
	bool		    has_state, is_proved;
	uint8_t		    near;
	uint16_t	    mss;
	uint8_t		    wscale;
	bool		    has_wscale, has_sack, has_ts, has_syn;
};

struct trace_row {
	uint32_t	      number;
	struct tern_tuple     tuple; /* local: side 0 */
	bool		      opener_known, missing_story;
	uint8_t		      opened, closed, closer;
	tern_time	      first, last, rtt, handshake;
	uint64_t	      packet_first, packet_last, segments;
	struct trace_row_side side[2];
};

struct trace_table {
	FILE	*spool; /* rows by number; NULL: none could be had, rows are written as they come */
	FILE	*to;
	bool	 json, ascii, as_they_come, has_head;
	uint32_t rows;
	unsigned width[2]; /* of the ends' names */
};

/* as_they_come: each row at once, in the order in which connections end. */
void trace_table_init(struct trace_table *table, FILE *to, bool json, bool ascii, bool as_they_come);
void trace_table_add(struct trace_table *table, const struct trace_flow *flow);
/* Writes what is kept. False: the file without a name failed. */
bool trace_table_done(struct trace_table *table);

void trace_row_of(struct trace_row *row, const struct trace_flow *flow);
/* An object on a line of its own. */
void trace_row_json(FILE *to, const struct trace_row *row);

#endif
