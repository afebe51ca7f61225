package io.jobworker.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.grpc.ManagedChannel;
import io.jobworker.acceptance.support.Cli;
import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.ListJobsResponse;
import io.jobworker.api.v1.WatchRequest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The verbs for many jobs, and how jobs are named. */
@Timeout(600)
class VerbsTest {
  private static ServerProcess shared;

  @TempDir private Path directory = Path.of("");
  private final Gate gate = new Gate();
  private ServerProcess server = shared;

  /** No other test's jobs have it. */
  private final String label = "test=" + UUID.randomUUID();

  @BeforeAll
  static void startShared() {
    shared = ServerProcess.start();
    shared.addClient("vera", "--role", "viewer");
  }

  @AfterAll
  static void stopShared() {
    shared.close();
  }

  @AfterEach
  void stopOwn() throws IOException {
    gate.close();
    if (server != shared) {
      server.close();
    }
  }

  private Cli alice() {
    return server.as("alice");
  }

  private static String shortened(String id) {
    return id.substring(0, 8);
  }

  private String ended(String... command) {
    String id = alice().start(command);
    server.log().event("job.ended", id);
    return id;
  }

  @Test
  void aJobIsNamedByTheBeginningOfItsIdByNameOrAsTheLastOne() {
    String name = UUID.randomUUID().toString();
    String old = ended("--name", name, "--", "false");
    String id = alice().start("--name", name, "--", "sleep", "1000");
    for (String word :
        List.of(
            shortened(id), shortened(id).toUpperCase(Locale.ROOT), "name:" + name, "@last", id)) {
      assertThat(alice().status(word).path("id").asString()).as(word).isEqualTo(id);
    }
    assertThat(alice().run("stop", "-q", "@last").succeeded().text()).isEqualTo(id);
    assertThat(alice().status("name:" + name).path("id").asString()).isEqualTo(id);
    assertThat(alice().remove("name:" + name).succeeded().text())
        .isEqualTo(shortened(id) + "  removed");
    assertThat(alice().status("name:" + name).path("id").asString()).isEqualTo(old);
  }

