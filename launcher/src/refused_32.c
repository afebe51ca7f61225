/*
 * The numbers of 32-bit x86. Their header names them as the native one does its own, so they have a file of
 * their own, which must include nothing that includes the other: this one does not know the C library.
 */
#if defined(__x86_64__)
#include <asm/unistd_32.h>
#include <linux/audit.h>

#include "refused.h"

#define CALL(name) {__NR_##name, #name},

static const struct refused_call REFUSED[] = {
    REFUSED_EVERYWHERE(CALL)
    CALL(iopl)
    CALL(ioperm)
    /* Older and younger forms of what is refused by the names above. */
    CALL(umount)
    CALL(stime)
    CALL(clock_settime64)
    CALL(clock_adjtime64)
    /* 16-bit code in a 32-bit process. */
    CALL(vm86)
    CALL(vm86old)
};
_Static_assert(sizeof REFUSED / sizeof REFUSED[0] <= MOST_REFUSED, "the filter has room for so many");

const struct call_numbers x86_32_numbers = {
    .arch = AUDIT_ARCH_I386,
    .clone = __NR_clone,
    .clone3 = __NR_clone3,
    .socket = __NR_socket,
    .socketpair = __NR_socketpair,
    .socketcall = __NR_socketcall,
    .setrlimit = __NR_setrlimit,
    .prlimit64 = __NR_prlimit64,
    .ioctl = __NR_ioctl,
    .file_setattr = __NR_file_setattr,
    .refused = REFUSED,
    .refused_count = sizeof REFUSED / sizeof REFUSED[0],
};
#else
typedef int no_second_set_of_numbers; /* a translation unit must not be empty */
#endif
