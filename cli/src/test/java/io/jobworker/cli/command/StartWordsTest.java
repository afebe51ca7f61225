package io.jobworker.cli.command;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.base.words.OsString;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Whose the words of a command line are that starts a job, and what becomes of them. */
class StartWordsTest {
  private static final String LATIN = OsString.of("caf\u00e9".getBytes(ISO_8859_1));

  /** What a verb that starts a job is made of. */
  @Command(name = "begin", mixinStandardHelpOptions = true)
  static final class Begin implements Runnable {
    @Mixin private JobSpecOptions job = new JobSpecOptions();
    @Mixin private ProgramParameter program = new ProgramParameter();
    private JobSpec spec = JobSpec.getDefaultInstance();

    @Override
    public void run() {
      spec = job.spec(program.argv()).build();
    }
  }

  @Command(
      name = "top",
      subcommands = Begin.class,
      version = "top 1",
      mixinStandardHelpOptions = true)
  static final class Top {
    @Option(names = "--address", scope = CommandLine.ScopeType.INHERIT)
    private String address = "";
  }

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private int code;

  private JobSpec begin(String... words) {
    CommandLine line = new CommandLine(new Top());
    Verbs.configure(line);
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err));
    line.setExecutionExceptionHandler((failure, _, _) -> {
      err.write(String.valueOf(failure.getMessage()));
      return 2;
    });
    line.setParameterExceptionHandler((failure, _) -> {
      err.write(String.valueOf(failure.getMessage()));
      return 2;
    });
    String[] all = new String[words.length + 1];
    all[0] = "begin";
    System.arraycopy(words, 0, all, 1, words.length);
    code = line.execute(all);
    Begin begin = java.util.Objects.requireNonNull(line.getSubcommands().get("begin")).getCommand();
    return begin.spec;
  }

  private List<String> argv(String... words) {
    return begin(words).getCommandList();
  }

  @Nested
  class TheProgramsWords {
    @Test
    void followTheFirstOneThatIsNoOption() {
      String[] words = {"printf", "[%s]", "--timeout", "7", "x", "--name", "y", "-e", "A=b"};
      assertThat(argv(words)).containsExactly(words);
      assertThat(argv("--name", "n", "echo", "-e", "X=1", "-V", "--help", "--shell", "--address"))
          .containsExactly("echo", "-e", "X=1", "-V", "--help", "--shell", "--address");
      assertThat(argv("ls", "-la")).containsExactly("ls", "-la");
    }

    @Test
    void mayFollowTwoHyphensOfWhichOnlyTheFirstIsOurs() {
      assertThat(argv("--", "--name", "x")).containsExactly("--name", "x");
      assertThat(argv("--", "a", "--", "b")).containsExactly("a", "--", "b");
      assertThat(argv("env", "--", "b")).containsExactly("env", "--", "b");
      assertThat(argv("--", "--")).containsExactly("--");
    }

    @Test
    void areSplitWhenThereIsOneAndNothingSaysThatItIsOne() {
      assertThat(argv("ls -la '/my dir'")).containsExactly("ls", "-la", "/my dir");
      assertThat(argv("--", "/srv/my dir/prog")).containsExactly("/srv/my dir/prog");
      assertThat(argv("/srv/my dir/prog", "x")).containsExactly("/srv/my dir/prog", "x");
    }

    @Test
    void areNotReadFromFiles(@TempDir Path directory) throws Exception {
      String present = "@" + Files.writeString(directory.resolve("present"), "its words");
      JobSpec job =
          begin("--name", "@x", "-e", "A=" + present, "-e", "@B=@@x", "p", present, "@@x");
      assertThat(job.getCommandList()).containsExactly("p", present, "@@x");
      assertThat(job.getName()).isEqualTo("@x");
      assertThat(job.getEnvMap()).containsEntry("A", present).containsEntry("@B", "@@x");
      assertThat(begin("--name", present, "p").getName()).isEqualTo(present);
    }

    @Test
    void mayBeEmptyAndHoldAnything() {
      assertThat(argv("p", "", "a\nb", "a=b", "\"", "${x}", "%s"))
          .containsExactly("p", "", "a\nb", "a=b", "\"", "${x}", "%s");
    }
  }

  @Nested
  class Bytes {
    @Test
    void areCarriedAsBytesWhereAStringCannot() {
      JobSpec job = begin("-w", "/" + LATIN, "-e", "A=" + LATIN, "-e", "B=x", "--", "p", LATIN);
      assertThat(job.getCommandList()).isEmpty();
      assertThat(job.getRawCommandList())
          .containsExactly(ByteString.copyFromUtf8("p"), latin("caf\u00e9"));
      assertThat(job.getEnvMap()).containsOnlyKeys("B");
      assertThat(job.getRawEnvList()).containsExactly(latin("A=caf\u00e9"));
      assertThat(job.getRawWorkingDir()).isEqualTo(latin("/caf\u00e9"));
    }

    private ByteString latin(String text) {
      return ByteString.copyFrom(text, ISO_8859_1);
    }

    @Test
    void areRefusedWithTheirPositionWhereOnlyCharactersCanStand() {
      begin("--name", LATIN, "true");
      assertThat(code).isEqualTo(2);
      assertThat(err.toString()).contains("--name").contains("'caf\\xe9'").contains("position 4");
      begin("-l", "k=" + LATIN, "true");
      assertThat(err.toString()).contains("--label").contains("position 6");
    }
  }

  @Nested
  class TheEnvironment {
    @Test
    void isSplitAtTheFirstEqualsSignAndTheLastOneCounts() {
      JobSpec job = begin("-e", "A=b=c", "-e", "E=", "-e", "A=\"a b", "true");
      assertThat(job.getEnvMap()).containsEntry("A", "\"a b").containsEntry("E", "").hasSize(2);
    }

    @Test
    void isTakenFromHereForANameAlone() {
      JobSpec job = begin("-e", "PATH", "-e", "JOB_WORKER_IS_NOT_SET", "true");
      assertThat(job.getEnvMap()).containsOnlyKeys("PATH");
      assertThat(job.getEnvMap()).containsEntry("PATH", System.getenv("PATH"));
    }

    @Test
    void isPassedWithoutARemarkOnItsQuotes() {
      PrintStream before = System.err;
      ByteArrayOutputStream said = new ByteArrayOutputStream();
      System.setErr(new PrintStream(said, true, java.nio.charset.StandardCharsets.UTF_8));
      try {
        assertThat(begin("-e", "A=\"hush", "true").getEnvMap()).containsEntry("A", "\"hush");
      } finally {
        System.setErr(before);
      }
      assertThat(said.toString(java.nio.charset.StandardCharsets.UTF_8)).isEmpty();
    }

    @Test
    void needsNames() {
      begin("-e", "=x", "true");
      assertThat(code).isEqualTo(2);
      assertThat(err.toString()).contains("-e").contains("a variable needs a name");
    }
  }

  @Test
  void everyVerbTellsTheVersion() {
    begin("-V");
    assertThat(code).isZero();
    assertThat(out.toString().strip()).isEqualTo("top 1");
  }
}
