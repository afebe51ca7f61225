#include "reserve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14; asm-generic/socket.h */
#endif

enum { MOST_INSTRUCTIONS = RESERVE_MOST_PORTS + 12, REFUSE = 0, ALLOW = 1 };

/* One instruction (linux/bpf.h, struct bpf_insn); dst and src are registers. */
#define OP(operation, to, from, offset, value)                                                        \
    ((struct bpf_insn){.code = (operation), .dst_reg = (to), .src_reg = (from), .off = (short)(offset), .imm = (value)})
#define SET(to, value) OP(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define COPY(to, from) OP(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define EXIT OP(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static int bpf(unsigned command, union bpf_attr *attributes)
{
    return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

/* Where we are; 0, which is no namespace's, if the kernel does not tell: then it is not asked for either. */
static uint64_t own_network(void)
{
    uint64_t cookie = 0;
    socklen_t length = sizeof cookie;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) != 0)
        cookie = 0;
    if (fd >= 0)
        close(fd);
    return cookie;
}

/* Returns its length. Register 1 is the context at the beginning, and register 0 the answer at the end. */
static unsigned build(struct bpf_insn *program, const uint16_t *ports, unsigned count, uint64_t network)
{
    unsigned length = 0;
    program[length++] =
        OP(BPF_LDX | BPF_MEM | BPF_W, 2, 1, offsetof(struct bpf_sock_addr, user_port), 0); /* in network order */
    for (unsigned i = 0; i < count; i++) {
        unsigned to_reserved = count - i; /* over the other ports and the answer that it is none */
        program[length++] = OP(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, to_reserved + 1, htons(ports[i]));
    }
    program[length++] = SET(0, ALLOW);
    program[length++] = EXIT;
    if (network != 0) {
        program[length++] = OP(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_netns_cookie);
        program[length++] = OP(BPF_LD | BPF_DW | BPF_IMM, 1, 0, 0, (int32_t)(uint32_t)network);
        program[length++] = OP(0, 0, 0, 0, (int32_t)(uint32_t)(network >> 32)); /* the other half of it */
        program[length++] = COPY(2, 0);
        program[length++] = SET(0, ALLOW);
        program[length++] = OP(BPF_JMP | BPF_JNE | BPF_X, 2, 1, 1, 0);
    }
    program[length++] = SET(0, REFUSE);
    program[length++] = EXIT;
    return length;
}

/* Without flags: one that is there already is replaced in the same step, and none below can take its place. 0 or errno. */
static int attach(int cgroup, unsigned where, const struct bpf_insn *program, unsigned length)
{
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
    attributes.expected_attach_type = where;
    attributes.insns = (uintptr_t)program;
    attributes.insn_cnt = length;
    attributes.license = (uintptr_t)"Apache-2.0";
    memcpy(attributes.prog_name, "jw_reserve", sizeof "jw_reserve");
    int fd = bpf(BPF_PROG_LOAD, &attributes);
    if (fd < 0)
        return errno;
    memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = (uint32_t)cgroup;
    attributes.attach_bpf_fd = (uint32_t)fd;
    attributes.attach_type = where;
    int error = bpf(BPF_PROG_ATTACH, &attributes) != 0 ? errno : 0;
    close(fd);
    return error;
}

int reserve_run(int cgroup, char *const *ports, int count)
{
    static const unsigned BINDS[] = {BPF_CGROUP_INET4_BIND, BPF_CGROUP_INET6_BIND};
    uint16_t numbers[RESERVE_MOST_PORTS];
    struct bpf_insn program[MOST_INSTRUCTIONS];
    if (count < 1 || count > RESERVE_MOST_PORTS)
        return EINVAL;
    for (int i = 0; i < count; i++) {
        char *end = NULL;
        unsigned long number = strtoul(ports[i], &end, 10);
        if (*ports[i] < '0' || *ports[i] > '9' || *end != '\0' || number == 0 || number > UINT16_MAX)
            return EINVAL;
        numbers[i] = (uint16_t)number;
    }
    unsigned length = build(program, numbers, (unsigned)count, own_network());
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof BINDS / sizeof BINDS[0]; i++)
        error = attach(cgroup, BINDS[i], program, length);
    return error;
}
