/** A job's output on its way here: over broken connections, within times, into files. */
@NullMarked
package io.jobworker.cli.output;

import org.jspecify.annotations.NullMarked;
