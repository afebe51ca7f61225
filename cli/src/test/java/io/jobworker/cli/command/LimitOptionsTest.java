package io.jobworker.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Descriptors.FieldDescriptor;
import io.jobworker.api.v1.IoLimit;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.Limits;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.OptionSpec;

class LimitOptionsTest {
  @Command
  private static final class Verb {
    @Mixin private final LimitOptions options = new LimitOptions();
  }

  /** A job with each of the options, all of which take a 5 for a value. */
  private static JobSpec withAll() {
    Verb verb = new Verb();
    CommandLine commands = new CommandLine(verb);
    List<String> arguments = new ArrayList<>();
    for (OptionSpec option : commands.getCommandSpec().options()) {
      boolean limits = !List.of("--network", "--read-only").contains(option.longestName());
      if (limits) {
        arguments.add(option.longestName() + "=5");
      }
    }
    commands.parseArgs(arguments.toArray(String[]::new));
    JobSpec.Builder job = JobSpec.newBuilder();
    verb.options.addTo(job);
    return job.build();
  }

  /** Which would be as much as the server says; but no swap is no swap. */
  @Test
  void nobodyAsksForNothing() {
    for (String option : List.of("--memory", "--pids", "--disk", "--io-read-bps")) {
      Verb verb = new Verb();
      var _ = new CommandLine(verb).parseArgs(option + "=0");
      assertThatThrownBy(() -> verb.options.addTo(JobSpec.newBuilder()))
          .hasMessage(option + " takes more than 0");
    }
    Verb verb = new Verb();
    var _ = new CommandLine(verb).parseArgs("--swap=0");
    JobSpec.Builder job = JobSpec.newBuilder();
    verb.options.addTo(job);
    assertThat(job.getLimits().hasSwapBytes()).isTrue();
  }

  @Test
  void thereIsAnOptionForEachLimitOfTheContract() {
    Limits limits = withAll().getLimits();
    assertThat(limits.getAllFields().keySet())
        .containsExactlyInAnyOrderElementsOf(Limits.getDescriptor().getFields());
    List<FieldDescriptor> io = IoLimit.getDescriptor().getFields();
    assertThat(limits.getIo(0).getAllFields().keySet()).containsExactlyInAnyOrderElementsOf(io);
  }
}
