package io.jobworker.acceptance.bench;

import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.ServerProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What a server takes of the machine. */
record Footprint(ServerProcess server) {

  /** CPU time that the server, all launchers and all jobs have used so far. */
  double cpuSeconds() {
    try {
      String stat = Files.readString(proc("stat"));
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      double ticks = Double.parseDouble(fields[11]) + Double.parseDouble(fields[12]); // proc(5)
      double launchers = 0;
      if (server.cgroup().isPresent()) {
        String usage = Files.readString(server.cgroup().get().resolve("jobs/cpu.stat"));
        launchers = Double.parseDouble(usage.lines().findFirst().orElse("x 0").split(" ", -1)[1]);
      }
      return ticks / 100 + launchers / 1e6;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The memory that the server holds now, without the page cache that it has mapped; ask for a
   * collection first.
   */
  double memoryBytes() {
    try (Stream<String> lines = Files.lines(proc("status"))) {
      String line = lines.filter(l -> l.startsWith("RssAnon:")).findFirst().orElseThrow();
      return 1024 * Double.parseDouble(line.replaceAll("\\D", ""));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path proc(String file) {
    return Path.of("/proc/" + server.pid() + "/" + file);
  }

  /** Has the server's JVM collect what is garbage. */
  void collectGarbage() {
    String jcmd = Path.of(System.getProperty("java.home"), "bin/jcmd").toString();
    Programs.run(List.of(jcmd, Long.toString(server.pid()), "GC.run"), Map.of()).succeeded();
  }

  /** How many log streams are open. */
  int openStreams() {
    return server.log().events("logs.opened").size() - server.log().events("logs.closed").size();
  }
}
