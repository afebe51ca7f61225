package io.jobworker.cli.spec;

import com.google.protobuf.ByteString;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.base.words.CallersBytes;
import io.jobworker.base.words.OsString;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Variables for a job, as {@code --env} and files give them: {@code NAME=VALUE}, or {@code NAME} to
 * take it from here. As docker has it, one that is not set here is not set there, and the last of a
 * name counts.
 */
public final class Variables {
  private Variables() {}

  /** Adds them to what the job has. Each has a name. */
  public static void addTo(JobSpec.Builder job, List<String> given) {
    Map<String, String> variables = new LinkedHashMap<>();
    for (String variable : given) {
      int equals = variable.indexOf('=');
      if (equals >= 0) {
        variables.put(variable.substring(0, equals), variable.substring(equals + 1));
        continue;
      }
      String value = CallersBytes.environment().get(variable);
      if (value != null) {
        variables.put(variable, value);
      }
    }
    variables.forEach((name, value) -> {
      if (OsString.isUtf8(name) && OsString.isUtf8(value)) {
        job.putEnv(name, value);
      } else {
        job.addRawEnv(ByteString.copyFrom(OsString.bytes(name + "=" + value)));
      }
    });
  }
}
