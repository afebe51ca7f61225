/**
 * From a certificate to a client, and from that to what it may do: answers, and no consequences.
 */
@NullMarked
package io.jobworker.server.access;

import org.jspecify.annotations.NullMarked;
