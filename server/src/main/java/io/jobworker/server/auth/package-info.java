/** Who calls, and what they may: certificate to client to permission. */
@NullMarked
package io.jobworker.server.auth;

import org.jspecify.annotations.NullMarked;
