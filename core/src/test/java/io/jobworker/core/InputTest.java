package io.jobworker.core;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jobworker.core.JobInput.Progress;
import io.jobworker.core.JobInput.State;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.Requester;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.job.StopRequest;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A job's stdin, written while the job runs. */
@Timeout(300)
class InputTest {
  private static final int WINDOW_BYTES = 256 << 10;
  private static final int PIPE_BYTES = 64 << 10;

  @TempDir Path state;

  private static JobStatus start(TestJobs test, String script) {
    return test.start(
        JobSpec.builder(List.of("/bin/sh", "-c", script)).stdinStream(true).build(),
        Optional.empty());
  }

  /** A writer that remembers what it was told. */
  private static final class Writer implements JobInput.Listener, AutoCloseable {
    private final BlockingQueue<Object> heard = new LinkedBlockingQueue<>();
    private final JobInput input;

    private Writer(TestJobs test, JobStatus job) {
      input = test.jobs().find(job.id()).input(this);
    }

    @Override
    public void progress(Progress progress) {
      heard.add(progress);
    }

    @Override
    public void lost(JobException why) {
      heard.add(why);
    }

    private Object next() throws InterruptedException {
      Object next = heard.poll(TestJobs.PATIENCE.toSeconds(), TimeUnit.SECONDS);
      assertThat(next).as("what the writer is told").isNotNull();
      return next;
    }

    private Progress await(Predicate<Progress> wanted) throws InterruptedException {
      while (true) {
        if (!(next() instanceof Progress progress)) {
          throw new AssertionError("lost");
        }
        if (wanted.test(progress)) {
          return progress;
        }
        assertThat(progress.state()).isEqualTo(State.OPEN);
      }
    }

    private void write(long offset, String text) {
      input.write(offset, ByteBuffer.wrap(text.getBytes(US_ASCII)));
    }

    @Override
    public void close() {
      input.close();
    }
  }

  @Test
  void aJobReadsWhatIsWrittenAndTheEndIsItsEndOfFile() throws Exception {
    try (TestJobs test = new TestJobs(state)) {
      JobStatus job = start(test, "cat; echo end");
      try (Writer writer = new Writer(test, job)) {
        assertThat(writer.next()).isEqualTo(new Progress(State.OPEN, 0, WINDOW_BYTES));
        writer.write(0, "one ");
        writer.write(4, "two ");
        writer.await(progress -> progress.taken() == 8);
        test.awaitOutput(job, "one two ");
        writer.input.end(8);
        writer.await(progress -> progress.state() == State.ENDED && progress.taken() == 8);
      }
      assertThat(test.output(job)).isEqualTo("one two end\n");
      assertThat(test.ended(job).state()).isEqualTo(JobState.EXITED);
    }
  }

  @Test
  void theNextServerGoesOnWhereTheJobIsAndTheEndIsGivenOnce() throws Exception {
    try (TestJobs test = new TestJobs(state)) {
      JobStatus job = start(test, "cat; echo end; exec sleep 1000");
      try (Writer writer = new Writer(test, job)) {
        writer.await(progress -> progress.taken() == 0);
        writer.write(0, "before ");
        writer.await(progress -> progress.taken() == 7);
        test.restart(() -> {});
      }
      try (Writer writer = new Writer(test, job)) {
        assertThat(writer.next()).isEqualTo(new Progress(State.OPEN, 7, 7 + WINDOW_BYTES));
        writer.write(7, "after ");
        writer.input.end(13);
        writer.await(progress -> progress.state() == State.ENDED);
      }
      test.awaitOutput(job, "before after end\n");
      test.restart(() -> {});
      try (Writer writer = new Writer(test, job)) {
        assertThat(writer.next())
            .isInstanceOfSatisfying(
                Progress.class,
                progress -> {
                  assertThat(progress.state()).isEqualTo(State.ENDED);
                  assertThat(progress.taken()).isEqualTo(13);
                });
      }
    }
  }

  /** A job that has stopped itself goes on. */
  private static void resume(JobStatus job) throws Exception {
    Path stat = Path.of("/proc/" + job.mainPid() + "/stat"); // proc_pid_stat(5)
    Awaitility.await()
        .atMost(TestJobs.PATIENCE)
        .until(() -> Files.readString(stat).contains(") T "));
    String pid = Integer.toString(job.mainPid());
    assertThat(new ProcessBuilder("kill", "-CONT", pid).start().waitFor()).isZero();
  }

