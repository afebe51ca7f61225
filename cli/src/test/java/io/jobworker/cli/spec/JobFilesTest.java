package io.jobworker.cli.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.util.Durations;
import io.jobworker.api.v1.IoLimit;
import io.jobworker.api.v1.Isolation;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.Limits;
import io.jobworker.cli.connect.UsageException;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JobFilesTest {
  private static final JobSpec EVERYTHING =
      JobSpec.newBuilder()
          .addCommand("printf")
          .addCommand("%s \"quoted\" \\ \n\t\u007f grün")
          .setName("nightly")
          .setWorkingDir("/srv/my build")
          .setTimeout(Durations.fromMillis(90_500))
          .setGrace(Durations.fromSeconds(10))
          .setOutputRetainBytes(64 << 20)
          .setMergeOutput(true)
          .putEnv("A", "b c")
          .putEnv("a.b", "")
          .putLabels("team", "build")
          .setIsolation(
              Isolation.newBuilder()
                  .setNetwork(Isolation.Network.NETWORK_NONE)
                  .setFilesystem(Isolation.Filesystem.FILESYSTEM_READ_ONLY))
          .setLimits(
              Limits.newBuilder()
                  .setCpuMillis(1500)
                  .setCpuWeight(50)
                  .setMemoryBytes(512 << 20)
                  .setMemoryHighBytes(1000)
                  .setSwapBytes(0)
                  .setPids(64)
                  .addIo(IoLimit.newBuilder().setPath("/srv").setReadBps(10 << 20).setWriteIops(5))
                  .addIo(IoLimit.newBuilder().setWriteBps(1)))
          .build();

  @TempDir private Path directory;

  private JobSpec read(String toml) throws IOException {
    return JobFiles.read(Files.writeString(directory.resolve("job.toml"), toml));
  }

  @Test
  void whatIsWrittenIsReadAgain() throws IOException {
    assertThat(read(JobFiles.toToml(EVERYTHING))).isEqualTo(EVERYTHING);
    JobSpec little = JobSpec.newBuilder().addCommand("true").build();
    assertThat(JobFiles.toToml(little)).isEqualTo("command = [\"true\"]\n");
    assertThat(read(JobFiles.toToml(little))).isEqualTo(little);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "comand = [\"true\"] | comand' is not understood; did you mean command?",
        "memory = \"1M\" | memory' is not understood; it belongs below [limits]",
        "command = \"true\" | 'command'",
        "timeout = \"soon\" | timeout: 'soon' is not a duration",
        "output-limit = \"64 sheep\" | output-limit: '64 sheep' is not a size",
        "network = \"some\" | network: 'some' is none of host, none",
        "limits = {memroy = \"1M\"} | there is no limits.memroy, but cpus, cpu-weight, memory",
        "limits = {memory = \"much\"} | limits.memory: 'much' is not a size",
        "limits = {cpus = 0.0001} | limits.cpus: '0.0001' is not such a number",
        "limits = {pids = -1} | limits.pids: '-1' is not such a number",
        "io = [{read-iops = \"x\"}] | io.read-iops: 'x' is not such a number",
        "name = | line 1",
      })
  void whatIsWrongIsNamed(String toml, String said) {
    assertThatThrownBy(() -> read(toml))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("job.toml: ")
        .hasMessageContaining(said)
        .message()
        .doesNotContain("jackson", "java.");
  }

  @Test
  void whatIsNoTextIsRefused() throws IOException {
    Path file = Files.write(directory.resolve("job.toml"), new byte[] {'a', (byte) 0xff});
    assertThatThrownBy(() -> JobFiles.read(file)).hasMessageEndingWith("job.toml is not UTF-8");
  }

  @Test
  void theSchemaHasTheKeysThatAreRead() throws IOException {
    JsonObject schema =
        JsonParser.parseString(Files.readString(Path.of("../docs/job.schema.json")))
            .getAsJsonObject()
            .getAsJsonObject("properties");
    assertThat(schema.keySet())
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(JobFile.class.getRecordComponents())
                .map(RecordComponent::getName)
                .map(name -> name.replaceAll("([A-Z])", "-$1").toLowerCase(java.util.Locale.ROOT))
                .toList());
    assertThat(schema.getAsJsonObject("limits").getAsJsonObject("properties").keySet())
        .containsExactlyInAnyOrderElementsOf(Amounts.keys(Limits.getDescriptor()));
    JsonObject io = schema.getAsJsonObject("io").getAsJsonObject("items");
    assertThat(io.getAsJsonObject("properties").keySet())
        .containsExactlyInAnyOrderElementsOf(Amounts.keys(IoLimit.getDescriptor()));
  }

  @Test
  void aFileOfVariablesIsReadAsDockerDoes() throws IOException {
    Path file =
        Files.writeString(
            directory.resolve("env"), "# remark\n\nA=b c \n  B='=\"\nHOME\nC=# none\n");
    assertThat(EnvFile.read(file)).containsExactly("A=b c ", "B='=\"", "HOME", "C=# none");
    Path wrong = Files.writeString(directory.resolve("wrong"), "A=b\nB C=d\n");
    assertThatThrownBy(() -> EnvFile.read(wrong))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("line 2");
  }
}
