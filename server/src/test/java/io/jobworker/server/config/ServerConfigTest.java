package io.jobworker.server.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jobworker.base.linux.MemoryCalls;
import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import io.jobworker.server.quota.Quota;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ServerConfigTest {
  private static final Path FILE = Path.of("server.toml");

  private static String shipped() {
    try (InputStream in = ServerConfig.class.getResourceAsStream("/server.toml")) {
      return new String(Objects.requireNonNull(in).readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** The shipped file, with another line for a key in one of its parts. */
  private static String with(String part, String key, String line) {
    String file = shipped();
    int start = file.indexOf("[" + part + "]");
    int at = file.indexOf("\n" + key + " = ", start) + 1;
    assertThat(at).isGreaterThan(start);
    return file.substring(0, at) + line + file.substring(file.indexOf('\n', at));
  }

  private static void assertRefused(String text, String why) {
    assertThatThrownBy(() -> ServerConfig.parse(FILE, text))
        .isInstanceOf(ConfigException.class)
        .hasMessage("server.toml: " + why);
  }

  @Test
  void theShippedFileHasAKeyForEachQuotaAndForEachLimitThatCanHaveACeiling() {
    ServerConfig config = ServerConfig.parse(FILE, shipped());
    assertThat(config.quota().bounds()).containsOnlyKeys(Quota.values());
    assertThat(config.quota().in(Path.of("/"))).containsEntry(Quota.STARTS_PER_SECOND, 20L);
    assertThat(config.limits().max()).isEqualTo(Limits.NONE);
  }

  @Test
  void limitsAreReadInTheirUnitsAndZeroIsNone() {
    ServerConfig config = ServerConfig.parse(FILE, with("limits.max", "memory", "memory = \"2G\""));
    assertThat(config.limits().max())
        .isEqualTo(Limits.NONE.with(Limit.MEMORY, ByteSize.ofMebibytes(2048)));
    Limits half =
        Limits.NONE.with(Limit.MEMORY, MemoryCalls.totalBytes() / 100 * 50).with(Limit.PIDS, 4096);
    assertThat(
            ServerConfig.parse(FILE, with("limits.default", "memory", "memory = \"50%\""))
                .limits()
                .otherwise())
        .isEqualTo(half);
  }

  @Test
  void aKeyOfATableThatIsMissingOrUnknownIsNamed() {
    assertRefused(with("quota", "calls", ""), "the key 'quota.calls' is missing");
    assertRefused(with("quota", "calls", "call = 1"), "the key 'quota.calls' is missing");
    assertRefused(with("limits.max", "pids", ""), "the key 'limits.max.pids' is missing");
    assertRefused(
        with("limits.default", "pids", "pids = 0\ncpu-weight = 3"),
        "unknown key 'limits.default.cpu-weight'");
  }

  @Test
  void aValueOfATableThatCannotBeIsNamed() {
    assertRefused(with("quota", "calls", "calls = \"x\""), "quota.calls: 'x' is not a number");
    assertRefused(
        with("limits.max", "memory", "memory = \"many\""),
        "limits.max.memory: 'many' is not a size; write a number with K, M, G or T, as in 64M or 1.5G");
    assertRefused(
        with("limits.max", "pids", "pids = -1"), "limits.max.pids: it must not be negative");
  }

  @Test
  void aValueIsRefusedInNoWordsOfJavas() {
    assertRefused(
        with("output", "on-full", "on-full = \"wait\""),
        "output.on-full: 'wait' is none of overwrite, block");
    assertRefused(
        with("output", "stall-limit", "stall-limit = \"soon\""),
        "output.stall-limit: 'soon' is not a duration; write 500ms, 10s, 1m30s, 2h or 7d");
    assertRefused(
        with("output", "total", "total = [1]"),
        "output.total: it is no value of the kind that belongs here");
  }

  @Test
  void aLimitThatNoJobCanHaveIsRefused() {
    assertRefused(
        with("limits.max", "memory", "memory = \"512K\""),
        "limits.max.memory: at least 1MiB, or 0 for no limit");
    assertRefused(
        with("limits.default", "pids", "pids = 5000000"),
        "limits.default.pids: from 1 to 4000000, or 0 for no limit");
  }

  @Test
  void aResourceLimitThatNoLauncherWouldTakeIsRefused() {
    assertThatThrownBy(() ->
            ServerConfig.parse(FILE, with("job.rlimits", "core", "core = \"0:0\"\nfoo = \"1:1\"")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("rlimits: 'foo' is not one of as, core, cpu,");
    for (String value : new String[] {"1", "2:1", "unlimited:1", "1:2:3", "-1:1", "1:", "1K:2K"}) {
      assertThatThrownBy(() ->
              ServerConfig.parse(FILE, with("job.rlimits", "core", "core = \"" + value + "\"")))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("rlimits: core: '" + value + "' is not SOFT:HARD");
    }
  }
}
