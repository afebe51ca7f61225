/** The gRPC methods, one class each. */
@NullMarked
package io.jobworker.server.rpc;

import org.jspecify.annotations.NullMarked;
