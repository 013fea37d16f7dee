#include "lab/compare.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void of_series(struct lab_result *result)
{
	const struct plot_line *const cwnd = &result->plot.line[PLOT_CWND], *const srtt =
										    &result->plot
											     .line[PLOT_SRTT];

	for (size_t i = 0; i < cwnd->n; i++)
		if (cwnd->points[i].value > result->cwnd_most)
			result->cwnd_most = (uint32_t)cwnd->points[i].value;
	for (size_t i = 0; i < srtt->n; i++) {
		const tern_time value = (tern_time)(srtt->points[i].value * 1e9);

		result->srtt_most = value > result->srtt_most ? value : result->srtt_most;
		result->srtt_least = i == 0 || value < result->srtt_least ? value : result->srtt_least;
	}
}

static void of_line(const struct timeline_line *line, struct lab_result *result, tern_time *began,
		    tern_time *ended)
{
	const bool its_own = line->host == result->side;

	if (line->kind == TIMELINE_ARRIVED && !its_own && line->event.u.segment.len > 0)
		*ended = line->event.now;
	if (!its_own)
		return;
	if (line->kind == TIMELINE_SENT) {
		*began = *began == TERN_NEVER ? line->event.now : *began;
		result->segments++;
		result->again += line->event.u.segment.retransmitted;
		result->probes += line->event.u.segment.retransmitted && line->has_why &&
				  line->why == TERN_RETRANSMIT_TAIL_PROBE;
		result->lost += line->has_fate && line->arrives == TERN_NEVER;
	}
	if (line->kind == TIMELINE_TIMER && line->event.u.timer.timer == TERN_TIMER_RETRANSMIT &&
	    line->event.u.timer.action == TERN_TIMER_FIRED)
		result->timeouts++;
}

void lab_result_of(const struct lab_world *world, const char *controller, bool as_expected,
		   struct lab_result *result)
{
	const struct timeline_totals *const totals = world->timeline.totals;
	tern_time			    began = TERN_NEVER, ended = 0;

	*result = (struct lab_result){
		.side = totals[LAB_SERVER].text_sent > totals[LAB_CLIENT].text_sent ? LAB_SERVER : LAB_CLIENT,
		.as_expected = as_expected,
	};
	snprintf(result->controller, sizeof result->controller, "%s", controller);
	for (size_t i = 0; i < world->timeline.n; i++)
		of_line(&world->timeline.lines[i], result, &began, &ended);
	result->octets = totals[result->side].text_sent - totals[result->side].text_retransmitted;
	result->took = began == TERN_NEVER || ended < began ? 0 : ended - began;
	result->plot = world->plot[result->side]; /* the world gives it away */
	plot_read(&result->plot, &world->timeline, result->side);
	of_series(result);
}

static double goodput(const struct lab_result *result)
{
	return result->took > 0 ? (double)result->octets * 8e3 / (double)result->took : 0; /* Mbit/s */
}

void lab_results_print(const struct lab_result *results, size_t n)
{
	printf("%-10s %10s %14s %9s %6s %6s %6s %9s %10s %15s\n", "controller", "seconds", "goodput",
	       "segments", "again", "probes", "lost", "time-outs", "most cwnd", "srtt");
	for (size_t i = 0; i < n; i++) {
		const struct lab_result *const one = &results[i];
		char			       srtt[40], rate[24];

		snprintf(srtt, sizeof srtt, "%.1f-%.1f ms", (double)one->srtt_least / 1e6,
			 (double)one->srtt_most / 1e6);
		snprintf(rate, sizeof rate, "%.3g Mbit/s", goodput(one));
		printf("%-10s %10.3f %14s %9" PRIu64 " %6" PRIu64 " %6" PRIu64 " %6" PRIu64 " %9" PRIu64
		       " %7.1f kB %15s%s\n",
		       one->controller, (double)one->took / 1e9, rate, one->segments, one->again, one->probes,
		       one->lost, one->timeouts, one->cwnd_most / 1e3, srtt,
		       one->as_expected ? "" : "  not as expected");
	}
}

void lab_results_json(const struct lab_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct lab_result *const one = &results[i];

		printf("{\"controller\": \"%s\", \"host\": \"%s\", \"as_expected\": %s, "
		       "\"seconds\": %.9f, \"octets\": %" PRIu64
		       ", \"goodput_mbit\": %.6g, \"segments\": %" PRIu64 ", \"retransmitted\": %" PRIu64
		       ", \"tail_probes\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"timeouts\": %" PRIu64
		       ", \"cwnd_most\": %" PRIu32 ", \"srtt_least\": %.9f, \"srtt_most\": %.9f}\n",
		       one->controller, lab_side_names[one->side], one->as_expected ? "true" : "false",
		       (double)one->took / 1e9, one->octets, goodput(one), one->segments, one->again,
		       one->probes, one->lost, one->timeouts, one->cwnd_most, (double)one->srtt_least / 1e9,
		       (double)one->srtt_most / 1e9);
	}
}

int lab_results_plot(const char *file, const struct lab_result *results, size_t n, const char *title)
{
	struct plot_column columns[LAB_CONTROLLERS];
	FILE *const	   to = fopen(file, "w");
	int		   error;

	if (!to)
		return -errno;
	for (size_t i = 0; i < n; i++)
		columns[i] = (struct plot_column){ &results[i].plot, results[i].controller };
	error = plot_write(to, columns, n, title);
	if (ferror(to) && error == 0)
		error = -EIO;
	if (fclose(to) != 0 && error == 0)
		error = -errno;
	return error;
}
