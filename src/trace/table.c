#include "trace/table.h"

#include "watch/label.h"
#include "watch/text.h"

#include <inttypes.h>
#include <string.h>

enum { NAME_LEAST = 15, CELL = 24 };

void trace_table_init(struct trace_table *table, FILE *to, bool json, bool ascii, bool as_they_come)
{
	*table = (struct trace_table){ .to = to,
				       .json = json,
				       .ascii = ascii,
				       .as_they_come = as_they_come,
				       .width = { NAME_LEAST, NAME_LEAST } };
	if (!as_they_come)
		table->spool = tmpfile();
	table->as_they_come = !table->spool;
	if (as_they_come)
		table->width[0] = table->width[1] = 21; /* "255.255.255.255:65535" */
}

static void take_side(struct trace_row_side *side, const struct trace_end *end)
{
	*side = (struct trace_row_side){
		.n = end->n,
		.rtt_min = end->rtts ? end->rtt_min : -1,
		.srtt = end->rtts ? end->srtt : -1,
		.state = end->state,
		.has_state = end->has_state,
		.is_proved = end->is_proved,
		.near = end->near,
		.mss = end->mss,
		.wscale = end->wscale,
		.has_wscale = end->has_wscale,
		.has_sack = end->has_sack,
		.has_ts = end->has_ts,
		.has_syn = end->has_syn,
	};
}

void trace_row_of(struct trace_row *row, const struct trace_flow *flow)
{
	memset(row, 0, sizeof *row); /* it goes to a file, padding and all */
	row->number = flow->number;
	row->tuple = flow->tuple;
	row->opener_known = flow->opener_known;
	row->opened = flow->opened;
	row->closed = flow->closed;
	row->closer = flow->closer;
	row->first = flow->first;
	row->last = flow->last;
	row->rtt = trace_flow_rtt(flow);
	row->handshake = flow->handshake;
	row->packet_first = flow->packet_first;
	row->packet_last = flow->packet_last;
	row->segments = flow->segments;
	take_side(&row->side[0], &flow->end[0]);
	take_side(&row->side[1], &flow->end[1]);
}

/* ---- as text ---- */

static const char *octets(char to[CELL], uint64_t n)
{
	static const char units[] = "kMGTP";
	double		  value = (double)n / 1e3;
	int		  unit = 0;

	if (n < 100000)
		(void)snprintf(to, CELL, "%" PRIu64, n);
	else {
		for (; value >= 999.5 && unit < 4; unit++)
			value /= 1e3;
		(void)snprintf(to, CELL,
			       value < 9.995   ? "%.2f %c"
			       : value < 99.95 ? "%.1f %c"
					       : "%.0f %c",
			       value, units[unit]);
	}
	return to;
}

static const char *seconds(char to[CELL], tern_time span)
{
	const double s = (double)span / 1e9;

	(void)snprintf(to, CELL,
		       s < 1e-3 ? "%.0f us"
		       : s < 1	? "%.1f ms"
				: "%.3f s",
		       s < 1e-3 ? s * 1e6
		       : s < 1	? s * 1e3
				: s);
	return to;
}

static void put_head(struct trace_table *table)
{
	if (table->has_head)
		return;
	table->has_head = true;
	fprintf(table->to, "%5s  %-*s  %-*s  %-11s %-12s %8s %8s %10s %6s %6s %5s %9s\n", "#",
		(int)table->width[0], "opened by", (int)table->width[1], "to", "opening", "close",
		table->ascii ? "->octets" : "► octets", table->ascii ? "<-octets" : "◄ octets", "duration",
		"again", "order", "zero", "RTT");
}

static void put_row(struct trace_table *table, const struct trace_row *row)
{
	const struct trace_counts *const a = &row->side[0].n, *const b = &row->side[1].n;
	char ends[2][60], text[2][CELL], span[CELL], rtt[CELL];

	label_endpoint(ends[0], &row->tuple.local, row->tuple.local_port);
	label_endpoint(ends[1], &row->tuple.remote, row->tuple.remote_port);
	if (!row->opener_known)
		memcpy(ends[0] + strlen(ends[0]), "?", 2);
	put_head(table);
	fprintf(table->to,
		"%5" PRIu32 "  %-*s  %-*s  %-11s %-12s %8s %8s %10s %6" PRIu64 " %6" PRIu64 " %5" PRIu64
		" %9s\n",
		row->number, (int)table->width[0], ends[0], (int)table->width[1], ends[1],
		trace_opened_name((enum trace_opened)row->opened),
		trace_closed_name((enum trace_closed)row->closed), octets(text[0], a->text),
		octets(text[1], b->text), seconds(span, row->last - row->first),
		a->retransmitted + b->retransmitted, a->out_of_order + b->out_of_order,
		a->zero_windows + b->zero_windows, row->rtt > 0 ? seconds(rtt, row->rtt) : "-");
}

/* ---- as JSON ---- */

static void put_time(FILE *to, const char *name, tern_time t)
{
	if (t >= 0)
		fprintf(to, ",\"%s\":%" PRId64, name, t);
	else
		fprintf(to, ",\"%s\":null", name);
}

