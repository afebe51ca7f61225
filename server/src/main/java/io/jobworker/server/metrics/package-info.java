/** Figures for who watches the server. */
@NullMarked
package io.jobworker.server.metrics;

import org.jspecify.annotations.NullMarked;
