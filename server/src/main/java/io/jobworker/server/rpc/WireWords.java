package io.jobworker.server.rpc;

import com.google.protobuf.ByteString;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.base.words.OsString;
import io.jobworker.server.gate.InvalidField;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The words of a job, each as a string or, where it is no UTF-8, as bytes. A string that stands
 * beside bytes must be what an answer has there, so that a spec from an answer can be sent again.
 */
final class WireWords {
  private WireWords() {}

  static List<String> command(JobSpec wire) {
    if (wire.getRawCommandCount() == 0) {
      return wire.getCommandList();
    }
    List<String> command = wire.getRawCommandList().stream().map(WireWords::word).toList();
    if (wire.getCommandCount() > 0
        && !wire.getCommandList().equals(command.stream().map(OsString::readable).toList())) {
      throw contradiction("spec.raw_command", "spec.command");
    }
    return command;
  }

  static Map<String, String> environment(JobSpec wire) {
    if (wire.getRawEnvCount() == 0) {
      return wire.getEnvMap();
    }
    Map<String, String> environment = new HashMap<>(wire.getEnvMap());
    for (ByteString raw : wire.getRawEnvList()) {
      String variable = word(raw);
      int equals = variable.indexOf('=');
      if (equals < 1) {
        throw new InvalidField("spec.raw_env", "each is NAME=VALUE");
      }
      String name = variable.substring(0, equals);
      String value = variable.substring(equals + 1);
      String readable = environment.remove(OsString.readable(name));
      if (readable != null && !readable.equals(OsString.readable(value))) {
        throw contradiction("spec.raw_env", "spec.env");
      }
      environment.put(name, value);
    }
    return environment;
  }

  static Optional<String> workingDirectory(JobSpec wire) {
    String readable = wire.getWorkingDir();
    if (wire.getRawWorkingDir().isEmpty()) {
      return readable.isEmpty() ? Optional.empty() : Optional.of(readable);
    }
    String path = word(wire.getRawWorkingDir());
    if (!readable.isEmpty() && !readable.equals(OsString.readable(path))) {
      throw contradiction("spec.raw_working_dir", "spec.working_dir");
    }
    return Optional.of(path);
  }

  static void put(io.jobworker.core.job.JobSpec spec, JobSpec.Builder wire) {
    for (String word : spec.command()) {
      wire.addCommand(OsString.readable(word));
    }
    if (!spec.command().stream().allMatch(OsString::isUtf8)) {
      spec.command().forEach(word -> wire.addRawCommand(bytes(word)));
    }
    spec.environment()
        .forEach((name, value) -> {
          wire.putEnv(OsString.readable(name), OsString.readable(value));
          if (!OsString.isUtf8(name) || !OsString.isUtf8(value)) {
            wire.addRawEnv(bytes(name + "=" + value));
          }
        });
    spec.workingDirectory()
        .ifPresent(path -> {
          wire.setWorkingDir(OsString.readable(path));
          if (!OsString.isUtf8(path)) {
            wire.setRawWorkingDir(bytes(path));
          }
        });
  }

  private static InvalidField contradiction(String raw, String readable) {
    return new InvalidField(raw, readable + " says something else; leave it empty");
  }

  private static String word(ByteString bytes) {
    return OsString.of(bytes.toByteArray());
  }

  private static ByteString bytes(String word) {
    return ByteString.copyFrom(OsString.bytes(word));
  }
}
