/*
 * The numbers of 32-bit x86, whose header names them as the native one does its own (../src/refused_32.c), and the way
 * in for them that a 64-bit program has too.
 */
#if defined(__x86_64__)
#include <asm/unistd_32.h>

#include "calls.h"

static const struct call REFUSED[] = {
    REFUSED_IN_BOTH, CALL(iopl), CALL(ioperm), CALL(umount), CALL(stime), CALL(clock_settime64), CALL(clock_adjtime64),
    CALL(vm86), CALL(vm86old),
};

static long make(unsigned number, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"((unsigned long)number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(-1UL)
                     : "memory", "r8", "r9", "r10", "r11");
    return (int)result;
}

const struct calls calls_32 = {
    .name = "32-bit",
    .make = make,
    .refused = REFUSED,
    .refused_count = sizeof REFUSED / sizeof REFUSED[0],
    .unshare = __NR_unshare,
    .keyctl = __NR_keyctl,
    .clone = __NR_clone,
    .clone3 = __NR_clone3,
    .socket = __NR_socket,
    .socketpair = __NR_socketpair,
    .setrlimit = __NR_setrlimit,
    .getrlimit = __NR_ugetrlimit,
    .prlimit64 = __NR_prlimit64,
    .ioctl = __NR_ioctl,
    .rlim_bytes = 4,
};
#else
typedef int no_second_set_of_numbers; /* a translation unit must not be empty */
#endif
