/* What tern sends passes one impairment on its way to the device. What the device has received is sent, by us, through
 * another, which stands on one end of a pair; what is out at the other end has arrived. */
#include "gateway/impaired.h"

#include <stdlib.h>

#include <tern/loop.h>

enum { BATCH = 64, PAIR_MTU = 65535 /* frames are longer than packets, and each has been let through already */ };

struct impaired {
	struct tern_link  link; /* first */
	struct tern_link *out;	/* stands on the device */
	struct tern_link *in;	/* stands on one end of the pair */
	struct tern_link *arrived; /* its other end */
};

static struct impaired *impaired_of(struct tern_link *link)
{
	return (struct impaired *)link;
}

static size_t impaired_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	struct tern_link *const out = impaired_of(link)->out;

	return out->ops->send(out, batch, n, now);
}

static size_t impaired_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	const struct impaired *const impaired = impaired_of(link);
	struct tern_link *const	     in = impaired->in;
	tern_packet		    *came[BATCH];
	const size_t		     n = impaired->out->ops->receive(impaired->out, came, BATCH, now);

	if (n > 0) /* it takes everything; what it cannot keep is lost, as in a queue */
		(void)in->ops->send(in, came, n, now);
	(void)in->ops->receive(in, came, BATCH, now); /* what is due goes on; nothing comes from there */
	return impaired->arrived->ops->receive(impaired->arrived, batch, room, now);
}

static tern_time impaired_deadline(const struct tern_link *link)
{
	const struct impaired *const impaired = (const struct impaired *)link;
	const tern_time		     out = impaired->out->ops->deadline(impaired->out);
	const tern_time		     in = impaired->in->ops->deadline(impaired->in);

	return out < in ? out : in;
}

static int impaired_fd(const struct tern_link *link)
{
	const struct impaired *const impaired = (const struct impaired *)link;

	return impaired->out->ops->fd(impaired->out);
}

static void impaired_close(struct tern_link *link)
{
	struct impaired *const impaired = impaired_of(link);

	impaired->in->ops->close(impaired->in);
	impaired->arrived->ops->close(impaired->arrived);
	impaired->out->ops->close(impaired->out);
	free(impaired);
}

static const struct tern_link_ops impaired_ops = {
	.name = "impaired",
	.send = impaired_send,
	.receive = impaired_receive,
	.deadline = impaired_deadline,
	.fd = impaired_fd,
	.close = impaired_close,
};

/* The way in: an impairment on one end of a pair. */
static int make_way_in(struct impaired *impaired, const struct tern_impair *settings)
{
	const struct tern_link_config config = { .mtu = PAIR_MTU };
	struct tern_impair	      in = *settings;
	struct tern_link	     *end[2];
	int error = tern_pair_create(end, &config, tern_allocator_default());

	if (error)
		return error;
	in.seed++;
	error = tern_impair_create(&impaired->in, end[0], &in, tern_allocator_default());
	if (error) {
		end[0]->ops->close(end[0]);
		end[1]->ops->close(end[1]);
		return error;
	}
	impaired->arrived = end[1];
	return 0;
}

int impaired_create(struct tern_link **link, struct tern_link *under, const struct tern_impair *settings)
{
	struct impaired *const impaired = calloc(1, sizeof *impaired);

	if (!impaired)
		return -TERN_ENOMEM;
	int error = make_way_in(impaired, settings);
	if (!error)
		error = tern_impair_create(&impaired->out, under, settings, tern_allocator_default());
	if (error) {
		if (impaired->in) {
			impaired->in->ops->close(impaired->in);
			impaired->arrived->ops->close(impaired->arrived);
		}
		free(impaired);
		return error;
	}
	impaired->link = (struct tern_link){ .ops = &impaired_ops, .config = impaired->out->config };
	*link = &impaired->link;
	return 0;
}
