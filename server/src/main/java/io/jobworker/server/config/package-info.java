/** server.toml, as typed values. */
@NullMarked
package io.jobworker.server.config;

import org.jspecify.annotations.NullMarked;
