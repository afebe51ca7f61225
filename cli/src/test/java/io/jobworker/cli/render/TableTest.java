package io.jobworker.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.cli.render.Table.Cell;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TableTest {
  private static final Screen PLAIN = new Screen(true, false);

  private static Table jobs() {
    Table table = new Table("ID", "NAME", "COMMAND");
    table.add(List.of(Cell.of("813c08e2"), Cell.of("nightly"), Cell.of("/bin/sh -c 'make all'")));
    table.add(List.of(Cell.of("1f0a77d1"), Cell.of("-"), Cell.of("ls")));
    return table;
  }

  @Test
  void whereThereIsRoomEnoughNothingIsCutAndNothingTrails() {
    assertThat(jobs().lines(PLAIN, OptionalInt.empty()))
        .containsExactly(
            "ID        NAME     COMMAND",
            "813c08e2  nightly  /bin/sh -c 'make all'",
            "1f0a77d1  -        ls");
  }

  @Test
  void theLastColumnGivesWayFirst() {
    assertThat(jobs().lines(PLAIN, OptionalInt.of(30)))
        .containsExactly(
            "ID        NAME     COMMAND",
            "813c08e2  nightly  /bin/sh -c…",
            "1f0a77d1  -        ls");
    assertThat(jobs().lines(PLAIN, OptionalInt.of(20)).get(1)).isEqualTo("813c08e2  nig…  /bi…");
    assertThat(jobs().lines(PLAIN, OptionalInt.of(15)).get(1)).isEqualTo("813c08e2  nig…");
  }

  @Test
  void aLongNameLeavesOthersTheirRoom() {
    Table table = new Table("ID", "NAME", "STATUS", "COMMAND");
    table.add(
        List.of(Cell.of("1"), Cell.of("x".repeat(100)), Cell.of("running"), Cell.of("sleep 1")));
    assertThat(table.lines(PLAIN, OptionalInt.of(40)).get(1))
        .isEqualTo("1   " + "x".repeat(20) + "…  running  sle…");
  }

  @Test
  void aCharacterIsAsWideAsATerminalHasIt() {
    assertThat(Table.width("ab")).isEqualTo(2);
    assertThat(Table.width("日本✅🚀")).isEqualTo(8);
    assertThat(Table.width("e\u0301✓🌡")).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 10, 20, 40, 60, 80, 200})
  void noLineIsWiderThanTheRoom(int room) {
    Table table = jobs();
    table.add(List.of(Cell.of("9d2be001"), Cell.of("日本語の名前です"), Cell.of("計算 --all ".repeat(20))));
    assertThat(table.lines(PLAIN, OptionalInt.of(room)))
        .allSatisfy(line -> assertThat(Table.width(line)).isLessThanOrEqualTo(room));
  }

  @Test
  void figuresAreLeftOutRatherThanCut() {
    Table table = Table.ofFigures("ID", "NAME", "CPU", "READ/s");
    table.add(
        List.of(Cell.of("813c08e2"), Cell.of("a-rather-long-name"), Cell.of("93%"), Cell.of("1M")));
    assertThat(table.lines(PLAIN, OptionalInt.of(31)).get(1))
        .isEqualTo("813c08e2  a-rathe…  93%  1M");
    assertThat(table.lines(PLAIN, OptionalInt.of(24)))
        .containsExactly("ID        NAME      CPU", "813c08e2  a-rathe…  93%");
  }

  @Test
  void aColourDoesNotCountAsWidth() {
    Table table = new Table("ID", "STATUS", "COMMAND");
    table.add(
        List.of(Cell.of("1"), new Cell("running", Screen.Color.GREEN), Cell.of("x".repeat(50))));
    assertThat(table.lines(new Screen(true, true), OptionalInt.of(20)).get(1))
        .isEqualTo("1   \033[32mrunning\033[0m  xxxxxx…");
  }
}
