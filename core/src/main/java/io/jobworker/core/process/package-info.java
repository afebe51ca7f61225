/** Starts one launcher per job and learns of its end. */
@NullMarked
package io.jobworker.core.process;

import org.jspecify.annotations.NullMarked;
