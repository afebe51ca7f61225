package io.jobworker.cli.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.cli.connect.UsageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DownloadTest {
  @TempDir private Path directory;

  private Path file() {
    return directory.resolve("build.log");
  }

  private Download download() throws IOException {
    return Download.to(file(), "job 1");
  }

  private static JobLogsResponse message(long offset, String text) {
    return JobLogsResponse.newBuilder()
        .setOffset(offset)
        .setLog(ByteString.copyFromUtf8(text))
        .build();
  }

  @Test
  void theFileAppearsWhenAllOfItHasCome() throws IOException {
    try (Download download = download()) {
      download.accept(message(0, "one\n"));
      assertThat(file()).doesNotExist();
      download.accept(message(4, "two\n"));
      download.end();
    }
    assertThat(file()).hasContent("one\ntwo\n");
    try (var left = Files.list(directory)) {
      assertThat(left).containsExactly(file());
    }
  }

  @Test
  void onlyAFileIsReplacedAndALinkToOneStaysALink() throws Exception {
    assertThat(new ProcessBuilder("mkfifo", file().toString()).start().waitFor()).isZero();
    assertThatThrownBy(this::download)
        .isInstanceOf(UsageException.class)
        .hasMessageContaining(file() + " is no file that a copy can replace");
    Files.delete(file());
    Files.createDirectory(file());
    assertThatThrownBy(this::download).hasMessageContaining(file() + " is a directory");
    Files.delete(file());
    Path other = Files.writeString(directory.resolve("other"), "before\n");
    Files.createSymbolicLink(file(), other);
    try (Download download = download()) {
      download.accept(message(0, "one\n"));
      download.end();
    }
    assertThat(file()).isSymbolicLink();
    assertThat(other).hasContent("one\n");
  }

  @Test
  void whatWasBrokenOffGoesOnWhereItWas() throws IOException {
    try (Download download = download()) {
      assertThat(download.offset()).isEmpty();
      download.accept(message(0, "one\n"));
    }
    try (Download download = download()) {
      assertThat(download.offset()).hasValue(4);
      assertThat(download.size()).isEqualTo(4);
      download.accept(message(4, "two\n"));
      download.end();
    }
    assertThat(file()).hasContent("one\ntwo\n");
  }

  @Test
  void aFileThatLostItsEndGoesOnFromThere() throws IOException {
    try (Download download = download()) {
      download.accept(message(0, "one\ntwo\n"));
    }
    try (var part =
        Files.newByteChannel(
            directory.resolve("build.log.part"), java.nio.file.StandardOpenOption.WRITE)) {
      part.truncate(5); // as a host's crash may leave it
    }
    try (Download download = download()) {
      assertThat(download.offset()).hasValue(5);
      download.accept(message(5, "wo\n"));
      download.end();
    }
    assertThat(file()).hasContent("one\ntwo\n");
  }

  @Test
  void whatIsMissingInTheFileIsCountedAndDoesNotShiftThePlace() throws IOException {
    try (Download download = download()) {
      download.accept(message(0, "one\n"));
      download.accept(JobLogsResponse.newBuilder().setOffset(1004).setDroppedBytes(1000).build());
      download.accept(message(1004, "two\n"));
      assertThat(download.droppedBytes()).isEqualTo(1000);
    }
    try (Download download = download()) {
      assertThat(download.offset()).hasValue(1008);
      assertThat(download.droppedBytes()).isEqualTo(1000);
    }
  }

  @Test
  void whatOneStreamLeavesOutDoesNotShiftThePlace() throws IOException {
    try (Download download = download()) {
      download.accept(message(10, "one\n"));
      download.accept(message(50, "two\n"));
    }
    try (Download download = download()) {
      assertThat(download.offset()).hasValue(54);
    }
  }

  @Test
  void twoDownloadsDoNotWriteTheSameFile() throws IOException {
    try (Download download = download()) {
      download.accept(message(0, "one\n"));
      assertThatThrownBy(this::download)
          .isInstanceOf(UsageException.class)
          .hasMessageContaining("being written by another download");
      download.accept(message(4, "two\n"));
      download.end();
    }
    assertThat(file()).hasContent("one\ntwo\n");
  }

  @Test
  void anotherDownloadInTheWayIsLeftAsItIs() throws IOException {
    try (Download download = download()) {
      download.accept(message(0, "one\n"));
    }
    assertThatThrownBy(() -> Download.to(file(), "job 2"))
        .isInstanceOf(UsageException.class)
        .hasMessageContainingAll("build.log.part", "job 1");
    Files.delete(directory.resolve("build.log.part.at"));
    assertThatThrownBy(this::download)
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("in the way");
    assertThat(directory.resolve("build.log.part")).hasContent("one\n");
  }
}
