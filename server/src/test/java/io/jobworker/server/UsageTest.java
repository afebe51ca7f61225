package io.jobworker.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What is wrong with a command line is said in one line, and in the words that were typed. */
class UsageTest {
  private static String said(String... words) {
    StringWriter text = new StringWriter();
    CommandLine line = Main.commandLine();
    line.setErr(new PrintWriter(text, true));
    assertThat(line.execute(words)).as(text.toString()).isEqualTo(2);
    return text.toString();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''                             | name one of init, client, certs, serve, check
          serv                           | there is no verb 'serv'; did you mean serve?
          client ad alice                | there is no verb 'ad'; did you mean add?
          client                         | name one of add, disable, enable, list, set
          client add                     | Missing required parameter: 'NAME'
          client add a --dir d --roll x  | unknown option --roll; did you mean --role?
          client add a --role king       | --role king: write user or viewer or admin
          client add a --dir d b         | unexpected word 'b'
          serve --dir d --lisden x       | unknown option --lisden; did you mean --listen?
          """)
  void itIsOneLineAndWhereToLookForMore(String words, String expected) {
    String[] lines = said(words.isEmpty() ? new String[0] : words.split(" ")).split("\n");
    assertThat(lines).hasSize(2);
    assertThat(lines[0]).isEqualTo("job-worker-server: " + expected);
    assertThat(lines[1]).startsWith("Try 'job-worker-server").endsWith(" --help'.");
  }
}
