/** From a configuration to a channel, and from failures to exit codes. */
@NullMarked
package io.jobworker.cli.connect;

import org.jspecify.annotations.NullMarked;
