package io.jobworker.server.rpc;

import com.google.protobuf.Descriptors.FieldDescriptor;
import io.jobworker.api.v1.JobStats;
import io.jobworker.api.v1.JobStatusResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Says of a job that runs which of its figures are none, for want of a cgroup controller. */
final class Measured {
  /** Where nothing could be told at that moment. */
  private static final List<String> ALL =
      JobStats.getDescriptor().getFields().stream()
          .map(FieldDescriptor::getName)
          .filter(name -> !name.equals("time"))
          .toList();

  private final List<String> unmeasured;

  /**
   * {@code controllers} are those that jobs have; where {@code cgroups} are not there at all, the
   * kernel counts nothing of a job before it ends.
   */
  Measured(Set<String> controllers, boolean cgroups) {
    List<String> missing = new ArrayList<>();
    if (!cgroups) {
      missing.add("cpu_usec"); // cgroup-v2, "CPU": without the controller too
    }
    if (!controllers.contains("cpu")) {
      missing.add("cpu_throttled_usec");
    }
    if (!controllers.contains("memory")) {
      missing.addAll(List.of("memory_bytes", "memory_peak_bytes", "oom_kills"));
    }
    if (!controllers.contains("io")) {
      missing.addAll(List.of("io_read_bytes", "io_write_bytes"));
    }
    if (!controllers.contains("pids")) {
      missing.add("pids");
    }
    unmeasured = List.copyOf(missing);
  }

  /** Of a job that has ended the launcher knows what the kernel has counted. */
  JobStatusResponse mark(JobStatusResponse job) {
    if (job.hasEndedAt()) {
      return job;
    }
    return job.toBuilder().addAllUnmeasured(job.hasUsage() ? unmeasured : ALL).build();
  }
}
