/* TCP headers. Parsing is one pass, bounded by what was checked, and aliases its input. */
#include "wire/tcp.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/tcp_plain.h"

enum option_kind { END = 0, NOP = 1, MSS = 2, WSCALE = 3, SACK_PERMITTED = 4, SACK = 5, TIMESTAMPS = 8,
		   ACCECN0 = 172, ACCECN1 = 174 };

enum { ACCECN_FIELD_LEN = 3 };
enum { MSS_LEN = 4, WSCALE_LEN = 3, SACK_PERMITTED_LEN = 2, SACK_BLOCK_LEN = 8, TIMESTAMPS_LEN = 10 };

/* No option that fits has more blocks than there is room for. */
_Static_assert((TCP_OPTIONS_MAX - 2) / SACK_BLOCK_LEN == TCP_SACK_BLOCKS, "SACK blocks of a header");

static void parse_sack(struct tcp_options *opt, const uint8_t *p, size_t len)
{
	const size_t n = (len - 2) / SACK_BLOCK_LEN;

	if (n == 0 || (len - 2) % SACK_BLOCK_LEN != 0)
		return;
	opt->n_sack = (uint8_t)n;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *block = p + 2 + SACK_BLOCK_LEN * i;

		opt->sack[i] = (struct tcp_sack_block){ { get32(block) }, { get32(block + 4) } };
	}
}

/* RFC 9768 3.2.3: up to three fields of 24 bits; longer ones are for the future. */
static void parse_accecn(struct tcp_options *opt, const uint8_t *p, size_t len)
{
	const size_t n = min_size((len - 2) / ACCECN_FIELD_LEN, TCP_ACCECN_FIELDS);

	opt->n_accecn = (uint8_t)n;
	opt->accecn_1 = p[0] == ACCECN1;
	for (size_t i = 0; i < n; i++)
		opt->accecn[i] = get32(p + 1 + ACCECN_FIELD_LEN * i) & 0xffffff;
}

/* What may stand on a SYN only (RFC 9293 3.2, RFC 7323 2.2, RFC 2018 2; MUST-4, MUST-14).
 * (RFC7323-2.2-1, RFC7323-2.3-2) */
static void parse_syn_option(struct tcp_options *opt, const uint8_t *p, size_t len)
{
	if (p[0] == MSS && len == MSS_LEN) {
		opt->has_mss = true;
		opt->mss = get16(p + 2);
	} else if (p[0] == WSCALE && len == WSCALE_LEN) {
		opt->has_wscale = true;
		opt->wscale_clamped = p[2] > TCP_WSCALE_MAX;
		opt->wscale = opt->wscale_clamped ? TCP_WSCALE_MAX : p[2];
	} else if (p[0] == SACK_PERMITTED && len == SACK_PERMITTED_LEN) {
		opt->sack_permitted = true;
	}
}

/* Every kind but END and NOP has its length (MUST-68), at any octet (MUST-64), on any segment (MUST-5); what is not
 * known is passed over (MUST-4, MUST-6), and a length that cannot be ends it (MUST-7). */
static void parse_options(struct tcp_options *opt, const uint8_t *p, size_t n, bool syn)
{
	while (n > 0 && p[0] != END) {
		if (p[0] == NOP) {
			p++, n--;
			continue;
		}
		const size_t len = n > 1 ? p[1] : 0;

		if (len < 2 || len > n) {
			opt->malformed = true;
			return;
		}
		if (p[0] == TIMESTAMPS && len == TIMESTAMPS_LEN) {
			opt->has_ts = true;
			opt->ts_val = get32(p + 2);
			opt->ts_ecr = get32(p + 6);
		} else if (p[0] == SACK) {
			parse_sack(opt, p, len);
		} else if (p[0] == ACCECN0 || p[0] == ACCECN1) {
			parse_accecn(opt, p, len);
		} else if (syn) {
			parse_syn_option(opt, p, len);
		}
		p += len, n -= len;
	}
}

bool tcp_wire_parse(struct tcp_segment *seg, const uint8_t *p, size_t len)
{
	if (len < TCP_HEADER_MIN)
		return false;
	const size_t header = (p[12] >> 4) * 4u;
	if (header < TCP_HEADER_MIN || header > len)
		return false;
	*seg = (struct tcp_segment){
		.src_port = get16(p),
		.dst_port = get16(p + 2),
		.seq = { get32(p + 4) },
		.ack = { get32(p + 8) },
		.flags = get16(p + 12) & TCP_FLAGS,
		.wnd = get16(p + 14), /* MUST-1 */
		.up = get16(p + 18),
		.text = p + header,
		.text_len = (uint32_t)(len - header),
	};
	parse_options(&seg->opt, p + TCP_HEADER_MIN, header - TCP_HEADER_MIN, (seg->flags & TCP_SYN) != 0);
	return true;
}

/* Bytes of options, and how many SACK blocks and AccECN fields are among them. */
struct layout {
	size_t options, sack_blocks, accecn;
};

/* With its padding. */
static size_t accecn_len(size_t fields)
{
	return (2 + ACCECN_FIELD_LEN * fields + 3) / 4 * 4;
}

static struct layout layout(const struct tcp_segment *seg)
{
	const struct tcp_options *opt = &seg->opt;
	struct layout		  l = { 0 };

