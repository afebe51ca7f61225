/** A job that stands in for a program here: its output, its signals, its end. */
@NullMarked
package io.jobworker.cli.run;

import org.jspecify.annotations.NullMarked;
