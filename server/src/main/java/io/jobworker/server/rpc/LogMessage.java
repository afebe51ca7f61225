package io.jobworker.server.rpc;

import com.google.protobuf.CodedOutputStream;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor.Marshaller;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.core.output.Read;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A {@link JobLogsResponse} whose output is still where it is kept, and is copied from there into
 * the transport's buffer when the message is sent, which is before the sending call returns. The
 * generated class would copy it into an array of its own first, at half the speed ({@code
 * docs/performance.md}). On the wire it is the same.
 *
 * @param fields all but {@code log}
 * @param log the output; empty where the message carries none
 */
record LogMessage(JobLogsResponse fields, ByteBuffer log) {
  private static final ByteBuffer NO_LOG = ByteBuffer.allocate(0).asReadOnlyBuffer();

  static LogMessage of(Read.Chunk chunk) {
    JobLogsResponse fields =
        JobLogsResponse.newBuilder()
            .setStream(Wire.stream(chunk.stream()))
            .setOffset(chunk.offset())
            .setTime(Wire.timestamp(chunk.capturedAt()))
            .build();
    return new LogMessage(fields, chunk.bytes());
  }

  static LogMessage of(Read.Dropped dropped) {
    JobLogsResponse fields =
        JobLogsResponse.newBuilder()
            .setOffset(dropped.resumeOffset())
            .setDroppedBytes(dropped.bytes())
            .build();
    return new LogMessage(fields, NO_LOG);
  }

  /** Writes such messages; the server never reads one. */
  static final Marshaller<LogMessage> MARSHALLER =
      new Marshaller<>() {
        @Override
        public InputStream stream(LogMessage message) {
          return new Encoded(message);
        }

        @Override
        public LogMessage parse(InputStream stream) {
          throw new UnsupportedOperationException("only clients read log messages");
        }
      };

  /** The message's bytes; what the transport does with it is to drain it, once. */
  private static final class Encoded extends InputStream implements Drainable, KnownLength {
    /** Small enough to stay in the processor's cache between the two copies. */
    private static final int BLOCK_BYTES = 32 << 10;

    private static final ThreadLocal<byte[]> BLOCK =
        ThreadLocal.withInitial(() -> new byte[BLOCK_BYTES]);

    private final LogMessage message;
    private final int length;
    private @Nullable InputStream drained;

    private Encoded(LogMessage message) {
      this.message = message;
      int log = message.log().remaining();
      this.length =
          message.fields().getSerializedSize()
              + (log == 0
                  ? 0
                  : CodedOutputStream.computeTagSize(JobLogsResponse.LOG_FIELD_NUMBER)
                      + CodedOutputStream.computeUInt32SizeNoTag(log)
                      + log);
    }

    @Override
    public int available() throws IOException {
      return drained == null ? length : drained.available();
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
      message.fields().writeTo(target);
      ByteBuffer log = message.log().duplicate();
      if (log.hasRemaining()) {
        CodedOutputStream head = CodedOutputStream.newInstance(target, 16);
        head.writeTag(JobLogsResponse.LOG_FIELD_NUMBER, 2 /* length-delimited */);
        head.writeUInt32NoTag(log.remaining());
        head.flush();
        byte[] block = BLOCK.get();
        while (log.hasRemaining()) {
          int n = Math.min(block.length, log.remaining());
          log.get(block, 0, n);
          target.write(block, 0, n);
        }
      }
      return length;
    }

    @Override
    public int read() throws IOException {
      return bytes().read();
    }

    @Override
    public int read(byte[] target, int offset, int count) throws IOException {
      return bytes().read(target, offset, count);
    }

    private InputStream bytes() throws IOException {
      if (drained == null) {
        ByteArrayOutputStream all = new ByteArrayOutputStream(length);
        drainTo(all);
        drained = new ByteArrayInputStream(all.toByteArray());
      }
      return drained;
    }
  }
}
