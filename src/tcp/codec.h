/* One way to write and to read a record: each call writes its value, or reads it, as the codec says; so one list of
 * fields serves both, and they cannot drift apart. Little-endian.
 *
 * Reading ends at the first thing that is wrong: `bad` is set, and what follows is left as it was. Writing never
 * fails: past `room` only n goes on, which then says how much is needed.
 */
#ifndef TCP_CODEC_H
#define TCP_CODEC_H

#include "base/seq.h"
#include <tern/types.h>

struct codec {
	uint8_t	  *at; /* what is read is never written to */
	size_t	   n, room;
	tern_time  now;
	bool	   writes, bad;
};

void codec_bytes(struct codec *codec, void *data, size_t n);
void codec_u64(struct codec *codec, uint64_t *value);
void codec_u32(struct codec *codec, uint32_t *value);
void codec_u16(struct codec *codec, uint16_t *value);
void codec_u8(struct codec *codec, uint8_t *value);
void codec_flag(struct codec *codec, bool *value);
void codec_seq(struct codec *codec, seq_t *value);
/* A moment, as a distance from now: none further ahead than any deadline is; one long ago is as good as another. */
void codec_moment(struct codec *codec, tern_time *at);
/* One that has been. */
void codec_past(struct codec *codec, tern_time *at);
/* The same for the 32-bit milliseconds of the cold record; 0 stays 0 where it means none. */
void codec_moment_ms(struct codec *codec, uint32_t *ms, bool zero_is_none);
/* A length of time, which does not move with the clock. */
void codec_span(struct codec *codec, tern_time *value);

#endif
