/*
 * The job's birth, as the monitor brings it about: in its cgroup and namespaces, up to the moment at which its
 * program is to be executed, which comes only when nobody else holds the job's ends of its pipes any more.
 */
#ifndef JOB_WORKER_BIRTH_H
#define JOB_WORKER_BIRTH_H

#include <sys/types.h>
#include <time.h>

#include "job.h"
#include "sheet.h"
#include "step.h"

struct job_process {
    pid_t main_pid;
    pid_t init_pid; /* 0: none; the job is our own child */
    int init;       /* packet socket to the job's init; -1: none */
    int listener;   /* tells of refused system calls; -1: nothing does */
    struct timespec started_at; /* CLOCK_REALTIME */
};

/*
 * Answers when the program is executing, or which step failed; then nothing of the job is left. Takes the job's
 * ends of the pipes, and closes them in this process before the program runs. 0 or errno.
 */
int birth(const struct sheet *sheet, int cgroup, struct job_stdio *stdio, struct job_process *job,
          struct step_failure *failure);

#endif
