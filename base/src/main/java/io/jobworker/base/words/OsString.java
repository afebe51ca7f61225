package io.jobworker.base.words;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.OptionalInt;

/**
 * Arguments, variables and paths are bytes to the kernel. As a string they are UTF-8, and a byte
 * that is none stands as the lone surrogate U+DC00 + byte, as in Python's {@code surrogateescape}
 * (PEP 383): no byte is lost, whatever the locale is, and all other text is as it always was.
 * Stateless and thread-safe.
 */
public final class OsString {
  private static final int ESCAPE = 0xDC00;
  private static final int FIRST_ESCAPED = ESCAPE + 0x80;
  private static final int LAST_ESCAPED = ESCAPE + 0xFF;

  private OsString() {}

  /** The string that stands for these bytes. */
  public static String of(byte[] bytes) {
    return of(bytes, 0, bytes.length);
  }

  /** Likewise for a part of them. */
  public static String of(byte[] bytes, int offset, int length) {
    CharsetDecoder decoder =
        UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(bytes, offset, length);
    CharBuffer out = CharBuffer.allocate(length); // UTF-8 has no fewer bytes than UTF-16 has units
    while (true) {
      CoderResult result = decoder.decode(in, out, true);
      if (result.isUnderflow()) {
        return out.flip().toString();
      }
      for (int i = 0; i < result.length(); i++) {
        out.put((char) (ESCAPE + Byte.toUnsignedInt(in.get())));
      }
    }
  }

  /**
   * The bytes that a string stands for.
   *
   * @throws IllegalArgumentException if it stands for none, for it holds half a character
   */
  public static byte[] bytes(String text) {
    if (isUtf8(text)) {
      return text.getBytes(UTF_8);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length());
    text.codePoints()
        .forEach(c -> {
          if (isEscaped(c)) {
            bytes.write(c - ESCAPE);
          } else if (isSurrogate(c)) {
            throw new IllegalArgumentException("half a character");
          } else {
            bytes.writeBytes(Character.toString(c).getBytes(UTF_8));
          }
        });
    return bytes.toByteArray();
  }

  /** Whether {@link #bytes} has an answer. */
  public static boolean isValid(String text) {
    return text.codePoints().allMatch(c -> isEscaped(c) || !isSurrogate(c));
  }

  /** Whether all of it is characters, so that it can stand where only these can. */
  public static boolean isUtf8(String text) {
    return text.codePoints().noneMatch(OsString::isSurrogate);
  }

  /** Where the first byte is that is no UTF-8, counted in bytes from 0. */
  public static OptionalInt firstInvalid(String text) {
    int at = 0;
    for (int c : text.codePoints().toArray()) {
      if (isSurrogate(c)) {
        return OptionalInt.of(at);
      }
      at += Character.toString(c).getBytes(UTF_8).length;
    }
    return OptionalInt.empty();
  }

  /** For where only characters can stand: U+FFFD for what are none. */
  public static String readable(String text) {
    return isUtf8(text) ? text : text.replaceAll("[\\uD800-\\uDFFF]+", "\uFFFD");
  }

  /** For people who must be able to tell bytes apart: {@code \xe9} for what is no character. */
  public static String escaped(String text) {
    if (isUtf8(text)) {
      return text;
    }
    StringBuilder escaped = new StringBuilder();
    text.codePoints()
        .forEach(c -> {
          if (isEscaped(c)) {
            escaped.append("\\x").append(HexFormat.of().toHexDigits((byte) (c - ESCAPE)));
          } else {
            escaped.appendCodePoint(isSurrogate(c) ? 0xFFFD : c);
          }
        });
    return escaped.toString();
  }

  /**
   * The path with these bytes. {@link Path#of} encodes by the locale that the JVM was started in,
   * and refuses what that cannot say; a URI's octets are taken as they are.
   *
   * @throws IllegalArgumentException if it holds NUL
   */
  public static Path path(String text) {
    if (text.chars().allMatch(c -> c > 0 && c < 0x80)) {
      return Path.of(text);
    }
    boolean absolute = text.startsWith("/");
    StringBuilder uri = new StringBuilder(absolute ? "file://" : "file:///");
    for (byte b : bytes(text)) {
      if (b == '/') {
        uri.append('/');
      } else {
        uri.append('%').append(HexFormat.of().toHexDigits(b));
      }
    }
    Path path = Path.of(URI.create(uri.toString()));
    return absolute ? path : Path.of("/").relativize(path);
  }

  /** The text of a path, whose bytes are those that the kernel gave for it. */
  public static String of(Path path) {
    String text = path.toString();
    if (text.chars().allMatch(c -> c > 0 && c < 0x80 && c != '?')) {
      return text;
    }
    Path absolute = path.isAbsolute() ? path : Path.of("/").resolve(path);
    String octets = absolute.toUri().getRawPath();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(octets.length());
    for (int i = path.isAbsolute() ? 0 : 1; i < octets.length(); i++) {
      char c = octets.charAt(i);
      if (c == '%') {
        bytes.write(HexFormat.fromHexDigits(octets, i + 1, i + 3));
        i += 2;
      } else {
        bytes.write(c);
      }
    }
    // A directory's URI ends with a slash, which is none of the path's.
    byte[] all = bytes.toByteArray();
    int length = all.length;
    if (length > 1 && all[length - 1] == '/') {
      length--;
    }
    return of(all, 0, length);
  }

  private static boolean isEscaped(int c) {
    return c >= FIRST_ESCAPED && c <= LAST_ESCAPED;
  }

  private static boolean isSurrogate(int c) {
    return c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
  }
}
