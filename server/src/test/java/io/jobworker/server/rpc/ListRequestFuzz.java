package io.jobworker.server.rpc;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.StatusRuntimeException;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobQuery;
import io.jobworker.server.clients.Client;
import io.jobworker.server.clients.Role;
import io.jobworker.server.gate.InvalidField;
import io.jobworker.server.quota.Quotas;
import java.time.Instant;
import java.util.Optional;

/** Whatever a List asks for is a query within its bounds, or refused by its field. */
public final class ListRequestFuzz {
  private static final Client ALICE =
      new Client("alice", "alice", Role.USER, false, Instant.EPOCH, Optional.empty(), Quotas.NONE);

  private ListRequestFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    try {
      JobQuery query = ListMethod.query(ListJobsRequest.parseFrom(input), ALICE);
      if (!query.owner().equals(Optional.of("alice"))) {
        throw new AssertionError("another's jobs: " + query.owner());
      }
    } catch (StatusRuntimeException e) {
      // another's jobs are asked for
    } catch (InvalidProtocolBufferException | JobException | InvalidField e) {
      // refused
    }
  }
}
