package io.jobworker.cli.render;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.base.linux.StandardStreams;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Our standard output or error, for text, which is UTF-8 in every locale. Unlike {@link System#out}
 * it keeps what a write failed with, as an errno, until somebody asks; and it waits while a pipe
 * that was made non-blocking is full. For one thread at a time.
 */
public final class StandardOutput extends PrintWriter {
  private final Stream stream;

  private StandardOutput(Stream stream) {
    super(new OutputStreamWriter(new BufferedOutputStream(stream), UTF_8));
    this.stream = stream;
  }

  /** A write to our standard output failed. */
  public static final class WriteFailed extends IOException {
    private final int errno;

    WriteFailed(String what, LinuxException cause) {
      super(what + " could not be written: " + Errno.describe(cause.errno()), cause);
      this.errno = cause.errno();
    }

    /** As behind {@code head}, nobody reads any more, which is no error. */
    public boolean isNobodyReading() {
      return errno == Errno.EPIPE;
    }
  }

  /** Descriptor 1, for text. */
  public static StandardOutput out() {
    return new StandardOutput(new Stream(1, FileDescriptor.out));
  }

  /** Descriptor 2, for text. */
  public static StandardOutput err() {
    return new StandardOutput(new Stream(2, FileDescriptor.err));
  }

  /** Descriptor 1, for bytes; not buffered. What fails is a {@link WriteFailed}. */
  public static OutputStream outBytes() {
    return new Stream(1, FileDescriptor.out);
  }

  /** Descriptor 2, for bytes; not buffered. What fails is a {@link WriteFailed}. */
  public static OutputStream errBytes() {
    return new Stream(2, FileDescriptor.err);
  }

  /** Lines are whole at once, as people see them; the rest waits for {@link #flush}. */
  @Override
  public void println() {
    super.println();
    if (stream.number == 2) {
      flush();
    }
  }

  /**
   * Flushes what was printed on a verb's output, and sees to it that all of it was written.
   *
   * @param what has not been written, if it was not
   */
  public static void requireWritten(PrintWriter out, String what) throws WriteFailed {
    out.flush();
    if (out instanceof StandardOutput ours && ours.failure().isPresent()) {
      throw new WriteFailed(what, ours.failure().get());
    }
  }

  private Optional<LinuxException> failure() {
    return Optional.ofNullable(stream.failure);
  }

  private static final class Stream extends OutputStream {
    private final int number;
    private final FileChannel channel;
    private @Nullable LinuxException failure;

    private Stream(int number, FileDescriptor descriptor) {
      this.number = number;
      this.channel = new FileOutputStream(descriptor).getChannel();
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (failure != null) { // what came after a gap would be taken for the whole
        throw failed(failure);
      }
      ByteBuffer left = ByteBuffer.wrap(bytes, offset, length);
      if (isWritten(left)) {
        return;
      }
      try {
        StandardStreams.write(number, left); // which waits, or tells why
      } catch (LinuxException e) {
        failure = e;
        throw failed(e);
      }
    }

    private WriteFailed failed(LinuxException why) {
      return new WriteFailed(number == 1 ? "the output" : "standard error", why);
    }

    /** By Java's own means, which cost a tenth of a second less than native ones to get ready. */
    private boolean isWritten(ByteBuffer left) {
      try {
        while (left.hasRemaining()) {
          if (channel.write(left) == 0) {
            return false; // EAGAIN
          }
        }
        return true;
      } catch (IOException e) {
        return false; // for a reason that Java has in words only
      }
    }
  }
}
