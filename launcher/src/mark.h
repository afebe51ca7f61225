/*
 * The mark, "started" in the job's directory: who may say whether the job's program was executed. The first to take
 * that name decides, by O_EXCL or symlink(2):
 *
 *   a file      the launcher made it, and then let the program be executed: it may have been
 *   a link      the program was not executed, and no launcher of this directory will ever do so. Made by a server that
 *               gives the launch up, or put in the file's place by the launcher itself, when it knows that what the
 *               mark announced has failed. The link's text says why, as "STEP ERRNO" or otherwise
 *   nothing     not yet
 */
#ifndef JOB_WORKER_MARK_H
#define JOB_WORKER_MARK_H

#include "sheet.h"
#include "step.h"

/*
 * Whether the working directory is the one that was made for this launch: one that was given up may find another
 * attempt's under the same name. 0 or errno.
 */
int mark_check_attempt(const struct sheet *sheet);

/* Whether the name leads to another directory than the working directory, or to none. */
int mark_is_moved(const char *name);

/*
 * Makes the mark, and sees to it that it outlives the host if the sheet says so. 0, and then the program may be
 * executed; or errno, and then it must not be. *made tells whether there is a mark now.
 */
int mark_make(const struct sheet *sheet, int *made);

/* The program was not executed after all. What fails leaves the mark, which then claims less than is known. */
void mark_revoke(const struct step_failure *why);

#endif
