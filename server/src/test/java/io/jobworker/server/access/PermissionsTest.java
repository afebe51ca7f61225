package io.jobworker.server.access;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.MethodDescriptor;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.server.access.Permissions.Access;
import io.jobworker.server.clients.Client;
import io.jobworker.server.clients.Role;
import io.jobworker.server.quota.Quotas;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PermissionsTest {
  @Test
  void everyMethodOfTheContractHasARow() {
    for (MethodDescriptor<?, ?> method : JobWorkerGrpc.getServiceDescriptor().getMethods()) {
      assertThat(Permissions.of(method.getFullMethodName()))
          .as(method.getFullMethodName())
          .isPresent();
    }
  }

  @Test
  void aMethodThatReachesOneJobSaysWhereInItsRequestThatIs() {
    for (MethodDescriptor<?, ?> method : JobWorkerGrpc.getServiceDescriptor().getMethods()) {
      Permissions.Row<?> row = Permissions.of(method.getFullMethodName()).orElseThrow();
      boolean ofOneJob = row.access() == Access.READ_JOB || row.access() == Access.CHANGE_JOB;
      assertThat(row.jobIn(emptyRequest(method)).isPresent())
          .as(method.getFullMethodName())
          .isEqualTo(ofOneJob);
    }
  }

  @Test
  void theJobIsTheOneThatTheRequestNames() {
    String stop = JobWorkerGrpc.getStopMethod().getFullMethodName();
    JobRequest request = JobRequest.newBuilder().setId("some job").build();
    assertThat(Permissions.of(stop).orElseThrow().jobIn(request)).contains("some job");
  }

  private static Object emptyRequest(MethodDescriptor<?, ?> method) {
    return requireNonNull(
        ((MethodDescriptor.PrototypeMarshaller<?>) method.getRequestMarshaller())
            .getMessagePrototype());
  }

  @Test
  void aUserReachesItsOwnJobsOnly() {
    Client alice = client(Role.USER);
    for (Access access : Access.values()) {
      assertThat(Permissions.allows(alice, access, "alice")).isTrue();
      assertThat(Permissions.allows(alice, access, "bob")).isFalse();
    }
  }

  @Test
  void aViewerReadsAllAndChangesNothing() {
    Client viewer = client(Role.VIEWER);
    assertThat(Permissions.allows(viewer, Access.READ_JOB, "bob")).isTrue();
    assertThat(Permissions.allows(viewer, Access.READ_JOBS, "bob")).isTrue();
    assertThat(Permissions.allows(viewer, Access.CHANGE_JOB, "alice")).isFalse();
    assertThat(Permissions.allows(viewer.role(), Access.START)).isFalse();
  }

  @Test
  void anAdminReachesAllJobs() {
    for (Access access : Access.values()) {
      assertThat(Permissions.allows(client(Role.ADMIN), access, "bob")).isTrue();
    }
  }

  private static Client client(Role role) {
    return new Client("alice", "alice", role, false, Instant.EPOCH, Optional.empty(), Quotas.NONE);
  }
}
