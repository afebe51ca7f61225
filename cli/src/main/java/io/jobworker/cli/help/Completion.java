package io.jobworker.cli.help;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * A script that has a shell complete our words. What is known when it is made is in it; what the
 * server knows, jobs and their labels, it asks for with the verb {@code complete-jobs}, and waits
 * no longer than nobody notices: what comes later is there the next time.
 */
public enum Completion {
  BASH,
  ZSH,
  FISH;

  /** The verb that writes what the server knows to a file. */
  public static final String JOBS_VERB = "complete-jobs";

  /**
   * Waits for an answer for a fifth of a second, and takes one that is no older than a minute. For
   * bash and zsh alike.
   */
  private static final String LIVE =
      """
      _job_worker_live() { # KIND WORD-0 WORDS-OF-THE-CONNECTION...
          local kind=$1 program=$2 dir=${XDG_CACHE_HOME:-$HOME/.cache}/job-worker tries=0
          shift 2
          local key=${JOB_WORKER_CONFIG-}+${JOB_WORKER_CONTEXT-}+${JOB_WORKER_ADDRESS-}+$*
          local file=$dir/complete-$(printf '%s' "$key" | cksum | tr ' ' -)
          (umask 077; mkdir -p "$dir" && : >"$file.asked") 2>/dev/null || return 0
          ("$program" "$@" complete-jobs "$file" </dev/null >/dev/null 2>&1 &)
          while [ "$tries" -lt 6 ] && ! [ "$file" -nt "$file.asked" ]; do
              sleep 0.02
              tries=$((tries + 1))
          done
          [ -n "$(find "$file" -mmin -1 2>/dev/null)" ] || return 0
          sed -n "s/^$kind\\t//p" "$file"
      }
      _job_worker_contexts() {
          local file=${JOB_WORKER_CONFIG:-$HOME/.config/job-worker/config.toml}
          sed -n 's/^\\[contexts\\.\\([^]]*\\)\\]$/\\1/p' "$file" 2>/dev/null
      }
      """;

  /** The options by which another server answers, or as somebody else's. */
  private static final List<String> CONNECTION =
      List.of("--config", "--context", "--address", "--server-name", "--ca", "--cert", "--key");

  /** The script for a program. */
  public String script(CommandSpec program) {
    return switch (this) {
      case BASH -> bash(program);
      case ZSH -> zsh(program);
      case FISH -> fish(program);
    };
  }

  // --- what there is to say of the words, for all shells

  private static boolean isProgram(CommandSpec command) {
    return command.parent() == null;
  }

  private static List<CommandSpec> verbs(CommandSpec program) {
    return program.subcommands().values().stream()
        .map(verb -> verb.getCommandSpec())
        .filter(verb -> !verb.usageMessage().hidden())
        .distinct()
        .toList();
  }

  /**
   * Where words may stand.
   *
   * @param words each way to get there; empty behind the program's own name
   */
  private record Place(List<String> words, CommandSpec command) {
    /** As a pattern of the shells. */
    private String pattern() {
      return words.stream().map(way -> "'" + way + "'").collect(Collectors.joining("|"));
    }
  }

  /** All of them, the program's own last. */
  private static List<Place> places(CommandSpec program) {
    List<Place> all = new ArrayList<>();
    for (CommandSpec verb : verbs(program)) {
      all.add(new Place(List.copyOf(verb.names()), verb));
      for (CommandSpec below : verbs(verb)) {
        all.add(new Place(ways(verb, below), below));
      }
    }
    all.add(new Place(List.of(""), program));
    return all;
  }

  private static List<String> ways(CommandSpec verb, CommandSpec below) {
    return verb.names().stream()
        .flatMap(name -> below.names().stream().map(next -> name + " " + next))
        .toList();
  }

  private static List<OptionSpec> options(CommandSpec command) {
    return command.options().stream().filter(option -> !option.hidden()).toList();
  }

