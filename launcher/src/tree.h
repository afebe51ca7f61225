/*
 * The job's process tree. The launcher is a child subreaper (PR_SET_CHILD_SUBREAPER(2const)): whoever
 * of the tree loses its parent becomes the launcher's child, however often it forked or called setsid.
 */
#ifndef JOB_WORKER_TREE_H
#define JOB_WORKER_TREE_H

/* SIGKILL for every process of the tree: by the cgroup when there is one (>= 0), and by descent. */
void tree_kill(int cgroup_fd);

#endif
