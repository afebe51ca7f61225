package io.jobworker.server.gate;

import io.grpc.Context;
import io.jobworker.server.access.Caller;

/** Who makes the call that is being handled, for all that handles it on whatever thread of its. */
public final class CurrentCaller {
  private static final Context.Key<Caller> KEY = Context.key("caller");

  private CurrentCaller() {}

  /** To be called while a call is handled that has come through the gate. */
  public static Caller get() {
    return KEY.get();
  }

  static Context in(Context context, Caller caller) {
    return context.withValue(KEY, caller);
  }
}