  private static boolean takesValue(OptionSpec option) {
    return option.arity().max() > 0;
  }

  /** What kind of word an option's value is: words themselves, or how to find them. */
  private static String kind(OptionSpec option) {
    if (option.completionCandidates() != null) {
      return StreamSupport.stream(option.completionCandidates().spliterator(), false)
          .map(word -> word.toLowerCase(Locale.ROOT).replace('_', '-'))
          .collect(Collectors.joining(" ", "=", ""));
    }
    return switch (option.longestName()) {
      case "--signal" -> "=HUP INT QUIT KILL USR1 USR2 PIPE TERM WINCH";
      case "--status" -> "=running stopping exited failed stopped lost";
      case "--label" -> "label";
      case "--context" -> "context";
      default ->
          switch (option.paramLabel()) {
            case "FILE", "DIR" -> "file";
            default -> "";
          };
    };
  }

  private static String kind(CommandSpec verb) {
    if (!verb.subcommands().isEmpty()) {
      return "=" + String.join(" ", verb.subcommands().keySet());
    }
    for (PositionalParamSpec parameter : verb.positionalParameters()) {
      switch (parameter.paramLabel()) {
        case "ID" -> {
          return "job";
        }
        case "VERB" -> {
          return "verb";
        }
        case "CONTEXT" -> {
          return "context";
        }
        case "PROGRAM", "COMMAND" -> {
          return "program";
        }
        default -> {
          List<String> words = new ArrayList<>();
          if (parameter.completionCandidates() != null) {
            parameter.completionCandidates().forEach(words::add);
            return "=" + String.join(" ", words).toLowerCase(Locale.ROOT);
          }
        }
      }
    }
    return "";
  }

  private static String description(CommandSpec verb) {
    return plain(String.join(" ", verb.usageMessage().description()));
  }

  private static String description(OptionSpec option) {
    return plain(String.join(" ", option.description()));
  }

  /** For scripts: no quotes, nothing that a shell expands. */
  private static String plain(String text) {
    return text.replaceAll("[^A-Za-z0-9 .,:;_~()/+=-]", "");
  }

  // --- the two shells that are nearly one

  /** The kind of word that is wanted, by what stands before it. */
  private static String table(CommandSpec program) {
    StringBuilder text = new StringBuilder();
    text.append("_job_worker_kind() { # VERB OPTION: the kind of the option's value\n");
    text.append("    case \"$1 $2\" in\n");
    for (Place place : places(program)) {
      for (OptionSpec option : options(place.command())) {
        if (takesValue(option)) {
          String patterns =
              Stream.of(option.names())
                  .flatMap(name ->
                      isProgram(place.command())
                          ? Stream.of("*' " + name + "'")
                          : place.words().stream().map(way -> "'" + way + " " + name + "'"))
                  .collect(Collectors.joining("|"));
          String kind = kind(option);
          text.append("    %s) echo '%s' ;;%n".formatted(patterns, kind.isEmpty() ? "any" : kind));
        }
      }
    }
    text.append("    esac\n}\n");
    text.append("_job_worker_words() { # VERB: the kind of its words; fails if there is none\n");
    text.append("    case \"$1\" in\n");
    for (Place place : places(program)) {
      String kind = isProgram(place.command()) ? "verb" : kind(place.command());
      text.append("    %s) echo '%s' ;;%n".formatted(place.pattern(), kind));
    }
    text.append("    *) return 1 ;;\n    esac\n}\n");
    text.append("_job_worker_options() { # VERB: its options, with what they do\n");
    text.append("    case \"$1\" in\n");
    for (Place place : places(program)) {
      text.append("    %s) cat <<'END'%n".formatted(place.pattern()));
      for (OptionSpec option : options(place.command())) {
        text.append("%s\t%s%n".formatted(option.longestName(), description(option)));
      }
      text.append("END\n        ;;\n");
    }
    text.append("    esac\n}\n");
    text.append("_job_worker_verbs() {\n    cat <<'END'\n");
    for (CommandSpec verb : verbs(program)) {
      text.append("%s\t%s%n".formatted(verb.name(), description(verb)));
    }
    text.append("END\n}\n");
    return text.toString();
  }

