/** The verbs of job-worker-server, one class each. */
@NullMarked
package io.jobworker.server.command;

import org.jspecify.annotations.NullMarked;
