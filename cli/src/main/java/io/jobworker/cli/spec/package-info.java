/** A job's whole specification as a file. */
@NullMarked
package io.jobworker.cli.spec;

import org.jspecify.annotations.NullMarked;
