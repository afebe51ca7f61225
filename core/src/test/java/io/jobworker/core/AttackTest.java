package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.core.job.EndReason;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.RunAs;
import io.jobworker.core.job.StopRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a job tries to do to another client's job, to the server and to the host; each must fail.
 */
@Timeout(300)
@Tag("kernel")
class AttackTest {
  private static final int VICTIM = 700_001;
  private static final int ATTACKER = 700_002;

  @TempDir Path directory;
  private TestJobs jobs;
  private JobStatus victim;

  @BeforeEach
  void startVictim() throws Exception {
    assumeTrue(ProcessCalls.isRoot(), "isolation needs root");
    jobs = new TestJobs(directory.resolve("state"));
    JobSpec spec =
        JobSpec.builder(
                List.of(
                    "/bin/sh",
                    "-c",
                    "echo treasure >file; echo treasure >/dev/shm/file; echo treasure >/tmp/file;"
                        + " echo up; exec sleep 1000"))
            .environment(java.util.Map.of("SECRET", "treasure"))
            .build();
    victim = jobs.start(spec, Optional.of(new RunAs(VICTIM, VICTIM)));
    jobs.awaitOutput(victim, "up\n");
  }

  @AfterEach
  void close() {
    if (jobs != null) {
      assertThat(jobs.jobs().find(victim.id()).status().state()).isEqualTo(JobState.RUNNING);
      jobs.close();
    }
  }

  /** What an attacker's script could print, errors left out. */
  private String attack(String script) {
    return jobs.output(jobs.shellAs(ATTACKER, "exec 2>/dev/null; " + script));
  }

  @Test
  void seeAnothersProcesses() {
    assertThat(attack("ls /proc | grep '^[0-9]' | sort -n | tr '\\n' ' '")).startsWith("1 2 ");
    assertThat(attack("grep -l treasure /proc/[0-9]*/environ")).isEmpty();
    assertThat(attack("ls -d /proc/" + victim.mainPid())).isEmpty();
  }

  @Test
  void signalAnothersProcesses() {
    assertThat(attack("kill -9 " + victim.mainPid() + " && echo done")).isEmpty();
    assertThat(attack("kill -9 -1; echo reached nobody")).isEqualTo("reached nobody\n");
  }

  @Test
  void traceOrReadAnothersMemory() {
    assertThat(attack("cat /proc/" + victim.mainPid() + "/mem && echo done")).isEmpty();
    assertThat(attack("cat /proc/1/mem && echo done; ls /proc/1/root && echo done")).isEmpty();
  }

  @Test
  void readAnothersFilesOutputOrFifos() {
    Path dir = jobs.directory(victim);
    for (String path :
        List.of("work/file", "output", "output/0000.seg", "exit", "control", "life", "work", "")) {
      assertThat(attack("cat " + dir.resolve(path) + " && echo done; ls -A " + dir.resolve(path)))
          .as(path)
          .isEmpty();
    }
    assertThat(attack("cat /proc/*/cwd/file")).isEmpty();
  }

  @Test
  void readAnothersSharedMemoryAndTemporaryFiles() {
    assertThat(attack("cat /dev/shm/file /tmp/file; ls -A /dev/shm /tmp"))
        .isEqualTo("/dev/shm:\n\n/tmp:\nwork\n");
  }

  @Test
  void keepMoreInMemoryThanFitsIntoTemporaryFiles() {
    long scratch = JobsConfig.in(directory).scratch().bytes();
    String sizes = attack("df --output=size -B1 /tmp /dev/shm | tail -n 2");
    assertThat(sizes.lines().map(String::strip).map(Long::parseLong))
        .hasSize(2)
        .allSatisfy(size -> assertThat(size).isBetween(scratch, scratch + (64 << 10)));
    assertThat(attack("df --output=itotal /tmp | tail -n 1").strip())
        .isEqualTo(Long.toString(scratch / 1024 + 1));
  }

  @Test
  void keepMoreInTemporaryFilesThanItsMemory() {
    assumeTrue(jobs.jobs().controllers().contains("memory"), "no memory controller");
    JobSpec spec =
        JobSpec.builder(List.of("/bin/sh", "-c", "df --output=size -B1 /dev/shm | tail -n 1"))
            .limits(Limits.NONE.with(Limit.MEMORY, 64 << 20))
            .build();
    JobStatus job = jobs.start(spec, Optional.of(new RunAs(ATTACKER, ATTACKER)));
    assertThat(jobs.output(job).strip()).isEqualTo(Integer.toString(64 << 20));
  }