  private static List<CommandSpec> withProgram(CommandSpec program) {
    List<CommandSpec> all = new ArrayList<>(verbs(program));
    all.add(program);
    return all;
  }

  /** Finds out what is wanted, and offers it, a candidate a line with what it is behind a tab. */
  private static final String OFFER =
      """
      _job_worker_offer() { # WORD-0 CURRENT WORDS-BEFORE...: candidates, or 'files'
          local program=$1 current=$2 verb= option= before= word kind line
          local connection=()
          shift 2
          for word; do
              if [ -n "$option" ]; then
                  case $word in "~/"*) word=$HOME/${word#"~/"} ;; esac
                  case $option:$word in
                  *[\\'\\"\\$\\`\\\\]*) ;; # which only the shell itself understands
                  VALUED_CONNECTION) connection+=("$option" "$word") ;;
                  esac
                  option=
              elif [ -n "$(_job_worker_kind "$verb" "$word")" ]; then
                  option=$word
              elif [ "${word#-}" != "$word" ]; then
                  case ${word%%=*} in CONNECTION) connection+=("$word") ;; esac
              elif [ -z "$verb" ]; then
                  verb=$word
              elif [ "$(_job_worker_words "$verb")" = program ]; then
                  echo files
                  return
              elif _job_worker_words "$verb $word" >/dev/null; then
                  verb="$verb $word"
              fi
          done
          case $current in
          -*=*)
              before=${current%%=*}=
              option=${current%%=*}
              current=${current#*=} ;;
          esac
          if [ -n "$option" ]; then
              kind=$(_job_worker_kind "$verb" "$option")
          elif [ "${current#-}" != "$current" ]; then
              _job_worker_options "$verb"
              return
          else
              kind=$(_job_worker_words "$verb")
          fi
          case $program in "~/"*) program=$HOME/${program#"~/"} ;; esac
          case $kind:$current in
          job:n*) kind=name ;;
          program:*|file:*)
              echo files
              return ;;
          esac
          case $kind in
          "="*) printf '%s\\n' "${kind#=}" | tr ' ' '\\n' ;;
          verb) _job_worker_verbs ;;
          job|name|label) _job_worker_live "$kind" "$program" "${connection[@]}" ;;
          context) _job_worker_contexts ;;
          esac | while IFS= read -r line; do printf '%s\\n' "$before$line"; done
      }
      """
          .replace("VALUED_CONNECTION", String.join(":*|", CONNECTION) + ":*")
          .replace("CONNECTION", String.join("|", CONNECTION));

  private static String bash(CommandSpec program) {
    return "# Has bash complete the words of job-worker: . <(job-worker completion bash)\n"
        + LIVE
        + table(program)
        + OFFER
        + """
        _job_worker_typed() { # sets words: those up to the cursor, as they are without COMP_WORDBREAKS
            local i line=$COMP_LINE word last=
            words=()
            for ((i = 0; i <= COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                case $line in [[:space:]]*|'') last= ;; esac
                line=${line#"${line%%[![:space:]]*}"}
                line=${line#"$word"}
                case $last:$word in
                ?*:[=:]*|*[=:]:*) words[${#words[@]}-1]+=$word ;;
                *) words+=("$word") ;;
                esac
                last=${words[${#words[@]}-1]}
            done
        }
        _job_worker() {
            local IFS=$'\\n' line current breaks= strip= mark
            local offered=() words
            _job_worker_typed
            current=${words[${#words[@]}-1]}
            for mark in = :; do
                case $COMP_WORDBREAKS in *"$mark"*) breaks+=$mark ;; esac
            done
            if [ -n "$breaks" ]; then # what readline takes for the word begins behind these
                strip=${current%"${current##*[$breaks]}"}
            fi
            while read -r line; do
                case $line in
                files) offered+=("$line") ;;
                "$current"*) offered+=("${line#"$strip"}") ;;
                esac
            done < <(_job_worker_offer "${words[0]}" "$current" "${words[@]:1:${#words[@]}-2}")
            COMPREPLY=()
            if [ "${offered[0]-}" = files ]; then
                compopt -o default 2>/dev/null
                return
            fi
            case ${#offered[@]} in
            0) ;;
            1) COMPREPLY=("${offered[0]%%$'\\t'*}") ;;
            *) for line in "${offered[@]}"; do # what they are is shown, and not inserted
                   case $line in
                   *$'\\t'?*) COMPREPLY+=("${line%%$'\\t'*}  (${line#*$'\\t'})") ;;
                   *) COMPREPLY+=("${line%%$'\\t'*}") ;;
                   esac
               done ;;
            esac
        }
        complete -F _job_worker job-worker
        """;
  }

