package io.jobworker.core;

import io.jobworker.base.linux.PrivateFiles;
import io.jobworker.core.job.JobException;
import io.jobworker.core.store.IdentityStore;
import io.jobworker.core.store.IdentityStore.Identity;
import io.jobworker.core.store.JobDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Properties;

/**
 * Tells whether the database and the directories of jobs belong together, before anything is done
 * to either: both have the same id, and a generation that each server makes larger, first in the
 * database and then beside the directories. That is all that is looked at, however many jobs there
 * are.
 *
 * @param identity of the database to which the directories belong
 * @param host of the server that took them last; empty if it has no name of its own
 */
record StateIdentity(Identity identity, String host) {
  private static final Path MACHINE_ID = Path.of("/etc/machine-id"); // machine-id(5)
  private static final String REMEDY =
      "; put right what is wrong, or serve once with --adopt, which takes up what the directories"
          + " of the jobs tell, or with --set-aside, which moves all of it away and ends what runs";

  /**
   * Opens the database that belongs to the directories, and takes both for this server. The caller
   * closes it.
   *
   * @throws JobException.StateRefused if they do not belong together and nothing is to be done
   *     about it, with what could be
   */
  static JobDatabase open(StateDirectory state, TakeOver takeOver, boolean durable)
      throws IOException {
    boolean adopt = takeOver == TakeOver.ADOPT;
    JobDatabase database = openWhole(state, adopt, durable);
    try {
      if (adopt && isForeign(state, database)) {
        database.close();
        state.setDatabaseAside();
        database = JobDatabase.open(state.database(), durable);
      }
      take(state, database, adopt);
      return database;
    } catch (IOException | RuntimeException e) {
      database.close();
      throw e;
    }
  }

  /** What a server would refuse that began now; leaves everything as it is. */
  static Optional<String> problemOf(StateDirectory state) {
    try {
      if (Files.notExists(state.database())) {
        return state.hasDirectories() || Files.exists(state.identity())
            ? Optional.of("the database of the jobs is missing" + REMEDY)
            : Optional.empty();
      }
      try (JobDatabase database = JobDatabase.openToRead(state.database())) {
        if (!database.isUpToDate()) {
          return Optional.empty(); // a server brings it up to date before it looks
        }
        IdentityStore store = new IdentityStore(database);
        // Which a server that begins meanwhile writes last.
        Optional<StateIdentity> beside = readIfThere(state, false);
        return problem(state, store.read(), beside, store).map(problem -> problem + REMEDY);
      }
    } catch (IOException | JobException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private static Optional<String> problem(
      StateDirectory state, Identity known, Optional<StateIdentity> beside, IdentityStore store)
      throws IOException {
    return beside.isPresent()
        ? beside.get().problem(known, store.isEmpty())
        : problemOfUnnamed(state, known, store);
  }

  private static JobDatabase openWhole(StateDirectory state, boolean adopt, boolean durable)
      throws IOException {
    try {
      return JobDatabase.open(state.database(), durable);
    } catch (JobDatabase.Damaged e) {
      if (!adopt) {
        throw new JobException.StateRefused(e.getMessage() + REMEDY);
      }
      state.setDatabaseAside();
      return JobDatabase.open(state.database(), durable);
    }
  }

  private static void take(StateDirectory state, JobDatabase database, boolean adopt)
      throws IOException {
    IdentityStore store = new IdentityStore(database);
    Identity known = store.read();
    Optional<StateIdentity> beside = readIfThere(state, adopt);
    if (!adopt) {
      Optional<String> problem = problem(state, known, beside, store);
      if (problem.isPresent()) {
        throw new JobException.StateRefused(state.path() + ": " + problem.get() + REMEDY);
      }
    }
    long before = beside.map(there -> there.identity().generation()).orElse(0L);
    long generation = Math.max(known.generation(), before) + 1;
    store.take(generation);
    new StateIdentity(new Identity(known.id(), generation), hostNow()).write(state);
  }

  /** Whether it is another database, with jobs of its own, than that of the directories. */
  private static boolean isForeign(StateDirectory state, JobDatabase database) throws IOException {
    IdentityStore store = new IdentityStore(database);
    String known = store.read().id();
    return !store.isEmpty()
        && readIfThere(state, true)
            .filter(beside -> !beside.identity().id().equals(known))
            .isPresent();
  }

  private Optional<String> problem(Identity known, boolean isEmpty) {
    if (!known.id().equals(identity.id())) {
      return Optional.of(
          known.generation() == 0 && isEmpty
              ? "the database of the jobs is missing, or was emptied"
              : "the database of the jobs is that of another state directory");
    }
    if (known.generation() < identity.generation()) {
      return Optional.of("the database of the jobs is older than their directories");
    }
    String here = hostNow();
    if (!host.isEmpty() && !here.isEmpty() && !host.equals(here)) {
      return Optional.of("it was last used on another host");
    }
    return Optional.empty();
  }

  /** An earlier version gave it no identity. Or nobody did, if it is new. */
  private static Optional<String> problemOfUnnamed(
      StateDirectory state, Identity known, IdentityStore store) throws IOException {
    return known.generation() == 0 && store.isEmpty() && state.hasDirectories()
        ? Optional.of("the database of the jobs knows none of those that have directories")
        : Optional.empty();
  }

  /** Empty if the directories have none or, for whoever adopts them, one that says nothing. */
  private static Optional<StateIdentity> readIfThere(StateDirectory state, boolean adopt)
      throws IOException {
    Properties values = new Properties();
    try (var reader = Files.newBufferedReader(state.identity())) {
      values.load(reader);
      return Optional.of(
          new StateIdentity(
              new Identity(required(values, "id"), Long.parseLong(required(values, "generation"))),
              values.getProperty("host", "")));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      if (adopt) {
        return Optional.empty();
      }
      throw new JobException.StateRefused(state.identity() + " cannot be understood" + REMEDY);
    }
  }

  private static String required(Properties values, String key) {
    String value = values.getProperty(key);
    if (value == null) {
      throw new IllegalArgumentException("no " + key);
    }
    return value;
  }

  private void write(StateDirectory state) throws IOException {
    Path fresh = state.identity().resolveSibling("identity.tmp");
    Files.deleteIfExists(fresh);
    Files.createFile(fresh, PrivateFiles.FILE);
    Files.writeString(
        fresh,
        "id=%s%ngeneration=%d%nhost=%s%n".formatted(identity.id(), identity.generation(), host),
        StandardOpenOption.WRITE,
        StandardOpenOption.SYNC);
    Files.move(fresh, state.identity(), StandardCopyOption.ATOMIC_MOVE);
  }

  private static String hostNow() {
    try {
      return Files.readString(MACHINE_ID).strip();
    } catch (IOException e) {
      return "";
    }
  }
}
