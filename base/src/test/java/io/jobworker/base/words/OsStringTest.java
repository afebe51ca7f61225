package io.jobworker.base.words;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OsStringTest {
  private static final String LATIN = OsString.of("caf\u00e9".getBytes(ISO_8859_1));

  @Test
  void everyByteComesBack() {
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) i;
    }
    assertThat(OsString.bytes(OsString.of(all))).isEqualTo(all);
    Random random = new Random(18);
    for (int round = 0; round < 20_000; round++) {
      byte[] bytes = new byte[random.nextInt(12)];
      random.nextBytes(bytes);
      if (round % 2 == 0) { // closer to UTF-8: leads and continuations
        for (int i = 0; i < bytes.length; i++) {
          bytes[i] |= (byte) 0x80;
        }
      }
      String text = OsString.of(bytes);
      assertThat(OsString.isValid(text)).isTrue();
      assertThat(OsString.bytes(text)).isEqualTo(bytes);
    }
  }

  @Test
  void utf8IsTheTextThatItIs() {
    String text = "gr\u00fcn \u65e5\u672c \ud83d\ude80";
    assertThat(OsString.of(text.getBytes(UTF_8))).isEqualTo(text);
    assertThat(OsString.isUtf8(text)).isTrue();
    assertThat(OsString.firstInvalid(text)).isEmpty();
    assertThat(OsString.readable(text)).isEqualTo(text);
    assertThat(OsString.escaped(text)).isEqualTo(text);
  }

  @Test
  void aByteThatIsNoneIsFoundAndShown() {
    String text = "\u00fc" + LATIN + "s";
    assertThat(OsString.isUtf8(text)).isFalse();
    assertThat(OsString.firstInvalid(text)).hasValue(5);
    assertThat(OsString.readable(text)).isEqualTo("\u00fccaf\ufffds");
    assertThat(OsString.escaped(text)).isEqualTo("\u00fccaf\\xe9s");
  }

  @Test
  void halfACharacterIsNoBytes() {
    assertThat(OsString.isValid("a\ud83d")).isFalse();
    assertThatThrownBy(() -> OsString.bytes("a\ud83d"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aPathHasTheBytesOfItsText(@TempDir Path directory) throws Exception {
    for (String name : new String[] {LATIN, "gr\u00fcn", "a?b%41 {x}", "it's \"a\" #\n"}) {
      Path file = OsString.path(OsString.of(directory) + "/" + name);
      Files.writeString(file, name.length() + "");
      assertThat(OsString.of(file)).isEqualTo(OsString.of(directory) + "/" + name);
      assertThat(OsString.of(OsString.path(name))).isEqualTo(name);
      assertThat(OsString.path(name).isAbsolute()).isFalse();
      try (var found = Files.newDirectoryStream(directory)) {
        assertThat(found).extracting(path -> OsString.of(path.getFileName())).contains(name);
      }
    }
  }
}
