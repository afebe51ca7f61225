/*
 * The last thing that a launch does: execve(2), with the search of PATH, and what to say if it fails.
 */
#ifndef JOB_WORKER_EXECUTE_H
#define JOB_WORKER_EXECUTE_H

#include "sheet.h"
#include "step.h"

/*
 * Async-signal-safe, and as the job's user: what it learns about files it learns by that user's rights. Returns only if
 * the program cannot be executed: then failure has the errno and, if the program is there but not what interprets it,
 * the name of that.
 */
void execute(const struct sheet *sheet, struct step_failure *failure);

#endif
