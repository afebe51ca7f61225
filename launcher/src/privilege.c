#include "privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The system calls themselves: the C library's wrappers take locks for the sake of threads. */
int privilege_become(uid_t uid, gid_t gid)
{
    if (syscall(SYS_setgroups, (size_t)0, NULL) != 0)
        return errno;
    if (syscall(SYS_setresgid, gid, gid, gid) != 0)
        return errno;
    if (syscall(SYS_setresuid, uid, uid, uid) != 0)
        return errno;
    return 0;
}

int privilege_drop_bounding_set(void)
{
    /* capabilities(7): beyond the last capability of this kernel the answer is EINVAL. */
    for (unsigned long capability = 0; capability <= 63; capability++) {
        int held = prctl(PR_CAPBSET_READ, capability);
        if (held < 0 && errno == EINVAL)
            return 0;
        if (held < 0 || (held == 1 && prctl(PR_CAPBSET_DROP, capability) != 0))
            return errno;
    }
    return 0;
}

int privilege_drop_capabilities(void)
{
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
        return errno;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
    memset(none, 0, sizeof none);
    return syscall(SYS_capset, &header, none) != 0 ? errno : 0;
}

int privilege_gain_none(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ? errno : 0; /* PR_SET_NO_NEW_PRIVS(2const) */
}
