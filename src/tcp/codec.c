#include "tcp/codec.h"
#include "base/bytes.h"
#include "tcp/timers.h"

/* No deadline is further away: 52 days, and a user timeout is 49 at most. What was longer ago than that was long ago;
 * and what is measured from there on is still a span that codec_span() takes. */
static const tern_time FAR = (tern_time)1 << 52;

void codec_bytes(struct codec *codec, void *data, size_t n)
{
	if (codec->bad)
		return;
	if (codec->room - codec->n < n || codec->n > codec->room) {
		codec->bad = !codec->writes;
		codec->n = codec->writes ? codec->n + n : codec->n;
		return;
	}
	if (codec->writes)
		memcpy(codec->at + codec->n, data, n);
	else
		memcpy(data, codec->at + codec->n, n);
	codec->n += n;
}

static void codec_word(struct codec *codec, uint64_t *value, unsigned octets)
{
	uint8_t raw[8];

	for (unsigned i = 0; i < octets; i++)
		raw[i] = (uint8_t)(*value >> 8 * i);
	codec_bytes(codec, raw, octets);
	if (codec->writes || codec->bad)
		return;
	*value = 0;
	for (unsigned i = 0; i < octets; i++)
		*value |= (uint64_t)raw[i] << 8 * i;
}

void codec_u64(struct codec *codec, uint64_t *value)
{
	codec_word(codec, value, 8);
}

void codec_u32(struct codec *codec, uint32_t *value)
{
	uint64_t wide = *value;

	codec_word(codec, &wide, 4);
	*value = (uint32_t)wide;
}

void codec_u16(struct codec *codec, uint16_t *value)
{
	uint64_t wide = *value;

	codec_word(codec, &wide, 2);
	*value = (uint16_t)wide;
}

void codec_u8(struct codec *codec, uint8_t *value)
{
	codec_bytes(codec, value, 1);
}

void codec_seq(struct codec *codec, seq_t *value)
{
	codec_u32(codec, &value->v);
}

void codec_moment(struct codec *codec, tern_time *at)
{
	int64_t distance = *at == TERN_NEVER ? INT64_MAX : *at - codec->now;
	uint64_t raw = (uint64_t)distance;

	codec_u64(codec, &raw);
	distance = (int64_t)raw;
	if (codec->writes)
		return;
	codec->bad |= distance > FAR && distance != INT64_MAX;
	if (distance > FAR)
		*at = TERN_NEVER;
	else
		*at = codec->now + (distance < -FAR ? -FAR : distance);
}

void codec_past(struct codec *codec, tern_time *at)
{
	codec_moment(codec, at);
	if (codec->writes || *at <= codec->now)
		return;
	codec->bad = true;
	*at = codec->now;
}

void codec_moment_ms(struct codec *codec, uint32_t *ms, bool zero_is_none)
{
	uint32_t ahead = *ms - time_to_ms(codec->now);
	uint8_t none = zero_is_none && *ms == 0;

	codec_u8(codec, &none);
	codec_u32(codec, &ahead);
	if (!codec->writes)
		*ms = none ? 0 : (time_to_ms(codec->now) + ahead) | (uint32_t)zero_is_none;
}

void codec_flag(struct codec *codec, bool *value)
{
	uint8_t raw = *value;

	codec_u8(codec, &raw);
	*value = raw & 1;
}

void codec_span(struct codec *codec, tern_time *value)
{
	uint64_t raw = (uint64_t)*value;

	codec_u64(codec, &raw);
	*value = (tern_time)raw;
	if (*value >= 0 && *value <= TERN_NEVER / 1024)
		return;
	codec->bad = true;
	*value = 0; /* what is refused is still let go of in order */
}