  @Test
  void seeTheServersDirectory() {
    Path state = directory.resolve("state");
    assertThat(attack("cat " + state + "/jobs.db && echo done")).isEmpty();
    assertThat(attack("ls -A " + state + " | grep .")).isEmpty();
  }

  @Test
  void forgeItsOwnEndOrOutput() throws IOException {
    JobStatus forger =
        jobs.shellAs(
            ATTACKER,
            "d="
                + directory.resolve("state/jobs")
                + "/$JOB_ID; for f in exit exit.tmp output/00000000000000000000.log;"
                + " do echo 'exit_code 0' >$d/$f && echo forged; done; rm -r $d/output && echo"
                + " forged; exit 3");
    JobStatus ended = jobs.ended(forger);
    assertThat(ended.end().orElseThrow().exitCode()).hasValue(3);
    assertThat(jobs.output(forger)).doesNotContain("forged");
    assertThat(Files.exists(jobs.directory(forger).resolve("output"))).isTrue();
  }

  @Test
  void changeItsOwnCgroupOrLeaveIt() {
    JobStatus job =
        jobs.shellAs(
            ATTACKER,
            "c="
                + jobs.slot(victim).getParent()
                + "; for f in $c/*/cgroup.procs"
                + " $c/cgroup.procs $c/../cgroup.procs $c/../../cgroup.procs; do echo $$ >$f &&"
                + " echo moved; done; mkdir $c/mine && echo made; echo max >$c/*/memory.max && echo"
                + " raised");
    assertThat(jobs.output(job)).doesNotContain("moved", "made", "raised");
  }

  @Test
  void learnFromTheCgroupsWhoElseIsThere() {
    String slots = jobs.slot(victim).resolveSibling("").toString();
    String mount = io.jobworker.core.cgroup.CgroupHost.inspect().mount().orElseThrow().toString();
    assertThat(attack("tail -n 1 /proc/self/cgroup")).isEqualTo("0::/\n");
    assertThat(attack("ls -d " + slots + " " + slots + "/*/*; ls " + mount + " | grep -v '\\.'"))
        .isEmpty();
    assertThat(attack("cat " + mount + "/cgroup.procs").lines()).contains("1", "2");
    assertThat(attack("cat /proc/1/cgroup /proc/self/mountinfo | grep " + jobs.slot(victim)))
        .isEmpty();
  }

  @Test
  void writeToTheKernelsSettings() {
    String writable =
        "awk '$5 ~ \"^/sys\" && $6 !~ /^ro(,|$)/ { print $5, $6 }' /proc/self/mountinfo";
    assertThat(attack(writable)).isEmpty();
  }

  @Test
  void becomeRoot() {
    assertThat(attack("su -c id; sudo -n id; newgrp root; setpriv --reuid 0 id")).isEmpty();
    assertThat(attack("cat /etc/shadow && echo done")).isEmpty();
    assertThat(
            attack(
                "grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | grep -v 0000000000000000"))
        .isEmpty();
  }

  @Test
  void openNewDoors() {
    assertThat(attack("unshare -Urm true && echo done; unshare -n true && echo done")).isEmpty();
    assertThat(attack("mount -t tmpfs x /tmp && echo done; umount /proc && echo done")).isEmpty();
    assertThat(attack("mknod /tmp/disk b 254 0 && echo done; cat /dev/kmsg /dev/mem && echo done"))
        .isEmpty();
    assertThat(attack("echo 1 >/proc/sys/kernel/sysrq && echo done; dmesg && echo done")).isEmpty();
    assertThat(attack("hostname mine && echo done; date -s 2001-01-01 && echo done"))
        .doesNotContain("done");
  }

  @Test
  void raiseItsPriorityOrLimits() {
    assertThat(
            attack(
                "nice -n -5 true && echo done; echo -900 >/proc/self/oom_score_adj && echo done; nice"))
        .doesNotContain("-5");
    assertThat(attack("echo -900 >/proc/self/oom_score_adj && echo done")).isEmpty();
    assertThat(attack("ulimit -Hn 10000000 && echo done")).isEmpty();
  }

