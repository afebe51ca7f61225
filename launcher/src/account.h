/*
 * Who a job is by name: USER and LOGNAME, and for an isolated job with a user that the host does not list a passwd(5)
 * and a group(5) that do, without which ssh, git and whoami do not work. Only what is in the files is known here: a
 * static program has no other sources, and a user of the server's own making is in none.
 */
#ifndef JOB_WORKER_ACCOUNT_H
#define JOB_WORKER_ACCOUNT_H

#include <stddef.h>

enum { ACCOUNT_NAME_BYTES = 64, ACCOUNT_FILES = 2 };

struct account_file {
    const char *path;
    char *text; /* NULL: the host's own is right, or there is none, or it is too large to be copied for each job */
    size_t length;
};

struct account {
    struct account_file files[ACCOUNT_FILES];
    char user[sizeof "LOGNAME=" + ACCOUNT_NAME_BYTES]; /* variables */
    char logname[sizeof "LOGNAME=" + ACCOUNT_NAME_BYTES];
};

struct sheet;

/* Looks at the host's files, and adds the two variables where the sheet has none and a name is known. 0 or errno. */
int account_find(struct sheet *sheet);

void account_free(struct account *account);

#endif
