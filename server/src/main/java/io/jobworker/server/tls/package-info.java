/**
 * What the server shows of itself and whom it believes: certificates, their making, their change.
 */
@NullMarked
package io.jobworker.server.tls;

import org.jspecify.annotations.NullMarked;
