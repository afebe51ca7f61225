package io.jobworker.server.gate;

import static java.util.Objects.requireNonNull;

import io.grpc.Context;
import io.jobworker.core.Job;
import io.jobworker.server.access.Caller;
import org.jspecify.annotations.Nullable;

/**
 * The call that is being handled: who makes it and which job it is about, for all that handles it,
 * on whatever thread of the call's. To be asked only while a call is handled that has come through
 * the gate.
 */
public final class CurrentCall {
  private static final Context.Key<CurrentCall> KEY = Context.key("call");

  private final Caller caller;

  /** Set by the owner check, before the request is handed on. */
  private volatile @Nullable Job job;

  CurrentCall(Caller caller) {
    this.caller = caller;
  }

  Context in(Context context) {
    return context.withValue(KEY, this);
  }

  void isAbout(Job found) {
    job = found;
  }

  public static Caller caller() {
    return KEY.get().caller;
  }

  /** The job that the request names, which the caller may reach as the method needs it. */
  public static Job job() {
    return requireNonNull(KEY.get().job, "the method's requests name no job");
  }
}
