package io.jobworker.server.auth;

import io.grpc.Context;
import io.jobworker.server.quota.Quotas;

/**
 * Who makes a call, once that is certain.
 *
 * @param quotas all that the client may have
 * @param certificateSerial of the certificate that was shown, in hexadecimal
 * @param peer the address that the connection comes from
 * @param method the full name of the method that is called
 * @param requestId of this one call
 */
public record Caller(
    Client client,
    Quotas quotas,
    String certificateSerial,
    String peer,
    String method,
    String requestId) {
  private static final Context.Key<Caller> KEY = Context.key("caller");

  /** The caller of the call that is being handled. */
  public static Caller current() {
    return KEY.get();
  }

  Context in(Context context) {
    return context.withValue(KEY, this);
  }
}
