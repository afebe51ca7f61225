package io.jobworker.acceptance.support;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A JVM that runs the entries of the two programs, one call after another. What a call prints is
 * all that stands on its standard output and error up to a mark, which the caller chose; behind
 * that on standard error is the exit code.
 */
final class ProgramHost {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private ProgramHost() {}

  /** Reads calls from standard input, up to its end. */
  public static void main(String[] args) throws Exception {
    Map<String, Method> entries =
        Map.of(
            Programs.CLIENT, entry("io.jobworker.cli.Main"),
            Programs.SERVER, entry("io.jobworker.server.Main"));
    try (DataInputStream calls = new DataInputStream(new BufferedInputStream(System.in))) {
      while (true) {
        String mark = calls.readUTF();
        Method entry = Objects.requireNonNull(entries.get(calls.readUTF()));
        String[] arguments = new String[calls.readInt()];
        for (int i = 0; i < arguments.length; i++) {
          arguments[i] = calls.readUTF();
        }
        Object code = entry.invoke(null, (Object) arguments);
        System.out.print(mark);
        System.out.flush();
        System.err.print(mark + code + "\n");
        System.err.flush();
      }
    } catch (EOFException e) {
      Runtime.getRuntime().halt(0); // as the programs do; nobody needs what is left of them
    }
  }

  private static Method entry(String program) throws ReflectiveOperationException {
    Method entry = Class.forName(program).getDeclaredMethod("run", String[].class);
    entry.setAccessible(true);
    return entry;
  }

  /** Starts one, of the programs as they are shipped. It ends with this JVM. */
  static Handle start() {
    String classes =
        String.join(
            ":",
            ROOT.resolve("server/target/job-worker-server.jar").toString(),
            ROOT.resolve("cli/target/job-worker-cli.jar").toString(),
            ROOT.resolve("acceptance/target/test-classes").toString());
    List<String> java =
        List.of(
            Path.of(System.getProperty("java.home"), "bin/java").toString(),
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            "-Xmx512m",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Djdk.tls.namedGroups=x25519,secp384r1,secp256r1",
            "-cp",
            classes,
            ProgramHost.class.getName());
    ProcessBuilder builder = new ProcessBuilder("/bin/sh", "-c", "umask 077; exec \"$0\" \"$@\"");
    builder.command().addAll(java);
    builder.environment().putAll(Programs.STATE);
    try {
      return new Handle(builder.start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The caller's end. For one caller at a time. */
  static final class Handle {
    private final Process process;
    private final DataOutputStream calls;
    private final InputStream out;
    private final InputStream err;

    private Handle(Process process) {
      this.process = process;
      calls = new DataOutputStream(new BufferedOutputStream(process.getOutputStream()));
      out = new BufferedInputStream(process.getInputStream(), 1 << 16);
      err = new BufferedInputStream(process.getErrorStream());
    }

    Result call(String program, List<String> arguments) {
      String mark = "\0" + UUID.randomUUID();
      try {
        calls.writeUTF(mark);
        calls.writeUTF(program);
        calls.writeInt(arguments.size());
        for (String argument : arguments) {
          calls.writeUTF(argument);
        }
        calls.flush();
        CompletableFuture<byte[]> printed = async(() -> upTo(mark, out));
        CompletableFuture<String> said = async(() -> new String(upTo(mark, err), UTF_8));
        byte[] text = printed.get(Programs.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        String errors = said.get(Programs.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        int code = Integer.parseInt(new String(upTo("\n", err), US_ASCII));
        return new Result(code, text, errors);
      } catch (Exception e) {
        process.destroyForcibly();
        throw new AssertionError(program + " " + arguments + " did not come to its end", e);
      }
    }

    private interface Reading<T> {
      T read() throws IOException;
    }

    private static <T> CompletableFuture<T> async(Reading<T> reading) {
      return CompletableFuture.supplyAsync(
          () -> {
            try {
              return reading.read();
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          },
          task -> Thread.ofVirtual().start(task));
    }

    private static byte[] upTo(String mark, InputStream in) throws IOException {
      byte[] end = mark.getBytes(US_ASCII);
      Tail read = new Tail();
      while (!read.endsWith(end)) {
        int b = in.read();
        if (b < 0) {
          throw new EOFException("its JVM ended after " + read.toString(UTF_8));
        }
        read.write(b);
      }
      return Arrays.copyOf(read.toByteArray(), read.size() - end.length);
    }

    private static final class Tail extends ByteArrayOutputStream {
      synchronized boolean endsWith(byte[] end) {
        return count >= end.length
            && Arrays.equals(buf, count - end.length, count, end, 0, end.length);
      }
    }
  }
}
