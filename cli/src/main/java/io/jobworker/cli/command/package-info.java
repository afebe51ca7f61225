/** The verbs of job-worker, one class each. */
@NullMarked
package io.jobworker.cli.command;

import org.jspecify.annotations.NullMarked;
