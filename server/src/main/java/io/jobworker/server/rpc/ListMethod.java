package io.jobworker.server.rpc;

import io.grpc.Status;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.ListJobsResponse;
import io.jobworker.core.Jobs;
import io.jobworker.core.job.JobPage;
import io.jobworker.core.job.JobQuery;
import io.jobworker.server.clients.Client;
import io.jobworker.server.clients.Role;
import io.jobworker.server.gate.CurrentCall;
import io.jobworker.server.gate.InvalidField;
import java.util.Optional;

/** {@code List}: the jobs that the caller may see, the newest first. */
record ListMethod(Jobs jobs) implements Unary<ListJobsRequest, ListJobsResponse> {
  private static final int DEFAULT_PAGE = 100;

  /**
   * A page ends early when it is as large as this; with the largest of jobs on top, whose words
   * stand in it as bytes and as text, it still is a message for clients that take no more than 4
   * MiB.
   */
  private static final int FULL_PAGE_BYTES = 512 << 10;

  @Override
  public ListJobsResponse handle(ListJobsRequest request) {
    JobPage page = jobs.list(query(request, CurrentCall.caller().client()));
    ListJobsResponse.Builder response = ListJobsResponse.newBuilder();
    long bytes = 0;
    for (JobPage.Entry job : page.jobs()) {
      JobStatusResponse entry = Wire.statusResponse(job.status(), "", job.usage());
      bytes += entry.getSerializedSize();
      response.addJobs(entry);
      if (bytes > FULL_PAGE_BYTES) {
        return response.setNextPageToken(JobQuery.Position.of(job.status()).toString()).build();
      }
    }
    page.next().ifPresent(position -> response.setNextPageToken(position.toString()));
    return response.build();
  }

  static JobQuery query(ListJobsRequest request, Client client) {
    Optional<JobQuery.Position> after = Optional.empty();
    if (!request.getPageToken().isEmpty()) {
      after = JobQuery.Position.parse(request.getPageToken());
      if (after.isEmpty()) {
        throw new InvalidField("page_token", "not one that this server has given");
      }
    }
    if (request.getPageSize() < 0 || request.getPageSize() > JobQuery.MAX_LIMIT) {
      throw new InvalidField("page_size", "at most " + JobQuery.MAX_LIMIT);
    }
    return new JobQuery(
        owner(request.getOwner(), client),
        request.getStatus().isEmpty()
            ? Optional.empty()
            : Optional.of(Wire.state("status", request.getStatus())),
        request.getLabelsMap(),
        after,
        request.getPageSize() == 0 ? DEFAULT_PAGE : request.getPageSize());
  }

  /** A user sees its own jobs; who reads all may ask for one owner's. */
  private static Optional<String> owner(String asked, Client client) {
    if (client.role() == Role.USER) {
      if (!asked.isEmpty() && !asked.equals(client.name())) {
        throw Status.PERMISSION_DENIED
            .withDescription("only viewers and admins may list another owner's jobs")
            .asRuntimeException();
      }
      return Optional.of(client.name());
    }
    if (asked.length() > Client.MAX_NAME_LENGTH) {
      throw new InvalidField("owner", "a client's name is shorter than that");
    }
    return asked.isEmpty() ? Optional.empty() : Optional.of(asked);
  }
}
