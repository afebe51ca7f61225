package io.jobworker.server.rpc;

import io.grpc.Status;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.ListJobsResponse;
import io.jobworker.core.Jobs;
import io.jobworker.core.job.JobFilter;
import io.jobworker.core.job.JobPage;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobState;
import io.jobworker.server.clients.Client;
import io.jobworker.server.clients.Role;
import io.jobworker.server.gate.CurrentCall;
import io.jobworker.server.gate.InvalidField;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** {@code List}: the jobs that the caller may see, the newest first. */
record ListMethod(Jobs jobs, Measured measured)
    implements Unary<ListJobsRequest, ListJobsResponse> {
  private static final int DEFAULT_PAGE = 100;
  private static final int MAX_NAME_LENGTH = 128;

  /**
   * A page ends early when it is as large as this; with the largest of jobs on top, whose words
   * stand in it as bytes and as text, it still is a message for clients that take no more than 4
   * MiB.
   */
  private static final int FULL_PAGE_BYTES = 512 << 10;

  @Override
  public ListJobsResponse handle(ListJobsRequest request) {
    JobQuery query = query(request, CurrentCall.caller().client());
    ListJobsResponse.Builder response =
        ListJobsResponse.newBuilder().setRevision(jobs.changes().newest()); // before the page
    JobPage page = jobs.list(query);
    long bytes = 0;
    for (JobPage.Entry job : page.jobs()) {
      JobStatusResponse entry = measured.mark(Wire.statusResponse(job.status(), "", job.usage()));
      bytes += entry.getSerializedSize();
      response.addJobs(entry);
      if (bytes > FULL_PAGE_BYTES) {
        return response.setNextPageToken(job.position().toString()).build();
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
        filter(request),
        after,
        request.getPageSize() == 0 ? DEFAULT_PAGE : request.getPageSize());
  }

  private static JobFilter filter(ListJobsRequest request) {
    Set<JobState> states = EnumSet.noneOf(JobState.class);
    request.getStatusesList().forEach(word -> states.add(Wire.state("statuses", word)));
    if (!request.getStatus().isEmpty()) {
      JobState one = Wire.state("status", request.getStatus());
      if (!states.isEmpty() && !states.contains(one)) {
        throw new InvalidField("status", "give one of status and statuses");
      }
      states.clear();
      states.add(one);
    }
    return new JobFilter(
        states,
        request.getLabelsMap(),
        new JobFilter.Naming(
            few("id_prefixes", request.getIdPrefixesList()), few("names", request.getNamesList())),
        text("name_part", request.getNamePart()),
        request.hasCreatedFrom()
            ? Optional.of(Wire.instant("created_from", request.getCreatedFrom()))
            : Optional.empty(),
        request.hasCreatedBefore()
            ? Optional.of(Wire.instant("created_before", request.getCreatedBefore()))
            : Optional.empty());
  }

  private static List<String> few(String field, List<String> values) {
    if (values.size() > JobFilter.Naming.MAX) {
      throw new InvalidField(field, "at most " + JobFilter.Naming.MAX);
    }
    for (String value : values) {
      if (field.equals("id_prefixes") && !JobFilter.Naming.isPrefix(value)) {
        throw new InvalidField(
            field,
            "an id begins with at least "
                + JobFilter.Naming.MIN_PREFIX_LENGTH
                + " of the characters 0-9, a-f and -");
      }
      text(field, value);
    }
    return values;
  }

  private static String text(String field, String value) {
    if (value.length() > MAX_NAME_LENGTH) {
      throw new InvalidField(field, "a job's name is at most " + MAX_NAME_LENGTH + " characters");
    }
    return value;
  }

  /** A user sees its own jobs; who reads all may ask for one owner's. */
  static Optional<String> owner(String asked, Client client) {
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
