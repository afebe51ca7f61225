package io.jobworker.server.access;

import static java.util.Map.entry;

import io.jobworker.api.v1.InputRequest;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.server.clients.Client;
import io.jobworker.server.clients.Role;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The one table of what each method does, and so of who may call it. A method without a row is
 * refused.
 */
public final class Permissions {
  private static final Map<String, Row<?>> BY_METHOD =
      Map.ofEntries(
          entry(name("Start"), row(Access.START)),
          entry(name("Stop"), row(Access.CHANGE_JOB, JobRequest.class, JobRequest::getId)),
          entry(name("Status"), row(Access.READ_JOB, JobRequest.class, JobRequest::getId)),
          entry(name("Logs"), row(Access.READ_JOB, JobRequest.class, JobRequest::getId)),
          entry(name("List"), row(Access.READ_JOBS)),
          entry(name("Wait"), row(Access.READ_JOB, JobRequest.class, JobRequest::getId)),
          entry(name("Watch"), row(Access.READ_JOBS)),
          entry(name("Stats"), row(Access.READ_JOB, JobRequest.class, JobRequest::getId)),
          entry(name("Remove"), row(Access.CHANGE_JOB, JobRequest.class, JobRequest::getId)),
          entry(name("Input"), row(Access.CHANGE_JOB, InputRequest.class, InputRequest::getId)),
          // What every gRPC server may have beside its own.
          entry("grpc.health.v1.Health/Check", row(Access.ASK_SERVICE)),
          entry("grpc.health.v1.Health/Watch", row(Access.ASK_SERVICE)),
          entry(
              "grpc.reflection.v1.ServerReflection/ServerReflectionInfo", row(Access.ASK_SERVICE)));

  private Permissions() {}

  /** What a method does to jobs. */
  public enum Access {
    /** Makes a job, which is then the caller's. */
    START,
    /** Changes the one job that the request names. */
    CHANGE_JOB,
    /** Reads the one job that the request names. */
    READ_JOB,
    /** Reads those of all jobs that the caller may see. */
    READ_JOBS,
    /** Asks how the service is, or what it can do; of jobs it tells nothing. */
    ASK_SERVICE
  }

  /**
   * A method's row.
   *
   * @param <Q> the method's request
   * @param jobId where in its request the method names the job that it reaches; empty: nowhere
   */
  public record Row<Q>(Access access, Class<Q> request, Optional<Function<Q, String>> jobId) {
    /** The id, such as it is, of the one job that this request reaches; empty: it names none. */
    public Optional<String> jobIn(Object message) {
      return jobId.map(id -> id.apply(request.cast(message)));
    }
  }

  private static Row<Object> row(Access access) {
    return new Row<>(access, Object.class, Optional.empty());
  }

  private static <Q> Row<Q> row(Access access, Class<Q> request, Function<Q, String> jobId) {
    return new Row<>(access, request, Optional.of(jobId));
  }

  /** The row of a method, by its full name. */
  public static Optional<Row<?>> of(String fullMethodName) {
    return Optional.ofNullable(BY_METHOD.get(fullMethodName));
  }

  /** Whether {@code role} allows {@code access} at all, if only to jobs of the client's own. */
  public static boolean allows(Role role, Access access) {
    return switch (role) {
      case USER, ADMIN -> true;
      case VIEWER ->
          switch (access) {
            case READ_JOB, READ_JOBS, ASK_SERVICE -> true;
            case START, CHANGE_JOB -> false;
          };
    };
  }

  /** Whether {@code client} may do it to a job of {@code owner}. */
  public static boolean allows(Client client, Access access, String owner) {
    return allows(client.role(), access)
        && switch (client.role()) {
          case ADMIN, VIEWER -> true;
          case USER -> owner.equals(client.name());
        };
  }

  private static String name(String method) {
    return JobWorkerGrpc.SERVICE_NAME + "/" + method;
  }
}
