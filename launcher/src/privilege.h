/*
 * Becoming nobody in particular: the job's own user, without a capability in any set and without a way
 * to get one back.
 */
#ifndef JOB_WORKER_PRIVILEGE_H
#define JOB_WORKER_PRIVILEGE_H

#include <sys/types.h>

/* Empties the bounding set; needs CAP_SETPCAP, and so comes before the change of user. 0 or errno. */
int privilege_drop_bounding_set(void);

/* Group and user, real, effective and saved, and no supplementary groups. 0 or errno. */
int privilege_become(uid_t uid, gid_t gid);

/* Empties every other capability set. 0 or errno. */
int privilege_drop_capabilities(void);

/* no_new_privs: what execve(2) would add (set-user-ID, file capabilities), it does not. 0 or errno. */
int privilege_gain_none(void);

#endif
