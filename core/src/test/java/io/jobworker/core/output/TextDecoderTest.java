package io.jobworker.core.output;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TextDecoderTest {
  private static final String TEXT = "a\u00fc\u65e5\u672c\u8a9e\ud83d\ude00z\n";

  private static ByteBuffer bytes(String hex) {
    return ByteBuffer.wrap(HexFormat.ofDelimiter(" ").parseHex(hex));
  }

  /** The text of bytes that come in pieces of random sizes. */
  private static String inPieces(byte[] all, TextDecoder decoder, Random random) {
    StringBuilder text = new StringBuilder();
    for (int from = 0; from < all.length; ) {
      int to = Math.min(all.length, from + 1 + random.nextInt(4));
      text.append(decoder.decode(ByteBuffer.wrap(Arrays.copyOfRange(all, from, to))));
      from = to;
    }
    return text.append(decoder.end()).toString();
  }

  @Test
  void textIsTheSameHoweverItsBytesAreDivided() {
    byte[] all = TEXT.repeat(50).getBytes(UTF_8);
    for (int seed = 0; seed < 50; seed++) {
      assertThat(inPieces(all, TextDecoder.fromStart(), new Random(seed)))
          .isEqualTo(TEXT.repeat(50));
    }
  }

  @Test
  void whatIsNoTextIsReplacedTheSameHoweverItIsDivided() {
    for (int seed = 0; seed < 200; seed++) {
      Random random = new Random(seed);
      byte[] all = new byte[200];
      random.nextBytes(all);
      for (int i = 0; i < all.length; i++) { // beginnings and ends of characters, mostly
        all[i] |= (byte) (random.nextInt(8) == 0 ? 0 : 0x80);
      }
      assertThat(inPieces(all, TextDecoder.fromStart(), random)).isEqualTo(new String(all, UTF_8));
    }
  }

  @Test
  void aCharacterIsHeldBackUntilItIsAllThere() {
    TextDecoder decoder = TextDecoder.fromStart();
    assertThat(decoder.decode(bytes("e6"))).isEmpty();
    assertThat(decoder.decode(bytes("97"))).isEmpty();
    assertThat(decoder.held()).isEqualTo(2);
    assertThat(decoder.decode(bytes("a5 e6"))).isEqualTo("\u65e5");
    assertThat(decoder.end()).isEqualTo("\ufffd");
    assertThat(decoder.end()).isEmpty();
  }

  @Test
  void whatCanBecomeNoCharacterIsNotHeldBack() {
    for (String hex : new String[] {"c0", "ff", "e0 80", "f0 80 80", "f4 90", "80"}) {
      TextDecoder decoder = TextDecoder.fromStart();
      assertThat(decoder.decode(bytes(hex))).as(hex).matches("\ufffd+");
      assertThat(decoder.held()).as(hex).isZero();
    }
  }

  @Test
  void theEndOfACharacterWhoseBeginningIsNotThereIsLeftOutAndCounted() {
    TextDecoder decoder = TextDecoder.fromLater();
    assertThat(decoder.decode(bytes("97"))).isEmpty();
    assertThat(decoder.leftOut()).isEqualTo(1);
    assertThat(decoder.decode(bytes("a5 41 a5"))).isEqualTo("A\ufffd");
    assertThat(decoder.leftOut()).isEqualTo(1);
    assertThat(decoder.decode(bytes("41"))).isEqualTo("A");
    assertThat(decoder.leftOut()).isZero();
  }

  @Test
  void afterAGapWhatWasHeldBackIsMissingAndTheNextMayBeginInside() {
    TextDecoder decoder = TextDecoder.fromStart();
    assertThat(decoder.decode(bytes("41 e6"))).isEqualTo("A");
    assertThat(decoder.interrupt()).isEqualTo(1);
    assertThat(decoder.decode(bytes("97 a5 42"))).isEqualTo("B");
  }
}
