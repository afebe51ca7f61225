/** The daemon: its start, its parts put together, its end. */
@NullMarked
package io.jobworker.server;

import org.jspecify.annotations.NullMarked;
