/* The program of an AF_XDP socket. */
#include "link/xdp_program.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What descriptors of bpf(2) are: close-on-exec by themselves. */
static int bpf(int command, union bpf_attr *attr, size_t size)
{
	const long result = syscall(SYS_bpf, command, attr, size);

	return result >= 0 ? (int)result : -errno;
}

static int make_map(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.map_type = BPF_MAP_TYPE_XSKMAP;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = XDP_QUEUES;
	return bpf(BPF_MAP_CREATE, &attr, sizeof attr);
}

/* r0 = bpf_redirect_map(map, context->rx_queue_index, XDP_PASS): what is passed where the map has no socket. */
static int load(int map)
{
	static const char license[] = "BSD";
	const struct bpf_insn code[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_1,
		  .off = offsetof(struct xdp_md, rx_queue_index) },
		{ .code = BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map },
		{ .code = 0 }, /* its upper half */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = sizeof code / sizeof code[0];
	attr.license = (uintptr_t)license;
	return bpf(BPF_PROG_LOAD, &attr, sizeof attr);
}

int xdp_program_load(struct xdp_program *program)
{
	*program = (struct xdp_program){ .map = make_map(), .program = -1, .link = -1 };
	if (program->map < 0)
		return program->map;
	program->program = load(program->map);
	if (program->program >= 0)
		return 0;
	const int error = program->program;
	xdp_program_close(program);
	return error;
}

int xdp_program_attach(struct xdp_program *program, int index, uint32_t queue, int socket)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.map_fd = (uint32_t)program->map;
	attr.key = (uintptr_t)&queue;
	attr.value = (uintptr_t)&socket;
	const int error = bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof attr);
	if (error < 0)
		return error;
	memset(&attr, 0, sizeof attr);
	attr.link_create.prog_fd = (uint32_t)program->program;
	attr.link_create.target_ifindex = (uint32_t)index;
	attr.link_create.attach_type = BPF_XDP;
	program->link = bpf(BPF_LINK_CREATE, &attr, sizeof attr); /* Linux 5.9 */
	return program->link < 0 ? program->link : 0;
}

void xdp_program_close(struct xdp_program *program)
{
	int *const each[] = { &program->link, &program->program, &program->map };

	for (unsigned i = 0; i < sizeof each / sizeof each[0]; i++) {
		if (*each[i] >= 0)
			close(*each[i]);
		*each[i] = -1;
	}
}
