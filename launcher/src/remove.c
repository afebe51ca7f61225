#include "remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "privilege.h"

enum { PARENT_FD = 3, ENTRIES_BYTES = 32 * 1024 };

struct remover {
    int work;        /* the directory that is to be empty */
    int left;        /* something could not be removed in this pass */
    int progress;    /* something was */
    unsigned moved;  /* for names that nothing has */
    time_t until;    /* CLOCK_MONOTONIC */
};

/* A buffer each for the working directory and for the one below it that is being emptied. */
static char entries[2][ENTRIES_BYTES] __attribute__((aligned(16)));

static int is_time_up(const struct remover *remover)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec >= remover->until;
}

static int is_plain_name(const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* openat2(2); before Linux 5.6 O_NOFOLLOW does for the one component that a name here is. */
static int open_below(int directory, const char *name, int flags)
{
    const struct open_how how = {
        .flags = (unsigned)flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    int fd = (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
    if (fd < 0 && errno == ENOSYS)
        fd = openat(directory, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd;
}

/* A directory of any mode becomes its owner's to read, write and search; it is held, so it is the one we mean. */
static int make_accessible(int directory, const char *name)
{
    char path[64];
    int fd = open_below(directory, name, O_PATH);
    if (fd < 0)
        return errno;
    /* open(2), O_PATH: fchmod does not take such a descriptor; the link in /proc leads to the file itself. */
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int error = chmod(path, 0700) != 0 ? errno : 0;
    close(fd);
    return error;
}

static int open_to_empty(int directory, const char *name)
{
    int fd = open_below(directory, name, O_RDONLY);
    if (fd < 0 && errno == EACCES && make_accessible(directory, name) == 0)
        fd = open_below(directory, name, O_RDONLY);
    return fd;
}

/* Removes a file, or a directory that is empty. 0 or errno: ENOTEMPTY for one that is not. */
static int remove_simple(int directory, const char *name)
{
    if (unlinkat(directory, name, 0) == 0)
        return 0;
    if (errno != EISDIR && errno != EPERM) /* unlink(2): POSIX has EPERM for a directory */
        return errno;
    return unlinkat(directory, name, AT_REMOVEDIR) == 0 ? 0 : errno;
}

/* The system call itself: readdir(3) allocates. */
struct linux_dirent {
    ino64_t inode;
    off64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

/* Moves a directory up, where the next pass finds it. 0 or errno. */
static int move_up(struct remover *remover, int from, const char *name)
{
    char fresh[64];
    int error = 0;
    for (int tries = 0; tries < 100; tries++) {
        (void)snprintf(fresh, sizeof fresh, ".removed-%ld-%u", (long)getpid(), remover->moved++);
        if (syscall(SYS_renameat2, from, name, remover->work, fresh, 1U /* RENAME_NOREPLACE */) == 0)
            return 0;
        error = errno;
        /* rename(2), EACCES: a directory that changes its parent must be writable itself, for its "..". */
        if (error == EACCES && make_accessible(from, name) == 0)
            continue;
        if (error != EEXIST)
            return error;
    }
    return error;
}

/* Empties one directory right below the working directory, but for what it moves up, and removes it. */
static void remove_tree(struct remover *remover, const char *name)
{
    int fd = open_to_empty(remover->work, name);
    if (fd < 0) {
        remover->left |= errno != ENOENT; /* EXDEV: a mount point is left alone */
        return;
    }
    long length;
    while ((length = syscall(SYS_getdents64, fd, entries[1], ENTRIES_BYTES)) > 0) {
        for (long at = 0; at < length;) {
            const struct linux_dirent *entry = (const struct linux_dirent *)(const void *)(entries[1] + at);
            at += entry->length;
            if (!is_plain_name(entry->name))
                continue;
            int error = remove_simple(fd, entry->name);
            if (error == EACCES && fchmod(fd, 0700) == 0)
                error = remove_simple(fd, entry->name);
            if (error == ENOTEMPTY || error == EEXIST)
                error = move_up(remover, fd, entry->name);
            remover->progress |= error == 0;
            remover->left |= error != 0 && error != ENOENT;
        }
        if (is_time_up(remover))
            break;
    }
    close(fd);
    if (unlinkat(remover->work, name, AT_REMOVEDIR) == 0)
        remover->progress = 1;
    else if (errno != ENOENT)
        remover->left = 1;
}

/* Once over all that is in the working directory. 0 or errno. */
static int pass(struct remover *remover)
{
    if (lseek(remover->work, 0, SEEK_SET) < 0)
        return errno;
    long length;
    while ((length = syscall(SYS_getdents64, remover->work, entries[0], ENTRIES_BYTES)) > 0) {
        for (long at = 0; at < length && !is_time_up(remover);) {
            const struct linux_dirent *entry = (const struct linux_dirent *)(const void *)(entries[0] + at);
            at += entry->length;
            if (!is_plain_name(entry->name))
                continue;
            int error = remove_simple(remover->work, entry->name);
            if (error == ENOTEMPTY || error == EEXIST)
                remove_tree(remover, entry->name);
            else
                remover->left |= error != 0 && error != ENOENT;
            remover->progress |= error == 0;
        }
        if (is_time_up(remover))
            return 0;
    }
    return length < 0 ? errno : 0;
}

static int is_empty(int directory)
{
    long length = lseek(directory, 0, SEEK_SET) < 0 ? -1 : syscall(SYS_getdents64, directory, entries[0], ENTRIES_BYTES);
    for (long at = 0; at < length;) {
        const struct linux_dirent *entry = (const struct linux_dirent *)(const void *)(entries[0] + at);
        at += entry->length;
        if (is_plain_name(entry->name))
            return 0;
    }
    return length >= 0;
}

static int empty(int work)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct remover remover = {.work = work, .until = now.tv_sec + REMOVE_SECONDS};
    do {
        remover.left = 0;
        remover.progress = 0;
        if (pass(&remover) != 0)
            return REMOVE_LEFT;
        if (is_empty(work))
            return REMOVE_DONE;
        if (is_time_up(&remover))
            return REMOVE_TIME_UP;
    } while (remover.progress);
    return REMOVE_LEFT;
}

/* From here on as the one whose directory it is, and with nothing that this one would not have. 0 or errno. */
static int become_owner(int work)
{
    struct stat st;
    int error = 0;
    if (fstat(work, &st) != 0)
        return errno;
    if (geteuid() == 0 && st.st_uid != 0) {
        if ((error = privilege_drop_bounding_set()) != 0 || (error = privilege_become(st.st_uid, st.st_gid)) != 0)
            return error;
    }
    if ((error = privilege_drop_capabilities()) != 0)
        return error;
    /* prctl(2): others of this user may kill us, but neither trace us nor look into our descriptors. */
    return prctl(PR_SET_DUMPABLE, 0) != 0 ? errno : 0;
}

static int remove_here(const char *name)
{
    int job = open_below(PARENT_FD, name, O_RDONLY);
    if (job < 0)
        return errno == ENOENT ? REMOVE_DONE : REMOVE_LEFT;
    int held = open_below(job, "work", O_PATH);
    int error = held < 0 ? errno : become_owner(held);
    if (error != 0)
        return error == ENOENT ? REMOVE_DONE : REMOVE_LEFT;
    /* The directory above is the server's alone, so by the descriptor; its mode may be anything. */
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", held);
    int work = chmod(path, 0700) != 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(held);
    close(job);
    close(PARENT_FD);
    return work < 0 ? REMOVE_LEFT : empty(work);
}

int remove_run(const char *name, const char *cgroup)
{
    if (!is_plain_name(name))
        return 2;
    (void)syscall(SYS_close_range, PARENT_FD + 1U, ~0U, 0U); /* all others of the server's are close-on-exec anyway */
    if (cgroup == NULL)
        return remove_here(name);
    int home = cgroup_open(cgroup);
    if (home < 0)
        return remove_here(name); /* without a bound of its own rather than not at all */
    int join_error = 0;
    int status = 0;
    pid_t child = cgroup_fork(home, 0, &join_error);
    if (child == 0)
        _exit(remove_here(name));
    if (child < 0)
        return REMOVE_LEFT;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : REMOVE_LEFT;
}