  @Test
  void aWriterTakesThePlaceOfTheOneBeforeAndWhatWasNotTakenIsItsOwn() throws Exception {
    byte[] first = new byte[WINDOW_BYTES];
    Arrays.fill(first, (byte) 'a');
    try (TestJobs test = new TestJobs(state)) {
      JobStatus job = start(test, "kill -STOP $$; exec cat");
      try (Writer older = new Writer(test, job)) {
        older.await(progress -> progress.taken() == 0);
        older.input.write(0, ByteBuffer.wrap(first));
        long taken = older.await(progress -> progress.taken() > 0).taken();
        assertThat(taken).isLessThanOrEqualTo(PIPE_BYTES);
        try (Writer newer = new Writer(test, job)) {
          assertThat(older.next()).isInstanceOf(JobException.TakenOver.class);
          long from = newer.await(progress -> true).taken();
          assertThat(from).isBetween(taken, (long) PIPE_BYTES);
          newer.write(from, "b");
          newer.input.end(from + 1);
          older.input.end(WINDOW_BYTES); // has nothing to say any more
          resume(job);
          newer.await(progress -> progress.state() == State.ENDED);
          assertThat(test.output(job)).isEqualTo("a".repeat((int) from) + "b");
        }
      }
    }
  }

  @Test
  void aJobThatNeverReadsIsStoppedAtOnceAndItsWriterIsTold() throws Exception {
    try (TestJobs test = new TestJobs(state)) {
      JobStatus job = start(test, "exec sleep 1000");
      try (Writer writer = new Writer(test, job)) {
        writer.await(progress -> progress.taken() == 0);
        for (int i = 0; i < WINDOW_BYTES; i += 16) { // many packets, more than its socket holds
          writer.write(i, "0123456789abcdef");
        }
        writer.await(progress -> progress.taken() > 0);
        test.jobs().find(job.id()).stop(StopRequest.withGrace(Duration.ZERO));
        Progress last = writer.await(progress -> progress.state() != State.OPEN);
        assertThat(last.state()).isIn(State.JOB_ENDED, State.CLOSED); // it can close before it ends
        assertThat(last.taken()).isLessThanOrEqualTo(PIPE_BYTES);
      }
      assertThat(test.ended(job).state()).isEqualTo(JobState.STOPPED);
      assertThatThrownBy(() -> new Writer(test, job))
          .isInstanceOf(JobException.WrongState.class)
          .hasMessageContaining("has ended");
    }
  }

  @Test
  void aJobThatClosesItsStdinIsToldAndGoesOn() throws Exception {
    try (TestJobs test = new TestJobs(state)) {
      JobStatus job = start(test, "exec 0<&-; exec sleep 1000");
      try (Writer writer = new Writer(test, job)) {
        writer.await(progress -> progress.state() == State.CLOSED && progress.taken() == 0);
      }
      assertThat(test.jobs().find(job.id()).status().state()).isEqualTo(JobState.RUNNING);
    }
  }

  @Test
  void aGapBreaksTheConnectionAndNothingElse() throws Exception {
    try (TestJobs test = new TestJobs(state)) {
      JobStatus job = start(test, "cat");
      try (Writer writer = new Writer(test, job)) {
        writer.await(progress -> progress.taken() == 0);
        writer.write(1, "x");
        assertThat(writer.next()).isInstanceOf(JobException.Unavailable.class);
      }
      try (Writer writer = new Writer(test, job)) {
        writer.await(progress -> progress.taken() == 0);
        writer.input.end(0);
        writer.await(progress -> progress.state() == State.ENDED);
      }
      assertThat(test.output(job)).isEmpty();
    }
  }

  @Test
  void aJobThatWasStartedWithoutOneHasNoStream() {
    try (TestJobs test = new TestJobs(state)) {
      JobStatus job = test.start(JobSpec.of("sleep", "1000"), Optional.empty());
      assertThatThrownBy(() -> new Writer(test, job))
          .isInstanceOf(JobException.WrongState.class)
          .hasMessageContaining("without a stream");
    }
  }

  @Test
  void aJobOfAServerThatKnewNoStreamsIsTakenUp() throws Exception {
    try (TestJobs test = new TestJobs(state)) {
      JobStatus job = test.start(JobSpec.of("sleep", "1000"), Optional.empty());
      test.restart(() -> {
        try (Connection database =
                DriverManager.getConnection("jdbc:sqlite:" + state.resolve("jobs.db"));
            Statement statement = database.createStatement()) {
          statement.execute("UPDATE job SET spec = json_remove(spec, '$.stdinStream')");
        }
      });
      assertThat(test.jobs().find(job.id()).status().spec()).isEqualTo(job.spec());
    }
  }

  @Test
  void aStreamAndBytesAtTheStartDoNotGoTogether() {
    try (TestJobs test = new TestJobs(state)) {
      JobSpec spec = JobSpec.builder(List.of("cat")).stdinStream(true).build();
      Owner alice = Owner.of("alice");
      assertThatThrownBy(() ->
              test.jobs()
                  .start(new StartRequest(Requester.named("alice"), alice, spec, new byte[] {1})))
          .isInstanceOf(JobException.InvalidSpec.class)
          .hasMessageContaining("stdin-stream");
    }
  }
}
