#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"

/* The parent of pid, from proc_pid_stat(5); the name in it may hold anything, even a parenthesis. */
static pid_t parent_of(const char *pid_text)
{
    char path[64];
    char text[512];
    int printed = snprintf(path, sizeof path, "/proc/%s/stat", pid_text);
    if (printed < 0 || (size_t)printed >= sizeof path)
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0)
        return -1;
    text[length] = '\0';
    char *name_end = strrchr(text, ')');
    int parent = 0;
    if (name_end == NULL || sscanf(name_end + 1, " %*c %d", &parent) != 1)
        return -1;
    return parent;
}

static int is_of_job(long pid, const struct tree_spared *spared)
{
    return pid > 0 && pid != spared->capture && pid != spared->feeder;
}

/* All of /proc, where the kernel does not list children. */
static void kill_children_by_search(const struct tree_spared *spared)
{
    DIR *proc = opendir("/proc");
    if (proc == NULL)
        return;
    pid_t self = getpid();
    struct dirent *entry;
    while ((entry = readdir(proc)) != NULL) {
        char *end = NULL;
        long pid = strtol(entry->d_name, &end, 10);
        if (*end == '\0' && is_of_job(pid, spared) && parent_of(entry->d_name) == self)
            kill((pid_t)pid, SIGKILL);
    }
    closedir(proc);
}

/*
 * Children are killed by a pid that cannot have been reused: they are ours to reap and we have not.
 * Deeper descendants become children when their parents die, so only children are ever signalled; the
 * caller repeats until wait(2) says that none is left.
 */
static void kill_children(const struct tree_spared *spared)
{
    /* proc_pid_task(5): the children of the one thread that we are; only with CONFIG_PROC_CHILDREN. */
    FILE *children = fopen("/proc/thread-self/children", "re");
    if (children == NULL) {
        kill_children_by_search(spared);
        return;
    }
    long pid;
    while (fscanf(children, "%ld", &pid) == 1) {
        if (is_of_job(pid, spared))
            kill((pid_t)pid, SIGKILL);
    }
    (void)fclose(children);
}

void tree_kill(int cgroup_fd, pid_t init_pid, const struct tree_spared *spared)
{
    if (cgroup_fd >= 0)
        (void)cgroup_kill(cgroup_fd); /* ENOENT before Linux 5.14; descent does it there, only slower */
    if (init_pid > 0)
        kill(init_pid, SIGKILL); /* not reaped yet, or the tree is empty and nobody calls this */
    else
        kill_children(spared); /* a job with privileges may have moved a process elsewhere */
}
