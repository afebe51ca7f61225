/** Connections and the threads that serve them. */
@NullMarked
package io.jobworker.server.transport;

import org.jspecify.annotations.NullMarked;