	if (seg->flags & TCP_SYN) {
		l.options += opt->has_mss ? MSS_LEN : 0;
		if (opt->has_ts)
			l.options += 2 + TIMESTAMPS_LEN;
		else if (opt->sack_permitted)
			l.options += 2 + SACK_PERMITTED_LEN;
		l.options += opt->has_wscale ? 1 + WSCALE_LEN : 0;
		return l;
	}
	l.options += opt->has_ts ? 2 + TIMESTAMPS_LEN : 0;
	l.sack_blocks = min_size(opt->n_sack, (TCP_OPTIONS_MAX - l.options - 4) / SACK_BLOCK_LEN);
	l.options += l.sack_blocks ? 4 + SACK_BLOCK_LEN * l.sack_blocks : 0;
	l.accecn = opt->n_accecn;
	while (l.accecn > 0 && accecn_len(l.accecn) > TCP_OPTIONS_MAX - l.options)
		l.accecn--;
	l.options += l.accecn > 0 ? accecn_len(l.accecn) : 0;
	return l;
}

static uint8_t *emit_timestamps(uint8_t *p, const struct tcp_options *opt)
{
	put16(p, TIMESTAMPS << 8 | TIMESTAMPS_LEN);
	put32(p + 2, opt->ts_val);
	put32(p + 6, opt->ts_ecr);
	return p + TIMESTAMPS_LEN;
}

static uint8_t *emit_nops(uint8_t *p)
{
	put16(p, NOP << 8 | NOP);
	return p + 2;
}

static uint8_t *emit_mss(uint8_t *p, const struct tcp_options *opt)
{
	if (!opt->has_mss)
		return p;
	put16(p, MSS << 8 | MSS_LEN);
	put16(p + 2, opt->mss);
	return p + MSS_LEN;
}

static uint8_t *emit_sack_permitted(uint8_t *p, const struct tcp_options *opt)
{
	if (!opt->sack_permitted)
		return p;
	put16(p, SACK_PERMITTED << 8 | SACK_PERMITTED_LEN);
	return p + SACK_PERMITTED_LEN;
}

static uint8_t *emit_wscale(uint8_t *p, const struct tcp_options *opt)
{
	if (!opt->has_wscale)
		return p;
	put16(p, NOP << 8 | WSCALE);
	put16(p + 2, (uint16_t)(WSCALE_LEN << 8 | opt->wscale));
	return p + 1 + WSCALE_LEN;
}

/* What is aligned stands where Linux has it too; the end is zeros. */
static uint8_t *emit_syn_options_freebsd(uint8_t *p, const struct tcp_options *opt)
{
	p = emit_sack_permitted(emit_wscale(emit_mss(p, opt), opt), opt);
	if (opt->has_ts)
		return emit_timestamps(opt->sack_permitted ? p : emit_nops(p), opt);
	if (!opt->sack_permitted)
		return p;
	put16(p, END << 8 | END);
	return p + 2;
}

static uint8_t *emit_syn_options(uint8_t *p, const struct tcp_options *opt)
{
	if (opt->syn_order == TERN_SYN_OPTIONS_FREEBSD)
		return emit_syn_options_freebsd(p, opt);
	p = emit_mss(p, opt);
	/* SACK-permitted stands where the NOPs before the timestamps would. */
	if (opt->has_ts != opt->sack_permitted)
		p = emit_nops(p);
	p = emit_sack_permitted(p, opt);
	if (opt->has_ts)
		p = emit_timestamps(p, opt);
	return emit_wscale(p, opt);
}

static uint8_t *emit_accecn(uint8_t *p, const struct tcp_options *opt, size_t fields)
{
	const size_t len = 2 + ACCECN_FIELD_LEN * fields;

	if (fields == 0)
		return p;
	for (size_t i = len; i < accecn_len(fields); i++)
		*p++ = NOP;
	*p++ = opt->accecn_1 ? ACCECN1 : ACCECN0;
	*p++ = (uint8_t)len;
	for (size_t i = 0; i < fields; i++, p += ACCECN_FIELD_LEN) {
		p[0] = (uint8_t)(opt->accecn[i] >> 16);
		put16(p + 1, (uint16_t)opt->accecn[i]);
	}
	return p;
}

static uint8_t *emit_options(uint8_t *p, const struct tcp_options *opt, size_t sack_blocks)
{
	if (opt->has_ts)
		p = emit_timestamps(emit_nops(p), opt);
	if (sack_blocks == 0)
		return p;
	p = emit_nops(p);
	put16(p, (uint16_t)(SACK << 8 | (2 + SACK_BLOCK_LEN * sack_blocks)));
	p += 2;
	for (size_t i = 0; i < sack_blocks; i++, p += SACK_BLOCK_LEN) {
		put32(p, opt->sack[i].left.v);
		put32(p + 4, opt->sack[i].right.v);
	}
	return p;
}

/* Padding after the last option is zero (MUST-69); what stands before options is NOPs. */
size_t tcp_wire_emit(uint8_t *p, const struct tcp_segment *seg)
{
	const struct layout l = layout(seg);
	const size_t	    header = TCP_HEADER_MIN + l.options;

	tcp_wire_emit_fixed(p, seg, header);
	uint8_t *end = p + TCP_HEADER_MIN;
	if (seg->flags & TCP_SYN)
		end = emit_syn_options(end, &seg->opt);
	else
		end = emit_accecn(emit_options(end, &seg->opt, l.sack_blocks), &seg->opt, l.accecn);
	tern_assert((size_t)(end - p) == header); /* every option is padded by its own NOPs */
	return header;
}

size_t tcp_wire_header_len(const struct tcp_segment *seg)
{
	return TCP_HEADER_MIN + layout(seg).options;
}
