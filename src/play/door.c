#include "play/door.h"

#include "base/bytes.h"
#include "play/play.h"
#include "watch/text.h"

#include <tern/loop.h>

/* One page has one run. */
static struct {
	struct play	  play;
	struct play_share share;
	bool		  runs;
	const char	 *wrong;
	size_t		  at; /* where in the share */
	char		  room[DOOR_ROOM];
} door;

char *door_room(void)
{
	return door.room;
}

static int32_t refused(const char *wrong, size_t at)
{
	door.wrong = wrong;
	door.at = at;
	return -1;
}

uint32_t door_wrong(void)
{
	struct text out;

	text_init(&out, door.room, sizeof door.room);
	if (door.at > 0)
		text_format(&out, "at %u: ", (unsigned)door.at);
	text_put(&out, door.wrong ? door.wrong : "");
	return (uint32_t)out.n;
}

int32_t door_start(uint32_t n)
{
	size_t at;
	const char *const wrong = play_share_read(&door.share, door.room, min_size(n, sizeof door.room), &at);

	if (wrong)
		return refused(wrong, at);
	if (door.runs)
		play_destroy(&door.play);
	door.runs = play_create(&door.play, &door.share, tern_allocator_default()) == 0;
	return door.runs ? 0 : refused("no memory", 0);
}

void door_run(double until)
{
	if (door.runs && until >= 0)
		play_run(&door.play, until < (double)PLAY_LONGEST ? (tern_time)until : PLAY_LONGEST);
}

double door_now(void)
{
	return door.runs ? (double)door.play.now : 0;
}

double door_next(void)
{
	const tern_time next = door.runs ? play_next(&door.play) : TERN_NEVER;

	return next == TERN_NEVER ? -1 : (double)next;
}

static const char *read_action(struct play_action *action, uint32_t n)
{
	return door.runs ? play_action_read(action, door.room, min_size(n, sizeof door.room)) : "there is no run";
}

int32_t door_act(uint32_t n)
{
	struct play_action action;
	const char *const wrong = read_action(&action, n);

	if (wrong)
		return refused(wrong, 0);
	switch (play_act(&door.play, &action)) {
	case 0: return 0;
	case -TERN_ENOMEM: return refused("too many actions", 0);
	default: return refused("it cannot be done now", 0);
	}
}

int32_t door_may(uint32_t n)
{
	struct play_action action;

	return !read_action(&action, n) && play_may(&door.play, &action);
}

uint32_t door_lines(void)
{
	return door.runs ? (uint32_t)play_lines(&door.play, door.room, sizeof door.room) : 0;
}

uint32_t door_status(void)
{
	return door.runs ? (uint32_t)play_status(&door.play, door.room, sizeof door.room) : 0;
}

uint32_t door_share(void)
{
	if (!door.runs)
		return 0;
	play_shared(&door.play, &door.share);
	return (uint32_t)play_share_write(&door.share, door.room);
}
