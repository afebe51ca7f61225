package io.jobworker.server.auth;

import io.grpc.Context;

/**
 * Who makes a call, once that is certain.
 *
 * @param certificateSerial of the certificate that was shown, in hexadecimal
 * @param peer the address that the connection comes from
 */
public record Caller(Client client, String certificateSerial, String peer) {
  private static final Context.Key<Caller> KEY = Context.key("caller");

  /** The caller of the call that is being handled. */
  public static Caller current() {
    return KEY.get();
  }

  Context in(Context context) {
    return context.withValue(KEY, this);
  }
}
