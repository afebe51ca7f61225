package io.jobworker.cli.connect;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import java.util.Locale;
import java.util.function.Consumer;

/** Tells of every call what it is, what came of it and how long it took. */
final class Telling implements ClientInterceptor {
  private final Consumer<String> say;

  Telling(Consumer<String> say) {
    this.say = say;
  }

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    String name = String.valueOf(method.getBareMethodName());
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<R> listener, Metadata headers) {
        long begin = System.nanoTime();
        if (method.getType() != MethodType.UNARY) {
          say.accept(name + " begins");
        }
        super.start(
            new SimpleForwardingClientCallListener<>(listener) {
              @Override
              public void onClose(Status status, Metadata trailers) {
                say.accept(name + ": " + status.getCode() + " after " + since(begin));
                super.onClose(status, trailers);
              }
            },
            headers);
      }
    };
  }

  private static String since(long begin) {
    return String.format(Locale.ROOT, "%.1f ms", (System.nanoTime() - begin) / 1e6);
  }
}
