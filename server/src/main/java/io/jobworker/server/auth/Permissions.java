package io.jobworker.server.auth;

import io.jobworker.api.v1.JobWorkerGrpc;
import java.util.Map;
import java.util.Optional;

/**
 * The one table of what each method does, and so of who may call it. A method without a row is
 * refused.
 */
final class Permissions {
  private Permissions() {}

  /** What a method does to jobs. */
  enum Access {
    /** Makes a job, which is then the caller's. */
    START,
    /** Changes the one job that the request names. */
    CHANGE_JOB,
    /** Reads the one job that the request names. */
    READ_JOB,
    /** Reads those of all jobs that the caller may see. */
    READ_JOBS
  }

  private static final Map<String, Access> BY_METHOD =
      Map.of(
          name("Start"), Access.START,
          name("Stop"), Access.CHANGE_JOB,
          name("Status"), Access.READ_JOB,
          name("Logs"), Access.READ_JOB,
          name("List"), Access.READ_JOBS,
          name("Wait"), Access.READ_JOB,
          name("Watch"), Access.READ_JOBS,
          name("Stats"), Access.READ_JOB,
          name("Remove"), Access.CHANGE_JOB);

  static Optional<Access> of(String fullMethodName) {
    return Optional.ofNullable(BY_METHOD.get(fullMethodName));
  }

  /** Whether {@code role} allows {@code access} at all, if only to jobs of the client's own. */
  static boolean allows(Role role, Access access) {
    return switch (role) {
      case USER, ADMIN -> true;
      case VIEWER -> access == Access.READ_JOB || access == Access.READ_JOBS;
    };
  }

  /** Whether {@code client} may do it to a job of {@code owner}. */
  static boolean allows(Client client, Access access, String owner) {
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
