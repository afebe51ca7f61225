package io.jobworker.cli.command;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.grpc.StatusException;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.render.Statuses;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The parameters ID of a verb for many jobs, which may be named by their labels too. */
public final class JobsParameter {
  private static final String STDIN = "-";

  @Parameters(
      paramLabel = "ID",
      arity = "0..*",
      description = {
        "Jobs: a UUID, 4 or more characters that only it begins with, name:NAME, @last,",
        "or - for such words from standard input, one a line."
      })
  private List<String> words = new ArrayList<>();

  @Option(
      names = {"-l", "--label"},
      paramLabel = "K=V",
      description = "The jobs with this label; with several, those with all of them.")
  private Map<String, String> labels = new LinkedHashMap<>();

  private final List<String> typed = new ArrayList<>();

  /** Whether the command line names none, by whatever means. */
  boolean isEmpty() {
    return words.isEmpty() && labels.isEmpty();
  }

  /** Whether the command line names one job, and no more whatever there is. */
  boolean isOne() {
    return words.size() == 1 && labels.isEmpty() && !words.getFirst().equals(STDIN);
  }

  /** What the command line names, each job once. */
  List<Found> find(Connection connection, Connector server) throws StatusException, IOException {
    if (isEmpty()) {
      throw JobResolver.nothingNamed();
    }
    // What looks like a number is taken for a word, and no id begins so.
    for (String word : words) {
      if (word.startsWith("-") && !word.equals(STDIN)) {
        throw new UsageException("unknown option " + Statuses.typed(word));
      }
    }
    JobResolver resolver = new JobResolver(connection, LastJob.of(server));
    List<Found> found = new ArrayList<>(resolver.all(typed()));
    if (!labels.isEmpty()) {
      for (Found job : resolver.labelled(labels)) {
        if (found.stream().noneMatch(one -> id(one).equals(id(job)))) {
          found.add(job);
        }
      }
    }
    return found;
  }

  private static String id(Found found) {
    return found instanceof Found.Job job ? job.id() : "";
  }

  /** Standard input is there once, however often a connection is made anew. */
  private List<String> typed() throws IOException {
    if (!typed.isEmpty()) {
      return typed;
    }
    for (String word : words) {
      if (word.equals(STDIN)) {
        typed.addAll(JobResolver.lines(new String(System.in.readAllBytes(), UTF_8)));
      } else {
        typed.add(word.strip());
      }
    }
    return typed;
  }
}
