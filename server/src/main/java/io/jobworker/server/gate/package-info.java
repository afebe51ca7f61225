/** What every call and connection passes: here, and nowhere else, they are refused. */
@NullMarked
package io.jobworker.server.gate;

import org.jspecify.annotations.NullMarked;
