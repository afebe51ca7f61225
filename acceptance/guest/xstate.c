/*
 * For User-Mode Linux on a processor with more registers than its kernel has room for (AMX). It sets a process's
 * extended state by as much of it as it has kept, and the host takes the whole or refuses with EFAULT (ptrace(2),
 * NT_X86_XSTATE), so that no process of the guest would start. Preloaded, this lays what was kept over what is there.
 */
#include <elf.h>
#include <errno.h>
#include <linux/ptrace.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MOST_BYTES = 64 * 1024 };

long ptrace(int request, ...);

static long set_or_get(int request, int pid, struct iovec *wanted)
{
    static char state[MOST_BYTES]; /* one thread of the guest's kernel does this */
    struct iovec whole = {.iov_base = state, .iov_len = sizeof state};
    long answer = syscall(SYS_ptrace, PTRACE_GETREGSET, pid, (long)NT_X86_XSTATE, &whole);
    if (answer < 0)
        return answer;
    if (wanted->iov_len > whole.iov_len)
        wanted->iov_len = whole.iov_len;
    if (request == PTRACE_GETREGSET) {
        memcpy(wanted->iov_base, state, wanted->iov_len);
        return answer;
    }
    memcpy(state, wanted->iov_base, wanted->iov_len);
    return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, (long)NT_X86_XSTATE, &whole);
}

long ptrace(int request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    int pid = va_arg(arguments, int);
    long address = va_arg(arguments, long);
    void *data = va_arg(arguments, void *);
    va_end(arguments);
    if ((request == PTRACE_GETREGSET || request == PTRACE_SETREGSET) && address == NT_X86_XSTATE)
        return set_or_get(request, pid, data);
    long word = 0;
    int peeks = request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSR;
    long answer = syscall(SYS_ptrace, request, pid, address, peeks ? &word : data);
    if (!peeks || answer < 0)
        return answer;
    errno = 0; /* ptrace(2): the C library's wrapper differs so from the system call */
    return word;
}
