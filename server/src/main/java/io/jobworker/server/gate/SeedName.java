package io.jobworker.server.gate;

import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FileDescriptor;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.protobuf.ProtoFileDescriptorSupplier;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerOuterClass;
import java.util.ArrayList;
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
  public static final String NAME = "JobWorker";
  private static final Set<String> METHODS = Set.of("Start", "Stop", "Status", "Logs");
  private static final Schema SCHEMA = new Schema();
  private static final Context.Key<Boolean> CALLED = Context.key("by the seed's name");

  private SeedName() {}

  /** A service under each of its names; all but one have one only. */
  public static List<ServerServiceDefinition> andOwnNameOf(ServerServiceDefinition service) {
    if (!service.getServiceDescriptor().getName().equals(JobWorkerGrpc.SERVICE_NAME)) {
      return List.of(service);
    }
    ServiceDescriptor.Builder description =
        ServiceDescriptor.newBuilder(NAME).setSchemaDescriptor(SCHEMA);
    List<ServerMethodDefinition<?, ?>> methods = new ArrayList<>();
    for (ServerMethodDefinition<?, ?> method : service.getMethods()) {
      if (METHODS.contains(method.getMethodDescriptor().getBareMethodName())) {
        ServerMethodDefinition<?, ?> renamed = renamed(method);
        description.addMethod(renamed.getMethodDescriptor());
        methods.add(renamed);
      }
    }
    ServerServiceDefinition.Builder seed = ServerServiceDefinition.builder(description.build());
    methods.forEach(seed::addMethod);
    return List.of(service, seed.build());
  }

  /** A file without a package that has the service and takes its messages from the other. */
  private static FileDescriptor schema() {
    FileDescriptor own = JobWorkerOuterClass.getDescriptor();
    ServiceDescriptorProto.Builder service = ServiceDescriptorProto.newBuilder().setName(NAME);
    own.findServiceByName(NAME).toProto().getMethodList().stream()
        .filter(method -> METHODS.contains(method.getName()))
        .forEach(service::addMethod);
    FileDescriptorProto file =
        FileDescriptorProto.newBuilder()
            .setName("job_worker.proto")
            .setSyntax(own.toProto().getSyntax())
            .addDependency(own.getFullName())
            .addService(service)
            .build();
    try {
      return FileDescriptor.buildFrom(file, new FileDescriptor[] {own});
    } catch (DescriptorValidationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** What reflection tells of it. */
  private static final class Schema implements ProtoFileDescriptorSupplier {
    private final FileDescriptor file = schema();

    @Override
    public FileDescriptor getFileDescriptor() {
      return file;
    }
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
