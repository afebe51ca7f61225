package io.jobworker.cli.exit;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** What exit codes mean, for help, manual pages and documents: the only table of them. */
public final class ExitCodes {
  private ExitCodes() {}

  /** Of verbs that do something with jobs. */
  public static Map<String, String> ofVerbs() {
    Map<String, String> codes = new LinkedHashMap<>();
    codes.put("0", "all that was asked for is done");
    codes.put("1", "the server refused something, or output could not be written");
    codes.put("2", "the command line was not understood");
    codes.put("125", "the server was not reached, or is not who it should be");
    codes.put("126", "the job's program cannot be executed");
    codes.put("127", "the job's program was not found");
    return Collections.unmodifiableMap(codes);
  }

  /** Of verbs that end as a job does. */
  public static Map<String, String> ofJobs() {
    Map<String, String> codes = new LinkedHashMap<>();
    codes.put("0 to 255", "the job's own, when its program exited");
    codes.put("124", "the job timed out, or the wait for it");
    codes.put(
        "125",
        "the command line or the server failed, nobody saw how the job ended, or it was never"
            + " started");
    codes.put("126", "the job's program cannot be executed");
    codes.put("127", "the job's program was not found");
    codes.put("128+n", "signal n ended the job; 137 also when it was out of memory");
    codes.put("129", "the terminal was closed; the job goes on");
    codes.put("130", "Ctrl-C three times, and the server does not answer; the job goes on");
    codes.put("141", "nobody reads the output any more; the job got SIGPIPE");
    return Collections.unmodifiableMap(codes);
  }
}
