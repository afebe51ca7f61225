/*
 * How much a job can keep in its own directory, where the file system has project quota (quotactl(2); ext4(5), prjquota):
 * the directory and all that is made in it are a project of their own, which the kernel bounds. The owner of a file
 * may choose its project (ioctl_xfs_fsgetxattr(2)), hence a job that is bounded so is refused that (seccomp.h).
 */
#ifndef JOB_WORKER_DISK_H
#define JOB_WORKER_DISK_H

#include <stdint.h>

/*
 * Bounds what is kept below an empty directory to so many bytes, and as many files as have a block each. 0 or errno:
 * ENOTSUP if this file system bounds no projects, or the directory is in an administrator's; EBUSY if no project was free.
 */
int disk_bound(const char *directory, int64_t bytes);

#endif
