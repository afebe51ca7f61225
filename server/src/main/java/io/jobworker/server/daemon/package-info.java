/** The daemon: its parts, how they are put together, and in which order they start and end. */
@NullMarked
package io.jobworker.server.daemon;

import org.jspecify.annotations.NullMarked;
