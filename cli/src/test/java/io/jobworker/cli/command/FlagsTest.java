package io.jobworker.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.base.usage.Usage;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class FlagsTest {
  private static Flags typed(Object verb, String... words) {
    CommandLine line = new CommandLine(verb);
    Usage.install(line);
    return Flags.of(line.parseArgs(words));
  }

  @Test
  void aRefusalNamesTheFlagAndWhatWasTyped() {
    Flags flags = typed(new StartCommand(), "--memory", "8G", "--cpus", "2", "true");
    assertThat(flags.say("spec.limits.memory_bytes", "is above your ceiling of 4GiB"))
        .isEqualTo("--memory 8G is above your ceiling of 4GiB");
    assertThat(flags.say("spec.limits.cpu_millis", "from 1 to 10"))
        .isEqualTo("--cpus 2: from 1 to 10");
    assertThat(flags.say("spec.name", "at most 128 characters"))
        .isEqualTo("--name: at most 128 characters");
  }

  @Test
  void variablesOfAJobAreNotShown() {
    Flags flags = typed(new StartCommand(), "-e", "TOKEN=secret", "true");
    assertThat(flags.say("spec.env", "at most 0 variables"))
        .isEqualTo("--env: at most 0 variables");
  }

  @Test
  void eachFlagOfTheTableIsOneOfAVerb() {
    List<String> known = new ArrayList<>(List.of("ID", "COMMAND"));
    for (Object verb :
        List.of(
            new StartCommand(),
            new StopCommand(),
            new LogsCommand(),
            new ListCommand(),
            new WatchCommand())) {
      known.addAll(new CommandLine(verb).getCommandSpec().optionsMap().keySet());
    }
    assertThat(known).containsAll(Flags.names());
  }

  @Test
  void noFieldIsToldByItsNameInTheContract() {
    List<String> fields = new ArrayList<>();
    collect(JobRequest.getDescriptor(), "", fields);
    assertThat(fields).hasSizeGreaterThan(25);
    assertThat(fields.stream().map(Flags::name))
        .allSatisfy(name -> assertThat(name).doesNotContain("_").doesNotContain("spec."));
  }

  private static void collect(Descriptor message, String prefix, List<String> fields) {
    for (FieldDescriptor field : message.getFields()) {
      fields.add(prefix + field.getName());
      boolean nested =
          field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
              && !field.isMapField()
              && field.getMessageType().getFile().equals(message.getFile());
      if (nested) {
        collect(field.getMessageType(), prefix + field.getName() + ".", fields);
      }
    }
  }
}