  @Test
  void whatIsSaidIsSetBeforeTheVerbOrBehindIt() throws IOException {
    String id = ended("true");
    Result told = alice().run("status", "-v", "-q", id).succeeded();
    assertThat(told.text()).isEqualTo(id);
    assertThat(told.err().lines())
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .startsWith("job-worker: server " + server.address() + " by the name ")
                    .endsWith("as the client of " + alice().config()),
            line -> assertThat(line).matches("job-worker: Status: OK after \\d+\\.\\d ms"));
    assertThat(alice().run("-q", "status", id).succeeded().text()).isEqualTo(id);
    assertThat(alice().runAlone("-q", "status", "-q", id).succeeded().text()).isEqualTo(id);
    assertThat(alice().run("status", "-v", "0000-").err()).contains("List: OK after");
    assertThat(alice().run("ls", "--color", "always", "-n", "1").text()).contains("\033[");
  }

  @Test
  void anAnswerIsAwaitedForAsLongAsTheCallerSays() throws IOException {
    Result late = alice().run("ls", "--deadline", "1ms");
    assertThat(late.err())
        .isEqualTo("job-worker: no answer from " + server.address() + " within 1ms (--deadline)\n");
    assertThat(late.exitCode()).isEqualTo(125);
    assertThat(alice().run("start", "--deadline", "1ms", "true").err())
        .contains("the job may have been started");
    assertThat(alice().run("ls", "--deadline", "0").err()).contains("--deadline 0: ");
    assertThat(alice().run("ls", "--deadline", "soon").exitCode()).isEqualTo(2);
    // What waits for a job is no answer that is late.
    String id = alice().start("--shell", gate.waiting());
    Result waited = alice().run("wait", "--deadline", "1m", "--timeout", "100ms", id);
    assertThat(waited.exitCode()).isEqualTo(124);
    gate.open();
    assertThat(alice().run("logs", "--deadline", "1m", id).succeeded().err()).isEmpty();
  }

  @Test
  void aWaitForNoTimeTellsHowItIsNow() {
    String over = ended("sh", "-c", "exit 7");
    String running = alice().start("sleep", "1000");
    Result now = alice().run("wait", "--timeout", "0", over);
    assertThat(now.exitCode()).as(now.err()).isEqualTo(7);
    Result both = alice().run("wait", "--timeout", "0", over, running);
    assertThat(both.exitCode()).isEqualTo(124);
    assertThat(both.text()).contains(shortened(over)).doesNotContain(shortened(running));
    assertThat(alice().run("wait", "--any", "--timeout", "0", running, over).exitCode())
        .isEqualTo(7);
    alice().run("stop", running).succeeded();
  }

  @Test
  void aWordThatMeansNoJobOrSeveralIsRefusedWithWhatToDo() {
    String name = UUID.randomUUID().toString();
    String one = alice().start("--name", name, "--", "sleep", "1000");
    String two = alice().start("--name", name, "--", "sleep", "1000");
    assertThat(alice().run("status", "name:" + name).err())
        .startsWith("job-worker: name:" + name + ": ambiguous: it means ")
        .contains(one + " (" + name + ", running)", two);
    assertThat(alice().run("stop", "name:" + name).exitCode()).isEqualTo(1);
    for (String[] kill : List.of(new String[] {"kill", "-9"}, new String[] {"stop", "-15"})) {
      Result killed = alice().run(kill[0], kill[1], one);
      assertThat(killed.err()).isEqualTo("job-worker: unknown option " + kill[1] + "\n");
      assertThat(killed.exitCode()).isEqualTo(2);
      assertThat(alice().status(one).path("status").asString()).isEqualTo("running");
    }
    Result tooShort = alice().run("status", "81a");
    assertThat(tooShort.err()).contains("81a: too short: give at least 4 characters");
    assertThat(tooShort.exitCode()).isEqualTo(2);
    assertThat(alice().run("status", "nightly").err()).contains("nightly: not a job: write an id");
    assertThat(alice().run("status", "0000-").err()).contains("0000-: no such job");
    assertThat(alice().run("status").err()).contains("name a job");
    assertThat(server.as("bob").run("status", shortened(one)).err()).contains("no such job");
    String mistyped = name.substring(1);
    assertThat(alice().run("status", "name:" + mistyped).err().strip())
        .endsWith(mistyped + ": no such job; did you mean " + name + "?");
    assertThat(alice().run("stop", one, two).succeeded().text().lines()).hasSize(2);
  }

  @Test
  void manyAreTriedEachHasItsLineAndTheWorstDecides() throws Exception {
    String running = alice().start("-l", label, "--", "sleep", "1000");
    String over = ended("-l", label, "--", "sh", "-c", "exit 3");
    String nobody = UUID.randomUUID().toString();
    Result stopped = alice().run("stop", nobody, shortened(over), running);
    assertThat(stopped.exitCode()).isEqualTo(1);
    assertThat(stopped.text().lines())
        .containsExactly(
            shortened(over) + "  had ended: failed: exit code 3",
            shortened(running) + "  stopped (SIGKILL)");
    assertThat(stopped.err().lines()).containsExactly("job-worker: no such job: " + nobody);
    String other = alice().start("-l", label, "--", "sleep", "1000");
    server.log().event("job.ended", running);
    Path words = Files.writeString(directory.resolve("words"), over + "\n\n" + running + "\n");
    Process rm = alice().process("rm", "-", "--label", label).redirectInput(words.toFile()).start();
    Result removed = Programs.finished(rm);
    assertThat(removed.text().lines())
        .containsExactly(shortened(over) + "  removed", shortened(running) + "  removed");
    assertThat(removed.err()).contains(other + ": the job has not ended; stop it first");
    assertThat(removed.exitCode()).isEqualTo(1);
    assertThat(alice().run("stop", "--label", label).succeeded().text())
        .isEqualTo(shortened(other) + "  stopped (SIGKILL)");
  }

  @Test
  void aListIsWhatIsAskedForTheNewestFirst() {
    String failed = ended("-l", label, "--name", "un", "--", "sh", "-c", "exit 3");
    String running = alice().start("-l", label, "--", "sh", "-c", "sleep 1000", "a\nb");
    assertThat(alice().run("ls", "-q", "--label", label).succeeded().text().lines())
        .containsExactly(running, failed);
    String[] table =
        alice().run("ps", "--label", label).succeeded().text().lines().toArray(String[]::new);
    assertThat(table[0]).matches("ID +NAME +STATUS +AGE +COMMAND");
    assertThat(table[1])
        .matches(
            shortened(running) + " +- +running +\\d+[smh]\\S* +sh -c 'sleep 1000' \\$'a\\\\nb'");
    assertThat(table[2])
        .matches(shortened(failed) + " +un +failed: exit code 3 +\\d+[smh]\\S* +sh -c 'exit 3'");
    assertThat(alice().run("ls", "-q", "-l", label, "--status", "failed,lost").text())
        .isEqualTo(failed);
    assertThat(alice().run("ls", "-q", "-l", label, "--name", "n").text()).isEqualTo(failed);
    assertThat(alice().run("ls", "-q", "-l", label, "-n", "1").text()).isEqualTo(running);
    assertThat(alice().run("ls", "-q", "-l", label, "--since", "1h").text().lines()).hasSize(2);
    assertThat(alice().run("ls", "-q", "-l", label, "--until", "1h").text()).isEmpty();
    assertThat(alice().run("ls", "-o", "name", "-l", label).text().lines())
        .containsExactly(running, "name:un");
    for (String[] verb : List.of(new String[] {"status"}, new String[] {"stats", "--once"})) {
      List<String> words = new ArrayList<>(List.of(verb));
      words.addAll(List.of("-o", "jsonl", "--label", label));
      assertThat(alice().run(words.toArray(String[]::new)).succeeded().text().lines())
          .hasSize(2)
          .allMatch(line -> line.startsWith("{\"id\":\"") && line.endsWith("}"));
    }
    assertThat(alice().run("ls", "-o", "json", "-l", label, "--status", "failed").text())
        .startsWith("[")
        .contains("\"exitCode\": 3", "\"oomKills\": \"0\"");
    assertThat(server.as("bob").run("ls", "-q", "--label", label).succeeded().text()).isEmpty();
    assertThat(server.as("vera").run("ls", "-q", "--label", label).text().lines()).hasSize(2);
    assertThat(alice().run("ls", "--status", "asleep").err()).contains("one of running");
    alice().run("stop", running).succeeded();
  }

  @Test
  void pagesHaveNoGapAndNothingTwiceWhileJobsComeAndGo() throws Exception {
    List<String> staying = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      staying.addFirst(ended("-l", label, "--", "true"));
      ended("-l", label, "--name", "going", "--", "true");
    }
    String value = label.substring(label.indexOf('=') + 1);
    ListJobsRequest.Builder page =
        ListJobsRequest.newBuilder().putLabels("test", value).setPageSize(2);
    List<String> seen = new ArrayList<>();
    ManagedChannel channel = server.certificates().channel("alice");
    try {
      do { // between two pages one is removed from behind them, and one comes before them
        ListJobsResponse answer = JobWorkerGrpc.newBlockingStub(channel).list(page.build());
        answer.getJobsList().forEach(job -> seen.add(job.getId()));
        page.setPageToken(answer.getNextPageToken());
        String going = alice().run("ls", "-q", "-l", label, "--name", "going").text();
        if (!going.isEmpty()) {
          alice().remove(going.lines().toList().getLast()).succeeded();
        }
        alice().start("-l", label, "--", "true");
      } while (!page.getPageToken().isEmpty());
    } finally {
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
    assertThat(seen).doesNotHaveDuplicates().containsSubsequence(staying);
  }

  @Test
  void waitExitsAsTheJobDid() throws Exception {
    String three = alice().start("--shell", gate.waiting() + "; exit 3");
    String killed = alice().start("sleep 1000");
    Result inTime = alice().run("wait", "--timeout", "100ms", three);
    assertThat(inTime.exitCode()).isEqualTo(124);
    assertThat(inTime.err()).contains("not ended within 0.1s");
    Process any = alice().spawn("wait", "--any", killed, three);
    gate.open();
    assertThat(Programs.finished(any).exitCode()).isEqualTo(3);
    Result one = alice().run("wait", three);
    assertThat(one.exitCode()).isEqualTo(3);
    assertThat(one.text()).isEqualTo(shortened(three) + "  failed: exit code 3");
    alice().run("stop", killed).succeeded();
    assertThat(alice().run("wait", three, killed).exitCode()).isEqualTo(137);
    assertThat(server.as("bob").run("wait", three).err()).contains("no such job");
  }

  /** Reads its lines until one is as it should be; what comes before is kept. */
  private static List<String> upTo(BufferedReader lines, String ending) throws IOException {
    return upTo(lines, line -> line.endsWith(ending));
  }

  private static List<String> upTo(BufferedReader lines, Predicate<String> last)
      throws IOException {
    List<String> read = new ArrayList<>();
    for (String line; (line = lines.readLine()) != null; ) {
      read.add(line);
      if (last.test(line)) {
        return read;
      }
    }
    throw new AssertionError(read);
  }

  @Test
  void whoeverWaitsOrWatchesMissesNothingOfAServerThatWasKilled() throws Exception {
    server = ServerProcess.start(ServerToml.shipped());
    String id = alice().start("--name", "it", "--shell", gate.waiting() + "; exit 7");
    Process watch = alice().spawn("watch");
    Process wait = alice().spawn("wait", "-v", id);
    try (BufferedReader changes =
            new BufferedReader(new InputStreamReader(watch.getInputStream(), UTF_8));
        BufferedReader said =
            new BufferedReader(new InputStreamReader(wait.getErrorStream(), UTF_8))) {
      // A watch that has begun tells of what comes.
      await()
          .atMost(Programs.PATIENCE)
          .until(() -> {
            alice().start("--name", "first", "--", "true");
            return changes.ready();
          });
      String other = alice().start("--name", "other", "--", "true");
      upTo(said, line -> line.contains("List: OK")); // it has reached the server
      server.kill();
      gate.open();
      server.restart();
      List<String> told = upTo(changes, "  it  failed: exit code 7");
      upTo(said, line -> line.contains("connection lost"));
      assertThat(wait.waitFor(2, TimeUnit.MINUTES)).isTrue();
      assertThat(wait.exitValue()).isEqualTo(7);
      String last = alice().start("--name", "last", "--", "true");
      told.addAll(upTo(changes, "  last  exited 0"));
      assertThat(told).doesNotHaveDuplicates();
      assertThat(told.stream().filter(line -> line.contains(shortened(last)))).hasSize(2);
      assertThat(told.stream().filter(line -> line.contains(shortened(other)))).hasSize(2);
    } finally {
      watch.destroyForcibly().waitFor();
    }
  }

  @Test
  void aWatchTellsOfTheCallersJobsAndGoesOnFromAnyRevisionThatIsKept() throws Exception {
    ManagedChannel asAlice = server.certificates().channel("alice");
    ManagedChannel asBob = server.certificates().channel("bob");
    ManagedChannel asVera = server.certificates().channel("vera");
    try {
      JobWorkerGrpc.JobWorkerBlockingStub alice = JobWorkerGrpc.newBlockingStub(asAlice);
      long before = alice.list(ListJobsRequest.newBuilder().setPageSize(1).build()).getRevision();
      String bobs = server.as("bob").start("-l", label, "--", "true");
      String mine = ended("-l", label, "--", "true");
      server.log().event("job.ended", bobs);
      String value = label.substring(label.indexOf('=') + 1);
      WatchRequest request =
          WatchRequest.newBuilder().putLabels("test", value).setAfterRevision(before).build();
      Iterator<JobStatusResponse> changes = alice.watch(request);
      JobStatusResponse started = changes.next();
      assertThat(List.of(started.getId(), changes.next().getId())).containsExactly(mine, mine);
      JobStatusResponse again =
          alice.watch(request.toBuilder().setAfterRevision(started.getRevision()).build()).next();
      assertThat(again.getStatus()).isEqualTo("exited");
      Iterator<JobStatusResponse> all = JobWorkerGrpc.newBlockingStub(asVera).watch(request);
      assertThat(List.of(all.next().getId(), all.next().getId())).contains(bobs);
      assertThatThrownBy(() ->
              JobWorkerGrpc.newBlockingStub(asBob)
                  .watch(request.toBuilder().setOwner("alice").build())
                  .next())
          .hasMessageContaining("PERMISSION_DENIED");
      assertThatThrownBy(() -> alice.watch(request.toBuilder().setAfterRevision(1).build()).next())
          .hasMessageContaining("OUT_OF_RANGE")
          .hasMessageContaining("list the jobs, and watch after the revision");
      Result tooOld = server.as("alice").run("watch", "--after", "1");
      assertThat(tooOld.exitCode()).isEqualTo(1);
      assertThat(tooOld.err()).contains("not kept any more; list the jobs");
    } finally {
      for (ManagedChannel channel : List.of(asAlice, asBob, asVera)) {
        channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
      }
    }
  }

  @Test
  void waitsAndWatchesCountAsStreams() throws Exception {
    server.addClient("carl");
    server.admin("client", "set", "carl", "streams=2").succeeded();
    String id = server.as("carl").start("sleep 1000");
    ManagedChannel channel = server.certificates().channel("carl");
    try {
      var waiting =
          JobWorkerGrpc.newFutureStub(channel).wait(JobRequest.newBuilder().setId(id).build());
      Iterator<JobStatusResponse> watch =
          JobWorkerGrpc.newBlockingStub(channel)
              .watch(WatchRequest.newBuilder().setBookmarks(true).build());
      assertThat(watch.next().getRevision()).isPositive();
      await()
          .atMost(Programs.PATIENCE)
          .untilAsserted(() ->
              assertThatThrownBy(() ->
                      JobWorkerGrpc.newBlockingStub(channel)
                          .withDeadlineAfter(5, TimeUnit.SECONDS)
                          .wait(JobRequest.newBuilder().setId(id).build()))
                  .hasMessageContaining("over the quota streams"));
      server.as("carl").run("stop", id).succeeded();
      assertThat(waiting.get(2, TimeUnit.MINUTES).getStatus()).isEqualTo("stopped");
    } finally {
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
  }
}
