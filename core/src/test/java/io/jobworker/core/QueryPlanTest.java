package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.jobworker.base.sqlite.Database;
import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.JobFilter;
import io.jobworker.core.job.JobFilter.Naming;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.output.OutputLog.OnFull;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * What a call costs must not grow with the jobs that there are: an index leads to what it reads.
 */
class QueryPlanTest {
  @TempDir Path directory;
  private final Logger log = (Logger) LoggerFactory.getLogger(Database.class);
  private final Set<String> statements = new ConcurrentSkipListSet<>();
  private final AppenderBase<ILoggingEvent> appender =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          if (event.getMessage().equals("database.statement")) {
            event.getKeyValuePairs().forEach(pair -> statements.add(String.valueOf(pair.value)));
          }
        }
      };

  @BeforeEach
  void listen() {
    appender.setContext(log.getLoggerContext());
    appender.start();
    log.setLevel(Level.TRACE);
    log.setAdditive(false);
    log.addAppender(appender);
  }

  @AfterEach
  void listenNoMore() {
    log.detachAppender(appender);
    log.setAdditive(true);
    log.setLevel(null);
    TestJobs.removeCgroups();
  }

  private Jobs open() {
    JobsConfig.Output output =
        new JobsConfig.Output(
            ByteSize.ofMebibytes(1), OnFull.OVERWRITE, ByteSize.ofMebibytes(8), Duration.ZERO);
    JobsConfig.History few = new JobsConfig.History(Duration.ofDays(1), 2, 3, ByteSize.of(1));
    return Jobs.open(
        TestJobs.config(directory.resolve("state"), output, few, JobsConfig.in(directory).clock()));
  }

  private static JobStatus start(Jobs jobs, String name, String... command) {
    return jobs.start(
            StartRequest.of(
                Owner.of("alice"),
                JobSpec.builder(List.of(command)).name(name).requestId(name).build()))
        .status();
  }

  private static void everythingThatIsDoneToJobs(Jobs jobs) {
    for (String name : List.of("a", "b", "c", "c")) {
      JobStatus job = start(jobs, name, "/bin/true");
      jobs.find(job.id()).whenEnded().orTimeout(60, TimeUnit.SECONDS).join();
    }
    JobStatus job = start(jobs, "d", "/bin/sleep", "1000");
    jobs.find(job.id(), "alice"::equals).status();
    List<JobFilter> filters =
        List.of(
            JobFilter.ALL,
            JobFilter.ALL.withNaming(new Naming(List.of(), List.of("a"))),
            JobFilter.ALL.withNaming(
                new Naming(List.of(job.id().toString().substring(0, 8)), List.of())));
    for (Optional<String> owner : List.of(Optional.of("alice"), Optional.<String>empty())) {
      for (JobFilter filter : filters) {
        var page = jobs.list(new JobQuery(owner, filter, Optional.empty(), 1));
        jobs.list(new JobQuery(owner, filter, page.next(), 1));
      }
      long newest = jobs.changes().newest();
      assertThat(jobs.changes().after(newest, owner, 10)).hasSizeLessThan(10); // removals go on
    }
    jobs.find(job.id()).stop(StopRequest.withGrace(Duration.ofMillis(1)));
    TestJobs.remove(jobs, job.id());
  }

  private static List<String> plan(Connection database, String sql) throws SQLException {
    List<String> steps = new ArrayList<>();
    try (ResultSet rows = database.createStatement().executeQuery("EXPLAIN QUERY PLAN " + sql)) {
      while (rows.next()) {
        steps.add(rows.getString("detail"));
      }
    }
    return steps;
  }

  @Test
  void noCallReadsAWholeTable() throws Exception {
    try (Jobs jobs = open()) {
      everythingThatIsDoneToJobs(jobs);
    }
    open().close();
    assertThat(statements).hasSizeGreaterThan(20); // few ids begin as is asked for, and are sorted
    try (Connection database =
        DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("state/jobs.db"))) {
      for (String sql : statements) {
        if (sql.matches("(?s)(SELECT|INSERT|UPDATE|DELETE).*\\b(job|change)\\b.*")) {
          assertThat(plan(database, sql))
              .as(sql)
              .noneMatch(step -> step.matches("SCAN (job|change)(?! USING).*"))
              .noneMatch(step -> step.startsWith("SCAN ") && sql.contains("owner = ?"))
              .noneMatch(step -> step.contains("TEMP B-TREE") && !sql.contains("id >= ?"));
        }
      }
    }
  }
}