  /**
   * The program that core_pattern names is root's and reads what a job made (core(5)). The pattern
   * is all the host's, so this changes it in a guest only.
   */
  @Test
  void haveAProgramOfTheHostsReadItsMemory() throws Exception {
    assumeTrue(System.getProperty("test.disk") != null, "core_pattern is changed in a guest only");
    Path caught = Files.createDirectory(directory.resolve("caught"));
    Path program = directory.resolve("catch");
    Files.writeString(program, "#!/bin/sh\ncat >" + caught + "/$1\n");
    Files.setPosixFilePermissions(
        program, java.nio.file.attribute.PosixFilePermissions.fromString("rwx------"));
    Path pattern = Path.of("/proc/sys/kernel/core_pattern");
    String before = Files.readString(pattern);
    Files.writeString(pattern, "|" + program + " %e-%P");
    try {
      for (String set : List.of("ulimit -c 0", "ulimit -c unlimited", "prlimit --core=0 -p $$")) {
        assertThat(attack(set + " && echo set; kill -SEGV $$")).isEqualTo("set\n");
      }
      // Of whoever may set the limit, it is caught; and later than what was caught before.
      Process crashed = new ProcessBuilder("/bin/sh", "-c", "ulimit -c 0; kill -SEGV $$").start();
      assertThat(crashed.waitFor()).isEqualTo(128 + 11);
      org.awaitility.Awaitility.await()
          .atMost(TestJobs.PATIENCE)
          .until(() -> java.util.Objects.requireNonNull(caught.toFile().list()).length > 0);
      assertThat(caught.toFile().list()).hasSize(1);
    } finally {
      Files.writeString(pattern, before);
    }
  }

  /**
   * Splices from a socket that has less than it is to wait for into its own output: the kernel
   * holds the pipe's mutex meanwhile, and whoever reads that pipe waits too, unkillable.
   */
  private static final String HOLD_PIPE =
      """
      #include <fcntl.h>
      #include <sys/socket.h>
      #include <unistd.h>

      int main(void)
      {
          const int two = 2; /* so much the socket waits for, with the first byte in the pipe already */
          int pair[2];
          if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
              setsockopt(pair[0], SOL_SOCKET, SO_RCVLOWAT, &two, sizeof two) != 0 || write(pair[1], "x", 1) != 1 ||
              open("held", O_WRONLY | O_CREAT, 0600) < 0)
              return 1;
          if (fork() == 0) {
              while (write(2, "look\\n", 5) == 5) /* so that both are looked at again and again */
                  usleep(10000);
              return 0;
          }
          return splice(pair[0], NULL, 1, NULL, 100, 0) < 0;
      }
      """;

  @Test
  void holdItsOwnPipeSoThatOthersWait() throws Exception {
    Path open = Files.createTempDirectory(Path.of("/var/tmp"), "job-worker-attack-");
    Files.setPosixFilePermissions(
        open, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
    Path program = CProgram.compile(open, "hold-pipe", HOLD_PIPE);
    Optional<RunAs> attacker = Optional.of(new RunAs(ATTACKER, ATTACKER));
    JobStatus holder = jobs.start(JobSpec.of(program.toString()), attacker);
    JobStatus timed =
        jobs.start(
            JobSpec.builder(List.of(program.toString()))
                .timeout(java.time.Duration.ofSeconds(1))
                .build(),
            attacker);
    org.awaitility.Awaitility.await()
        .atMost(TestJobs.PATIENCE)
        .until(() -> Files.exists(jobs.directory(holder).resolve("work/held")));
    assertThat(attack("echo well")).isEqualTo("well\n"); // others start, print and end
    assertThat(jobs.ended(timed).end().orElseThrow().reason()).isEqualTo(EndReason.TIMED_OUT);
    org.awaitility.Awaitility.await()
        .atMost(java.time.Duration.ofSeconds(60))
        .until(() -> jobs.jobs().stuckCaptures() == 1);
    assertThat(HostCheck.captures().ok()).isFalse();
    jobs.restart(() -> {}); // the library closes, and opens
    assertThat(jobs.jobs().find(holder.id()).status().state()).isEqualTo(JobState.RUNNING);
    JobStatus stopped = jobs.jobs().find(holder.id()).stop(StopRequest.DEFAULT);
    assertThat(stopped.state()).isEqualTo(JobState.STOPPED);
    assertThat(stopped.outputBytes()).isPositive();
    assertThat(stopped.end().orElseThrow().detail()).isEmpty();
    Files.delete(program);
    Files.delete(open.resolve("hold-pipe.c"));
    Files.delete(open);
  }
}
