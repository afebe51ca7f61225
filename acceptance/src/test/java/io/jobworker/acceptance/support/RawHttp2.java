package io.jobworker.acceptance.support;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** HTTP/2 frame by frame (RFC 9113), as no library would say it. */
public final class RawHttp2 implements AutoCloseable {
  public static final int DATA = 0x0;
  public static final int HEADERS = 0x1;
  public static final int PRIORITY = 0x2;
  public static final int RST_STREAM = 0x3;
  public static final int SETTINGS = 0x4;
  public static final int PING = 0x6;
  public static final int GOAWAY = 0x7;
  public static final int WINDOW_UPDATE = 0x8;

  public static final int END_STREAM = 0x1;
  public static final int ACK = 0x1;
  public static final int END_HEADERS = 0x4;

  private static final int HEAD_BYTES = 9;
  private static final int INITIAL_WINDOW = 4; // a setting
  private static final int CONNECTION = 0;

  private final Socket socket;
  private final OutputStream out;
  private final ByteArrayOutputStream batch = new ByteArrayOutputStream();
  private final List<Integer> goAways = Collections.synchronizedList(new ArrayList<>());
  private final Thread reader;

  /** What may yet be sent, of each stream and in all. */
  private final Map<Integer, Long> windows = new HashMap<>(Map.of(CONNECTION, 65_535L));

  private long initialWindow = 65_535;
  private boolean closed;

  /** Begins on a connection whose handshake is done, and closes it in the end. */
  public RawHttp2(Socket socket) throws IOException {
    this(socket, true);
  }

  /** One that reads nothing, and yet says that it knows the server's settings. */
  public static RawHttp2 deaf(Socket socket) throws IOException {
    RawHttp2 deaf = new RawHttp2(socket, false);
    deaf.frame(SETTINGS, ACK, 0);
    deaf.flush();
    return deaf;
  }

  private RawHttp2(Socket socket, boolean reads) throws IOException {
    this.socket = socket;
    this.out = socket.getOutputStream();
    batch.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(US_ASCII));
    frame(SETTINGS, 0, 0);
    flush();
    reader = reads ? Thread.ofVirtual().start(this::read) : Thread.currentThread();
  }

  /** Adds a frame to what {@link #flush} sends. */
  public void frame(int type, int flags, int stream, byte... payload) {
    batch.write(payload.length >> 16);
    batch.write(payload.length >> 8);
    batch.write(payload.length);
    batch.write(type);
    batch.write(flags);
    number(batch, stream);
    batch.writeBytes(payload);
  }

  private static void number(ByteArrayOutputStream to, int value) {
    to.write(value >> 24);
    to.write(value >> 16);
    to.write(value >> 8);
    to.write(value);
  }

  /** Adds the beginning of a call of gRPC. */
  public void call(int stream, String method) {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    header(block, ":method", "POST");
    header(block, ":scheme", "https");
    header(block, ":path", "/" + method);
    header(block, ":authority", "localhost");
    header(block, "content-type", "application/grpc");
    header(block, "te", "trailers");
    frame(HEADERS, END_HEADERS, stream, block.toByteArray());
  }

  /** A field that is in no table (RFC 7541, 6.2.2). */
  private static void header(ByteArrayOutputStream block, String name, String value) {
    block.write(0);
    block.write(name.length());
    block.writeBytes(name.getBytes(US_ASCII));
    block.write(value.length());
    block.writeBytes(value.getBytes(US_ASCII));
  }

  /** Sends data of a call that goes on, when the server has room for it (RFC 9113, 5.2). */
  public void data(int stream, byte... payload) throws IOException, InterruptedException {
    synchronized (this) {
      while (Math.min(window(CONNECTION), window(stream)) < payload.length) {
        if (closed) {
          throw new IOException("closed");
        }
        wait();
      }
      add(CONNECTION, -payload.length);
      add(stream, -payload.length);
    }
    frame(DATA, 0, stream, payload);
    flush();
  }

  private synchronized long window(int stream) {
    return windows.computeIfAbsent(stream, _ -> initialWindow);
  }

  private synchronized void add(int stream, long bytes) {
    windows.put(stream, window(stream) + bytes);
    notifyAll();
  }

  private static int number(byte[] payload, int at) {
    return ByteBuffer.wrap(payload).getInt(at);
  }

  private synchronized void set(byte[] settings) {
    for (int at = 0; at + 6 <= settings.length; at += 6) {
      if (settings[at + 1] == INITIAL_WINDOW) {
        long more = number(settings, at + 2) - initialWindow;
        initialWindow += more;
        windows.replaceAll((stream, bytes) -> stream == CONNECTION ? bytes : bytes + more);
        notifyAll();
      }
    }
  }

  private synchronized void closed() {
    closed = true;
    notifyAll();
  }

  /** How much waits to be sent. */
  public int batched() {
    return batch.size();
  }

  public void flush() throws IOException {
    batch.writeTo(out);
    batch.reset();
    out.flush();
  }

  private void read() {
    try (InputStream in = socket.getInputStream()) {
      while (true) {
        byte[] head = in.readNBytes(HEAD_BYTES);
        if (head.length < HEAD_BYTES) {
          return;
        }
        byte[] payload =
            in.readNBytes(((head[0] & 0xff) << 16) | ((head[1] & 0xff) << 8) | (head[2] & 0xff));
        switch (head[3]) {
          case GOAWAY -> goAways.add(number(payload, 4));
          case SETTINGS -> set(payload);
          case WINDOW_UPDATE -> add(number(head, 5), number(payload, 0));
          default -> {}
        }
      }
    } catch (IOException e) {
      // closed
    } finally {
      closed();
    }
  }

  /** The errors of the GOAWAY frames that have come, once the server has closed the connection. */
  public List<Integer> goAwaysUntilClosed() throws InterruptedException {
    reader.join(Programs.PATIENCE);
    return List.copyOf(goAways);
  }

  public boolean isClosed() {
    return !reader.isAlive();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
