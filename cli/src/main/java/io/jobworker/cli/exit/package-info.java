/** What becomes of a job's end, as an exit code. */
@NullMarked
package io.jobworker.cli.exit;

import org.jspecify.annotations.NullMarked;
