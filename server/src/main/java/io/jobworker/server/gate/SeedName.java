package io.jobworker.server.gate;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.jobworker.api.v1.JobWorkerGrpc;
import java.util.List;
import java.util.Set;

/**
 * The service's other name. The founding document's contract has no package, so its clients call
 * {@code JobWorker/Start}, where the contract of today says {@code jobworker.v1.JobWorker/Start}.
 * What comes by that name is handled as the method of today, and from here on is called so: whoever
 * permits, counts and writes down cannot tell the two apart. What is answered can, by {@link
 * #isCalled}.
 */
public final class SeedName {
  private static final String NAME = "JobWorker";
  private static final Set<String> METHODS = Set.of("Start", "Stop", "Status", "Logs");
  private static final Context.Key<Boolean> CALLED = Context.key("by the seed's name");

  private SeedName() {}

  /** The service under each of its names. */
  public static List<ServerServiceDefinition> andOwnNameOf(ServerServiceDefinition service) {
    ServerServiceDefinition.Builder seed = ServerServiceDefinition.builder(NAME);
    for (ServerMethodDefinition<?, ?> method : service.getMethods()) {
      if (METHODS.contains(method.getMethodDescriptor().getBareMethodName())) {
        seed.addMethod(renamed(method));
      }
    }
    return List.of(service, seed.build());
  }

  private static <Q, R> ServerMethodDefinition<Q, R> renamed(ServerMethodDefinition<Q, R> method) {
    MethodDescriptor<Q, R> own = method.getMethodDescriptor();
    ServerCallHandler<Q, R> handler = method.getServerCallHandler();
    return ServerMethodDefinition.create(
        own.toBuilder()
            .setFullMethodName(
                MethodDescriptor.generateFullMethodName(NAME, own.getBareMethodName()))
            .setSchemaDescriptor(null)
            .build(),
        (call, headers) ->
            Contexts.interceptCall(
                Context.current().withValue(CALLED, true), called(own, call), headers, handler));
  }

  private static <Q, R> ServerCall<Q, R> called(MethodDescriptor<Q, R> own, ServerCall<Q, R> call) {
    return new SimpleForwardingServerCall<>(call) {
      @Override
      public MethodDescriptor<Q, R> getMethodDescriptor() {
        return own;
      }
    };
  }

  /** What a method that is called by either name is called in the contract of today. */
  public static String ownNameOf(MethodDescriptor<?, ?> method) {
    return NAME.equals(method.getServiceName())
        ? MethodDescriptor.generateFullMethodName(
            JobWorkerGrpc.SERVICE_NAME, String.valueOf(method.getBareMethodName()))
        : method.getFullMethodName();
  }

  /** Whether the call that is being handled has come by the seed's name. */
  public static boolean isCalled() {
    return CALLED.get() != null;
  }
}
