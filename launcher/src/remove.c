#include "remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdalign.h>
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

struct removal {
    int work;       /* the directory that is to be empty */
    time_t until;   /* CLOCK_MONOTONIC */
    unsigned moved; /* for names that nothing has */
    int found;      /* in this pass: anything at all */
    int progress;   /* likewise: something is gone from where it was */
    int error;      /* likewise: the first that was met */
};

/* getdents64(2) itself: readdir(3) allocates. */
struct listing {
    int directory;
    long at;
    long end;
    alignas(struct dirent64) char entries[32 * 1024];
};

static time_t now(void)
{
    struct timespec monotonic = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &monotonic); /* which Linux always has */
    return monotonic.tv_sec;
}

static int is_one_name(const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* What became something else, or went, is no failure: the next pass meets what is there then. */
static void note(struct removal *removal, int error)
{
    if (error == 0)
        removal->progress = 1;
    else if (removal->error == 0 && error != ENOENT && error != ENOTDIR && error != ELOOP)
        removal->error = error;
}

static void begin(struct listing *listing, int directory)
{
    listing->directory = directory;
    listing->at = listing->end = 0;
}

/* The name of the next entry; NULL at the end, or when the time is up. */
static const char *next(struct removal *removal, struct listing *listing)
{
    while (now() < removal->until) {
        if (listing->at >= listing->end) {
            listing->at = 0;
            listing->end = syscall(SYS_getdents64, listing->directory, listing->entries, sizeof listing->entries);
            if (listing->end < 0)
                note(removal, errno);
            if (listing->end <= 0)
                return NULL;
        }
        const struct dirent64 *entry = (const struct dirent64 *)(const void *)(listing->entries + listing->at);
        listing->at += entry->d_reclen;
        if (is_one_name(entry->d_name))
            return entry->d_name;
    }
    return NULL;
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
    int error = chmod(path, S_IRWXU) != 0 ? errno : 0;
    close(fd);
    return error;
}

/* A directory that can be emptied. -1 with errno. */
static int open_to_empty(int directory, const char *name)
{
    int fd = open_below(directory, name, O_RDONLY);
    if (fd < 0 && errno == EACCES) {
        errno = make_accessible(directory, name);
        return errno != 0 ? -1 : open_below(directory, name, O_RDONLY);
    }
    if (fd >= 0 && fchmod(fd, S_IRWXU) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Removes a file, or a directory that is empty. 0 or errno: ENOTEMPTY for one that is not. */
static int remove_entry(int directory, const char *name)
{
    if (unlinkat(directory, name, 0) == 0)
        return 0;
    if (errno != EISDIR)
        return errno;
    if (unlinkat(directory, name, AT_REMOVEDIR) == 0)
        return 0;
    return errno == EEXIST ? ENOTEMPTY : errno; /* rmdir(2): they mean the same */
}

/* Moves a directory up, where the next pass finds it. 0 or errno; if the name is taken, that pass has another. */
static int move_up(struct removal *removal, int directory, const char *name)
{
    char fresh[64];
    (void)snprintf(fresh, sizeof fresh, ".removed-%ld-%u", (long)getpid(), removal->moved++);
    if (renameat(directory, name, removal->work, fresh) == 0)
        return 0;
    if (errno != EACCES)
        return errno;
    /* rename(2), EACCES: a directory that changes its parent must be writable itself, for its "..". */
    int error = make_accessible(directory, name);
    return error != 0 ? error : renameat(directory, name, removal->work, fresh) != 0 ? errno : 0;
}

/* A directory right below `work`, and what is in it, but for what is moved up. */
static void remove_directory(struct removal *removal, const char *name)
{
    static struct listing below;
    const char *entry;
    int directory = open_to_empty(removal->work, name);
    if (directory < 0) {
        note(removal, errno);
        return;
    }
    begin(&below, directory);
    while ((entry = next(removal, &below)) != NULL) {
        int error = remove_entry(directory, entry);
        note(removal, error == ENOTEMPTY ? move_up(removal, directory, entry) : error);
    }
    close(directory);
    note(removal, unlinkat(removal->work, name, AT_REMOVEDIR) != 0 ? errno : 0);
}

/* Once over all that is in `work`. */
static void pass(struct removal *removal)
{
    static struct listing top;
    const char *entry;
    removal->found = removal->progress = removal->error = 0;
    if (lseek(removal->work, 0, SEEK_SET) != 0)
        note(removal, errno);
    begin(&top, removal->work);
    while ((entry = next(removal, &top)) != NULL) {
        removal->found = 1;
        int error = remove_entry(removal->work, entry);
        if (error == ENOTEMPTY)
            remove_directory(removal, entry);
        else
            note(removal, error);
    }
}

/* As many passes as it takes, while each brings something about. 0 or errno. */
static int empty(int work)
{
    struct removal removal = {.work = work, .until = now() + REMOVE_SECONDS};
    do {
        pass(&removal);
        if (now() >= removal.until)
            return ETIME;
        if (!removal.found && removal.error == 0)
            return 0;
    } while (removal.progress);
    return removal.error != 0 ? removal.error : EAGAIN;
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
    if ((error = privilege_drop_capabilities()) != 0 || (error = privilege_gain_none()) != 0)
        return error;
    /* prctl(2): others of this user may signal us, but neither trace us nor look into our descriptors. */
    return prctl(PR_SET_DUMPABLE, 0) != 0 ? errno : 0;
}

/* Nothing that a job could not have opened by itself is open when the user changes. */
static int remove_in_child(int trash, const char *name)
{
    int job = open_below(trash, name, O_PATH);
    if (job < 0)
        return errno == ENOENT ? 0 : errno;
    int work = open_to_empty(job, "work");
    int error = work < 0 ? errno : 0;
    close(job);
    close(trash);
    if (error == ENOENT)
        return 0;
    if (error != 0 || (error = become_owner(work)) != 0)
        return error;
    return empty(work);
}

/* The child's own user might stop it for good, and only its parent is told of that (waitpid(2), WUNTRACED). */
static int await(pid_t child)
{
    for (;;) {
        int status = 0;
        if (waitpid(child, &status, WUNTRACED) < 0) {
            if (errno != EINTR)
                return errno;
        } else if (!WIFSTOPPED(status)) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
        } else if (kill(child, SIGKILL) != 0) {
            return errno;
        }
    }
}

int remove_run(int trash, const char *name, const char *cgroup)
{
    if (!is_one_name(name))
        return EINVAL;
    if (signal(SIGCHLD, SIG_DFL) == SIG_ERR) /* waitpid(2): where it is ignored, there is no status */
        return errno;
    int home = cgroup != NULL ? cgroup_open(cgroup) : -1; /* without a bound of its own rather than not at all */
    int join_error = 0;
    pid_t child = cgroup_fork(home, 0, &join_error);
    if (child < 0)
        return errno;
    if (home >= 0)
        close(home);
    if (child == 0)
        _exit(remove_in_child(trash, name));
    return await(child);
}
