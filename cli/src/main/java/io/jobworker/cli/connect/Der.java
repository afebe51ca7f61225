package io.jobworker.cli.connect;

import java.io.ByteArrayOutputStream;
import java.security.PublicKey;
import java.util.Arrays;

/** As much of ITU-T X.690 as it takes to put an old form of private keys into today's. */
final class Der {
  private static final int SEQUENCE = 0x30;
  private static final int OCTET_STRING = 0x04;
  private static final byte[] ZERO = {0x02, 0x01, 0x00};
  private static final int LONG_FORM = 0x80;

  private Der() {}

  /**
   * PKCS#8 (RFC 5958) around a key in the form of PKCS#1 or SEC 1. The algorithm and its parameters
   * are those of the public key, which begins with them (RFC 5280, 4.1: SubjectPublicKeyInfo).
   */
  static byte[] pkcs8(PublicKey ofSameKind, byte[] key) {
    byte[] spki = ofSameKind.getEncoded();
    byte[] algorithm = firstWithin(spki);
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    content.writeBytes(ZERO);
    content.writeBytes(algorithm);
    content.writeBytes(element(OCTET_STRING, key));
    return element(SEQUENCE, content.toByteArray());
  }

  private static byte[] firstWithin(byte[] sequence) {
    int start = headerLength(sequence, 0);
    return Arrays.copyOfRange(
        sequence, start, start + headerLength(sequence, start) + length(sequence, start));
  }

  private static int headerLength(byte[] der, int at) {
    int first = der[at + 1] & 0xff;
    return first < LONG_FORM ? 2 : 2 + (first - LONG_FORM);
  }

  private static int length(byte[] der, int at) {
    int header = headerLength(der, at);
    if (header == 2) {
      return der[at + 1];
    }
    int length = 0;
    for (int i = 2; i < header; i++) {
      length = (length << 8) | (der[at + i] & 0xff);
    }
    return length;
  }

  private static byte[] element(int tag, byte[] content) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.write(tag);
    if (content.length < LONG_FORM) {
      all.write(content.length);
    } else {
      int bytes = (Integer.SIZE - Integer.numberOfLeadingZeros(content.length) + 7) / 8;
      all.write(LONG_FORM + bytes);
      for (int i = bytes - 1; i >= 0; i--) {
        all.write(content.length >> (8 * i));
      }
    }
    all.writeBytes(content);
    return all.toByteArray();
  }
}
