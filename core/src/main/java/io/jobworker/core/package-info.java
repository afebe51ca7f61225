/**
 * The front door of the library: {@link io.jobworker.core.Jobs} and the values it speaks in. The
 * packages below it are its rooms; programs that use the library need only this one and {@code
 * output}'s reading side.
 */
@NullMarked
package io.jobworker.core;

import org.jspecify.annotations.NullMarked;