static void put_side(FILE *to, const char *name, const struct trace_row_side *side)
{
	static const char *const	 nears[] = { "no", "judged", "told", "no" };
	const struct trace_counts *const n = &side->n;
	const struct {
		const char *name;
		uint64_t    value;
	} counts[] = {
		{ "segments", n->segments },
		{ "text", n->text },
		{ "octets", n->octets },
		{ "retransmitted", n->retransmitted },
		{ "retransmitted_octets", n->retransmitted_octets },
		{ "fast", n->fast },
		{ "timeout", n->timeout },
		{ "tail_probes", n->tail_probes },
		{ "path_mtu", n->path_mtu },
		{ "needless", n->needless },
		{ "lost_after", n->lost_after },
		{ "lost_before", n->lost_before },
		{ "out_of_order", n->out_of_order },
		{ "duplicates", n->duplicates },
		{ "duplicate_acks", n->duplicate_acks },
		{ "zero_windows", n->zero_windows },
		{ "window_full", n->window_full },
		{ "window_probes", n->probes },
		{ "keepalives", n->keepalives },
		{ "challenge_acks", n->challenges },
		{ "resets", n->resets },
		{ "bad_checksum", n->corrupt },
		{ "missing_octets", n->missing },
	};

	fprintf(to, ",\"%s\":{\"state\":", name);
	if (side->has_state)
		fprintf(to, "\"%s\",\"basis\":\"%s\"", tern_state_name(side->state),
			tern_basis_name(side->is_proved ? TERN_BASIS_OBSERVED : TERN_BASIS_INFERRED));
	else
		fputs("null,\"basis\":null", to);
	fprintf(to, ",\"near\":\"%s\"", nears[side->near]);
	put_time(to, "rtt_min", side->rtt_min);
	put_time(to, "srtt", side->srtt);
	if (side->has_syn) {
		fprintf(to, ",\"mss\":%u,\"sack\":%s,\"ts\":%s", side->mss, side->has_sack ? "true" : "false",
			side->has_ts ? "true" : "false");
		if (side->has_wscale)
			fprintf(to, ",\"wscale\":%u", side->wscale);
	}
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		fprintf(to, ",\"%s\":%" PRIu64, counts[i].name, counts[i].value);
	fputc('}', to);
}

void trace_row_json(FILE *to, const struct trace_row *row)
{
	char ends[2][56];

	fprintf(to,
		"{\"v\":1,\"t\":%" PRId64 ",\"conn\":%" PRIu32
		",\"ev\":\"connection\",\"ends\":[\"%s\",\"%s\"]",
		row->first, row->number, label_endpoint(ends[0], &row->tuple.local, row->tuple.local_port),
		label_endpoint(ends[1], &row->tuple.remote, row->tuple.remote_port));
	fprintf(to, ",\"opener_known\":%s,\"opened\":\"%s\",\"closed\":\"%s\"",
		row->opener_known ? "true" : "false", trace_opened_name((enum trace_opened)row->opened),
		trace_closed_name((enum trace_closed)row->closed));
	if (row->closed == TRACE_CLOSE_OPEN)
		fputs(",\"closer\":null", to);
	else
		fprintf(to, ",\"closer\":%u", row->closer);
	put_time(to, "duration", row->last - row->first);
	put_time(to, "rtt", row->rtt > 0 ? row->rtt : -1);
	put_time(to, "handshake", row->handshake);
	fprintf(to, ",\"packets\":[%" PRIu64 ",%" PRIu64 "],\"segments\":%" PRIu64, row->packet_first,
		row->packet_last, row->segments);
	put_side(to, "a", &row->side[0]);
	put_side(to, "b", &row->side[1]);
	fputs("}\n", to);
}

/* ---- the door ---- */

static void put(struct trace_table *table, const struct trace_row *row)
{
	if (table->json)
		trace_row_json(table->to, row);
	else
		put_row(table, row);
}

static void measure(struct trace_table *table, const struct trace_row *row)
{
	char	 end[56];
	unsigned n = text_columns(label_endpoint(end, &row->tuple.local, row->tuple.local_port)) +
		     !row->opener_known;

	if (n > table->width[0])
		table->width[0] = n;
	n = text_columns(label_endpoint(end, &row->tuple.remote, row->tuple.remote_port));
	if (n > table->width[1])
		table->width[1] = n;
}

void trace_table_add(struct trace_table *table, const struct trace_flow *flow)
{
	struct trace_row row;

	trace_row_of(&row, flow);
	table->rows++;
	if (table->as_they_come) {
		put(table, &row);
		return;
	}
	measure(table, &row);
	if (fseeko(table->spool, (off_t)(row.number - 1) * (off_t)sizeof row, SEEK_SET) != 0 ||
	    fwrite(&row, sizeof row, 1, table->spool) != 1)
		put(table, &row); /* no room there: at once, then */
}

bool trace_table_done(struct trace_table *table)
{
	struct trace_row row;
	bool		 failed;

	if (!table->spool)
		return true;
	rewind(table->spool);
	while (fread(&row, sizeof row, 1, table->spool) == 1)
		if (row.number != 0)
			put(table, &row);
	failed = ferror(table->spool) != 0;
	(void)fclose(table->spool);
	table->spool = NULL;
	return !failed;
}
