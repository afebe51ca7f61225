/** A job's output: captured into a ring of segment files, read through cursors. */
@NullMarked
package io.jobworker.core.output;

import org.jspecify.annotations.NullMarked;
