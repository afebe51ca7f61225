package io.jobworker.server.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.JobEvent;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Requester;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the library tells of is audited whoever asked for it. */
class AuditOfEventsTest {
  @TempDir private Path directory;

  @Test
  void aJobThatNoCallHasStartedIsAuditedByTheNameOfWhoDid() throws Exception {
    JobId id = JobId.random();
    JobStatus job =
        new JobStatus(
            id,
            "alice",
            JobSpec.of("true"),
            JobState.RUNNING,
            Instant.now(),
            1,
            Optional.empty(),
            0,
            0,
            "");
    ServerConfig.Audit settings =
        new ServerConfig.Audit("audit/audit.jsonl", ByteSize.ofMebibytes(1), 2, true, List.of());
    try (Audit audit = new Audit(settings, new ServerDirectory(directory))) {
      audit.on(new JobEvent.Started(job, Requester.named("nightly"), Optional.empty()));
    }
    assertThat(Files.readAllLines(directory.resolve("audit/audit.jsonl")))
        .singleElement()
        .asString()
        .contains("\"job.started\"", "\"nightly\"", id.toString(), "\"true\"");
  }
}
