/* A host's packets, each with its comment. */
#include "watch/host_capture.h"

#include "watch/remark.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TOLD = 256 }; /* at once: more than a batch */

struct told {
	uint64_t id;
	bool	 is_set;
	char	 comment[REMARK_SIZE];
};

struct host_capture {
	FILE	      *to;
	struct remarks remarks;
	struct told    in[TOLD], out[TOLD]; /* by place in the batch; by id */
	size_t	       n_in;
};

int host_capture_open(struct host_capture **capture, const char *path, enum pcapng_link link, const char *name)
{
	struct host_capture *const made = calloc(1, sizeof *made);

	if (made == NULL)
		return -ENOMEM;
	made->to = fopen(path, "we");
	if (made->to == NULL) {
		const int error = -errno;

		free(made);
		return error;
	}
	pcapng_begin(made->to, link, name);
	*capture = made;
	return 0;
}

int host_capture_close(struct host_capture *capture)
{
	int error = 0;

	if (capture == NULL)
		return 0;
	if (ferror(capture->to) != 0)
		error = -EIO;
	errno = EIO;
	if (fclose(capture->to) != 0 && error == 0)
		error = -errno;
	free(capture);
	return error;
}

void host_capture_event(struct host_capture *capture, const struct tern_watch_event *event)
{
	const bool  drop = event->kind == TERN_WATCH_PACKET_DROP;
	char	    said[REMARK_SIZE];
	struct told *told = NULL;

	switch (remark_of(&capture->remarks, event, said)) {
	case REMARK_NONE: return;
	case REMARK_SENT:
		told = &capture->out[event->u.segment.id % TOLD];
		told->id = event->u.segment.id;
		break;
	case REMARK_ARRIVED: /* one that came twice has one mark: the first is told of first */
		for (size_t i = 0; i < capture->n_in && told == NULL; i++)
			if (!capture->in[i].is_set &&
			    capture->in[i].id == (drop ? event->u.drop.mark : event->u.segment.mark))
				told = &capture->in[i];
		break;
	}
	if (told == NULL)
		return;
	told->is_set = true;
	memcpy(told->comment, said, sizeof said);
}

void host_capture_coming(struct host_capture *capture, tern_packet *const batch[], size_t n)
{
	remark_forget(&capture->remarks);
	capture->n_in = n < TOLD ? n : TOLD;
	for (size_t i = 0; i < capture->n_in; i++)
		capture->in[i] = (struct told){ .id = batch[i]->mark };
}

void host_capture_came(struct host_capture *capture, tern_packet *const batch[], size_t n, tern_time now)
{
	for (size_t i = 0; i < n; i++)
		pcapng_whole(capture->to, now, PCAPNG_INBOUND, batch[i],
			     i < capture->n_in && capture->in[i].is_set ? capture->in[i].comment : NULL);
	capture->n_in = 0;
	remark_forget(&capture->remarks);
}

void host_capture_left(struct host_capture *capture, tern_packet *const batch[], size_t n, tern_time now)
{
	for (size_t i = 0; i < n; i++) {
		struct told *const told = &capture->out[batch[i]->id % TOLD];
		const bool	   is_its = told->is_set && told->id == batch[i]->id;

		pcapng_whole(capture->to, now, PCAPNG_OUTBOUND, batch[i], is_its ? told->comment : NULL);
	}
}
