/** The command line: its start. */
@NullMarked
package io.jobworker.cli;

import org.jspecify.annotations.NullMarked;
