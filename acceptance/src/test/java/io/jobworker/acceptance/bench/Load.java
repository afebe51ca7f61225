package io.jobworker.acceptance.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.PublicDirectory;
import io.jobworker.acceptance.support.ServerProcess;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The helper program ({@code acceptance/src/bench/c}): loads, floors and followers. */
final class Load {
  private static final long PATIENCE_SECONDS = 300;

  private final ServerProcess server;
  private final Path program;
  private final Path certificate;
  private final Path key;

  /** What the helper printed. */
  record Printed(String out, String err) {
    /** The numbers on the last line of its output. */
    double[] numbers() {
      return numbers(lastLine(out));
    }

    static double[] numbers(String line) {
      return java.util.Arrays.stream(line.split(" ", -1))
          .mapToDouble(Double::parseDouble)
          .toArray();
    }

    static String lastLine(String text) {
      return text.strip().lines().reduce("", (before, line) -> line);
    }
  }

  Load(ServerProcess server, Path built) throws IOException {
    this.server = server;
    Path shared = PublicDirectory.create(); // jobs run as other users
    program = shared.resolve("bench");
    Files.copy(built, program);
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    certificate = server.directory().resolve("bench.crt");
    key = server.directory().resolve("bench.key");
    Files.writeString(certificate, server.certificates().pem("alice", "cert"));
    Files.writeString(key, server.certificates().pem("alice", "key"));
  }

  /** The helper's path, where jobs can execute it. */
  String program() {
    return program.toString();
  }

  /** The same bytes over OpenSSL and loopback: seconds, and the sender's CPU seconds. */
  double[] tlsFloor(int connections, long blockBytes, long bytesEach) {
    List<String> words = new ArrayList<>(List.of("tls"));
    words.addAll(bothCertificates());
    words.addAll(List.of("" + connections, "" + blockBytes, "" + bytesEach));
    String[] lines = run(words).out().strip().split("\n", -1);
    return new double[] {Double.parseDouble(lines[1]), Double.parseDouble(lines[0])};
  }

  /** The median and the 99th percentile of an echo over OpenSSL and loopback, in nanoseconds. */
  double[] echoFloor(int count, int intervalMicros, int size) {
    List<String> words = new ArrayList<>(List.of("echo"));
    words.addAll(bothCertificates());
    words.addAll(List.of("" + count, "" + intervalMicros, "" + size));
    return run(words).numbers();
  }

  /** Bytes through a pipe into a file by cat: seconds, and the CPU seconds of cat and of rm. */
  double[] catFloor(long bytes, int blockBytes) {
    return catFloor(bytes, blockBytes, "floor");
  }

  /** Two of them at once: the seconds of the slower one. */
  double twoCatsFloor(long bytes, int blockBytes) {
    CompletableFuture<double[]> other =
        CompletableFuture.supplyAsync(() -> catFloor(bytes, blockBytes, "floor2"));
    return Math.max(catFloor(bytes, blockBytes)[0], other.join()[0]);
  }

  /** The CPU seconds of a cat for each of so many writers of lines. */
  double crowdFloor(int writers, int lines, int intervalMicros) {
    String file = server.directory().resolve("floor").toString();
    return run(List.of("crowd", "" + writers, "" + lines, "" + intervalMicros, file)).numbers()[0];
  }

  /** The median and the 99th percentile of posix_spawn and wait, in nanoseconds. */
  double[] spawnFloor(int count, String executable) {
    return run(List.of("spawn", "" + count, executable)).numbers();
  }

  private double[] catFloor(long bytes, int blockBytes, String name) {
    Path file = server.directory().resolve(name);
    Printed printed = run(List.of("cat", "" + bytes, "" + blockBytes, file.toString()));
    double[] cpu = printed.numbers();
    return new double[] {Printed.numbers(Printed.lastLine(printed.err()))[0] / 1e9, cpu[0], cpu[1]};
  }

  /**
   * Gives each round the same start: nothing written before is still on its way to the disk, and
   * the memory for the page cache is there. A virtual machine's host takes free memory away within
   * seconds, and to get it back costs more than the copy that is measured.
   */
  void settle(long bytes) {
    run("sync", List.of("-f", server.directory().toString()));
    run(List.of("touch", Long.toString(2 * bytes)));
  }

  private List<String> bothCertificates() {
    Path directory = server.directory();
    return List.of(
        directory.resolve("server.crt").toString(),
        directory.resolve("server.key").toString(),
        certificate.toString(),
        key.toString(),
        directory.resolve("ca.crt").toString());
  }

  /** Follows jobs until all have ended; answers the bytes and the seconds, or the delays. */
  double[] follow(int connections, int streams, long window, String mode, List<String> jobs) {
    return run(followWords(connections, streams, window, mode, 0, jobs)).numbers();
  }

  /** Starts followers that end by themselves after {@code seconds}; returns when all have asked. */
  Process followInBackground(
      int connections, int streams, long window, String mode, int seconds, List<String> jobs)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(followWords(connections, streams, window, mode, seconds, jobs));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    InputStream out = process.getInputStream();
    for (int c; (c = out.read()) != '\n'; ) {
      if (c < 0) {
        throw new IOException("the followers did not start");
      }
    }
    return process;
  }

  private List<String> followWords(
      int connections, int streams, long window, String mode, int seconds, List<String> jobs) {
    List<String> words =
        new ArrayList<>(
            List.of(
                "follow",
                "" + server.port(),
                certificate.toString(),
                key.toString(),
                server.directory().resolve("ca.crt").toString(),
                "" + connections,
                "" + streams,
                "" + window,
                mode,
                "" + seconds));
    words.addAll(jobs);
    return words;
  }

  private Printed run(List<String> words) {
    return run(program.toString(), words);
  }

  private static Printed run(String program, List<String> words) {
    List<String> command = new ArrayList<>(List.of(program));
    command.addAll(words);
    try {
      Process process = new ProcessBuilder(command).start();
      process.getOutputStream().close();
      CompletableFuture<byte[]> out = Programs.readAll(process.getInputStream());
      CompletableFuture<byte[]> err = Programs.readAll(process.getErrorStream());
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new IllegalStateException("took too long: " + words);
      }
      Printed printed = new Printed(new String(out.join(), UTF_8), new String(err.join(), UTF_8));
      if (process.exitValue() != 0) {
        throw new IllegalStateException(command + " failed: " + printed.err());
      }
      return printed;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
