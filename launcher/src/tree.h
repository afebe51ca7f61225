/*
 * The job's process tree. The launcher is a child subreaper (PR_SET_CHILD_SUBREAPER(2const)): whoever
 * of the tree loses its parent becomes the launcher's child, however often it forked or called setsid.
 */
#ifndef JOB_WORKER_TREE_H
#define JOB_WORKER_TREE_H

#include <sys/types.h>

struct tree_spared {
    pid_t capture;
    pid_t feeder;
};

/*
 * SIGKILL for every process of the tree: by the cgroup when there is one (>= 0), and by descent, but for our own
 * helpers (helper.h), of which 0 is none. Where the job has an init (> 0), its death is that of all.
 */
void tree_kill(int cgroup_fd, pid_t init_pid, const struct tree_spared *spared);

#endif
