/** What each client may have of the server, and what it has now. */
@NullMarked
package io.jobworker.server.quota;

import org.jspecify.annotations.NullMarked;