  private static String zsh(CommandSpec program) {
    return "#compdef job-worker\n"
        + "# Has zsh complete the words of job-worker: source <(job-worker completion zsh)\n"
        + LIVE
        + table(program)
        + OFFER
        + """
        _job_worker() {
            local line
            local -a offered
            while read -r line; do
                case $line in
                *$'\\t'*) offered+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}") ;;
                *) offered+=("${line//:/\\\\:}") ;;
                esac
            done < <(_job_worker_offer "$words[1]" "$words[CURRENT]" "${(@)words[2,CURRENT-1]}")
            if [ "${offered[1]%%:*}" = files ]; then
                [[ $words[CURRENT] = -*=* ]] && compset -P '*='
                _files
            else
                _describe job-worker offered
            fi
        }
        [ "$funcstack[1]" = _job_worker ] && _job_worker "$@" || compdef _job_worker job-worker
        """;
  }

  private static final String FISH_FILES = " -F";
  private static final String OURS = "__job_worker_ours";

  private static String fish(CommandSpec program) {
    StringBuilder text = new StringBuilder();
    text.append(
        "# Has fish complete the words of job-worker: job-worker completion fish | source\n");
    text.append(
        """
        function __job_worker_live
            set -l kind $argv[1]
            string match -q "job:n*" -- "$kind:"(commandline -ct); and set kind name
            set -l connection
            set -l option
            for word in (commandline -opc)[2..]
                if test -n "$option"
                    set -a connection $option (string replace -r '^~/' "$HOME/" -- $word)
                    set option
                else if contains -- $word CONNECTION
                    set option $word
                else if contains -- (string replace -r '=.*' '' -- $word) CONNECTION
                    set -a connection $word
                end
            end
            set -l dir ~/.cache/job-worker
            set -q XDG_CACHE_HOME; and set dir $XDG_CACHE_HOME/job-worker
            set -l key "$JOB_WORKER_CONFIG+$JOB_WORKER_CONTEXT+$JOB_WORKER_ADDRESS+$connection"
            set -l file $dir/complete-(printf '%s' $key | cksum | tr ' ' -)
            mkdir -p -m 700 $dir; and touch $file.asked; or return
            job-worker $connection complete-jobs $file </dev/null >/dev/null 2>&1 &
            for try in (seq 6)
                test $file -nt $file.asked; and break
                sleep 0.02
            end
            test -n "$(find $file -mmin -1 2>/dev/null)"; and sed -n "s/^$kind\\t//p" $file
        end
        function __job_worker_contexts
            set -l file ~/.config/job-worker/config.toml
            set -q JOB_WORKER_CONFIG; and set file $JOB_WORKER_CONFIG
            sed -n 's/^\\[contexts\\.\\([^]]*\\)\\]$/\\1/p' $file 2>/dev/null
        end
        function OURS # not once the words of a job's program have begun
            set -l verb
            set -l skip
            for word in (commandline -opc)[2..]
                if test -n "$skip"
                    set skip
                else if contains -- $word VALUED
                    set skip yes
                else if test "$word" = --
                    return 1
                else if string match -q -- '-*' $word
                    continue
                else if test -n "$verb"
                    return 1
                else if contains -- $word PROGRAMS
                    set verb $word
                else
                    return 0
                end
            end
        end
        complete -c job-worker -f
        """
            .replace("OURS", OURS)
            .replace("CONNECTION", String.join(" ", CONNECTION))
            .replace("VALUED", String.join(" ", valued(program)))
            .replace("PROGRAMS", String.join(" ", programVerbs(program))));
    String all =
        verbs(program).stream()
            .flatMap(verb -> verb.names().stream())
            .collect(Collectors.joining(" "));
    for (CommandSpec verb : verbs(program)) {
      text.append(
          "complete -c job-worker -n 'not __fish_seen_subcommand_from %s' -a %s -d '%s'%n"
              .formatted(all, verb.name(), description(verb)));
    }
    for (CommandSpec command : withProgram(program)) {
      boolean ofProgram = kind(command).equals("program");
      String verb = fishSeen(command);
      String words = isProgram(command) ? "" : fishWords(kind(command), all);
      if (!command.subcommands().isEmpty() && !isProgram(command)) {
        for (CommandSpec below : verbs(command)) {
          String further = fishWords(kind(below), all);
          if (!further.isEmpty()) {
            text.append(
                "complete -c job-worker -n '%s; and %s'%s%n"
                    .formatted(verb, fishSeen(below), further));
          }
        }
      }
      if (!words.isEmpty()) {
        String further = String.join(" ", command.subcommands().keySet());
        String here =
            further.isEmpty() ? verb : verb + "; and not __fish_seen_subcommand_from " + further;
        text.append("complete -c job-worker -n '%s'%s%n".formatted(here, words));
      }
      String where = isProgram(command) ? OURS : ofProgram ? verb + "; and " + OURS : verb;
      for (OptionSpec option : options(command)) {
        if (!isProgram(command) && option.inherited()) {
          continue;
        }
        text.append("complete -c job-worker -n '%s'".formatted(where));
        for (String name : option.names()) {
          text.append(
              name.startsWith("--") ? " -l " + name.substring(2) : " -s " + name.substring(1));
        }
        if (takesValue(option)) {
          String values = fishWords(kind(option), all);
          text.append(values.equals(FISH_FILES) ? " -r" : " -x").append(values);
        }
        text.append(" -d '%s'%n".formatted(description(option)));
      }
    }
    return text.toString();
  }

  private static String fishSeen(CommandSpec verb) {
    return "__fish_seen_subcommand_from " + String.join(" ", verb.names());
  }

  /** The verbs after whose first word everything belongs to a program. */
  private static List<String> programVerbs(CommandSpec program) {
    return verbs(program).stream()
        .filter(verb -> kind(verb).equals("program"))
        .flatMap(verb -> verb.names().stream())
        .toList();
  }

  /** What is followed by a value, of all that may stand before a program. */
  private static List<String> valued(CommandSpec program) {
    return withProgram(program).stream()
        .filter(command -> isProgram(command) || kind(command).equals("program"))
        .flatMap(command -> options(command).stream())
        .filter(Completion::takesValue)
        .flatMap(option -> Stream.of(option.names()))
        .distinct()
        .toList();
  }

  private static String fishWords(String kind, String verbs) {
    return switch (kind) {
      case "job", "label" -> " -a '(__job_worker_live " + kind + ")'";
      case "context" -> " -a '(__job_worker_contexts)'";
      case "verb" -> " -a '" + verbs + "'";
      case "file", "program" -> FISH_FILES;
      case "" -> "";
      default -> " -a '" + kind.substring(1) + "'";
    };
  }
}
