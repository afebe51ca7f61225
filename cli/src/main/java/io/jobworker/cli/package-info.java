/** The command line: its start, and the splitting of a command into words. */
@NullMarked
package io.jobworker.cli;

import org.jspecify.annotations.NullMarked;
