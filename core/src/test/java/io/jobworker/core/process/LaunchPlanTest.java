package io.jobworker.core.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.core.job.Isolation;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.ResourceLimits;
import io.jobworker.core.job.RunAs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class LaunchPlanTest {
  private static final Path LAUNCHER = Path.of("../launcher/src");
  private static final JobDirectory DIRECTORY = new JobDirectory(Path.of("/state/jobs/one"));

  /** A plan that has everything there is. */
  private static LaunchPlan full(Optional<String> workingDirectory) {
    return new LaunchPlan(
        JobId.random(),
        DIRECTORY,
        "slot",
        1,
        true,
        Optional.of(
            new LaunchPlan.Cgroup(Path.of("/cg/job"), Path.of("/cg/monitor"), Path.of("/cg"))),
        1 << 20,
        Optional.of(Duration.ofSeconds(1)),
        workingDirectory,
        Optional.of(Path.of("/state/jobs/one/stdin")),
        true,
        true,
        Optional.of(
            new LaunchPlan.Isolated(
                Path.of("/state"),
                1 << 20,
                new Isolation(Isolation.Network.NONE, Isolation.Filesystem.READ_ONLY),
                Optional.of(new LaunchPlan.Disk(1 << 20, true)))),
        Optional.of(new RunAs(1, 2)),
        Optional.of(Duration.ofSeconds(3)),
        Optional.of(Duration.ofSeconds(4)),
        Map.of("core", "0:0"),
        List.of("/bin/true"),
        Map.of("A", "B"));
  }

  private static List<String> lines(LaunchPlan plan) {
    return List.of(new String(plan.toSheet().toBytes(), UTF_8).split("\0", -1));
  }

  private static Set<String> keysOf(LaunchPlan plan) {
    return lines(plan).stream()
        .filter(line -> !line.isEmpty())
        .map(line -> line.substring(0, line.indexOf('=')))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> matches(String file, String pattern) throws Exception {
    return Pattern.compile(pattern)
        .matcher(Files.readString(LAUNCHER.resolve(file)))
        .results()
        .map(match -> match.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void itsKeysAreThoseThatTheLauncherKnows() throws Exception {
    Set<String> known = matches("sheet.c", "ENTRY\\(\"([a-z-]+)\"");
    known.add("version"); // which comes before all others
    known.addAll(matches("sheet.c", "strcmp\\(key, \"([a-z-]+)\"\\)"));
    assertThat(keysOf(full(Optional.empty()))).isEqualTo(known);
  }

  @Test
  void itsKeysAreThoseThatTheLaunchersHeaderDescribes() throws Exception {
    assertThat(matches("sheet.h", "(?m)(?:^ \\*   |N, )([a-z-]+)="))
        .isEqualTo(keysOf(full(Optional.empty())));
  }

  @Test
  void anIsolatedJobRunsWhereTheLauncherPutsItsDirectory() throws Exception {
    assertThat(matches("isolate.h", "ISOLATE_WORK \"([^\"]+)\""))
        .containsExactly(full(Optional.empty()).runsIn());
    assertThat(full(Optional.of("/srv")).runsIn()).isEqualTo("/srv");
  }

  @Test
  void aJobsHomeIsItsOwnDirectoryWhereverItRuns() {
    assertThat(lines(full(Optional.of("/srv"))))
        .contains("cwd=/srv", "env=HOME=/tmp/work", "env=SHELL=/bin/sh");
  }

  @Test
  void theResourceLimitsAreTheLaunchers() throws Exception {
    assertThat(matches("sheet.c", "\\{\"([a-z]+)\", +RLIMIT_")).isEqualTo(ResourceLimits.NAMES);
  }

  @Test
  void theStepsThatItNamesAreTheLaunchers() throws Exception {
    assertThat(matches("step.c", "\"(exec|chdir)\""))
        .containsExactlyInAnyOrder(LaunchPlan.EXEC, LaunchPlan.CHDIR);
  }
}
