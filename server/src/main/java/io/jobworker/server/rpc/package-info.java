/** The gRPC methods, one class each, and the one mapping of errors to status. */
@NullMarked
package io.jobworker.server.rpc;

import org.jspecify.annotations.NullMarked;
