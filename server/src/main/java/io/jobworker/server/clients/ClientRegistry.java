package io.jobworker.server.clients;

import io.jobworker.base.sqlite.Database;
import io.jobworker.base.sqlite.Database.Binder;
import io.jobworker.server.quota.Quotas;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The internal database of clients. It may be changed by another process at any time; every look-up
 * sees the newest state. Each change is written down beside it, for whoever keeps the audit to
 * fetch. Thread-safe.
 */
public final class ClientRegistry implements AutoCloseable {
  private static final List<String> MIGRATIONS =
      List.of(
          """
          CREATE TABLE client (
            name TEXT PRIMARY KEY,
            cn TEXT NOT NULL UNIQUE,
            role TEXT NOT NULL CHECK (role IN ('user', 'viewer', 'admin')),
            disabled INTEGER NOT NULL DEFAULT 0,
            created_at_ms INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID;
          """,
          """
          ALTER TABLE client ADD COLUMN run_as TEXT;
          ALTER TABLE client ADD COLUMN uid INTEGER;
          CREATE UNIQUE INDEX client_by_uid ON client (uid) WHERE uid IS NOT NULL;
          """,
          """
          ALTER TABLE client ADD COLUMN quotas TEXT NOT NULL DEFAULT '';
          CREATE TABLE client_change (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at_ms INTEGER NOT NULL,
            what TEXT NOT NULL,
            client TEXT NOT NULL,
            cn TEXT NOT NULL,
            detail TEXT NOT NULL,
            actor TEXT NOT NULL
          ) STRICT;
          """);

  private static final String INSERT =
      "INSERT INTO client (created_at_ms, role, run_as, cn, name) VALUES (?, ?, ?, ?, ?)";

  private final Database database;
  private final Clock clock;

  /** The clients that were looked up since the last change, by CN. Only while no other uses it. */
  private final Map<String, Client> known = new HashMap<>();

  private long knownAt; // likewise

  private ClientRegistry(Database database, Clock clock) {
    this.database = database;
    this.clock = clock;
  }

  /** Opens the database, made if it is missing. The caller closes it. */
  public static ClientRegistry open(Path file, Clock clock) {
    try {
      return new ClientRegistry(Database.open(file, MIGRATIONS, false), clock);
    } catch (SQLException e) {
      throw new RegistryException("cannot open the client database " + file, e);
    }
  }

  /**
   * Registers a client.
   *
   * @return empty if the name or the CN is taken
   */
  public Optional<Client> add(String name, String cn, Role role, Optional<String> runAs) {
    Client client =
        new Client(
            name,
            cn,
            role,
            false,
            Instant.ofEpochMilli(clock.instant().toEpochMilli()),
            runAs,
            Quotas.NONE);
    String detail = "role=" + role + runAs.map(user -> " run-as=" + user).orElse("");
    return change(
            "added",
            name,
            detail,
            INSERT,
            client.createdAt().toEpochMilli(),
            role.toString(),
            runAs.orElse(null),
            cn,
            name)
        ? Optional.of(client)
        : Optional.empty();
  }

  /** Answers whether there is such a client. */
  public boolean setDisabled(String name, boolean disabled) {
    return change(
        disabled ? "disabled" : "enabled",
        name,
        "",
        "UPDATE client SET disabled = ? WHERE name = ?",
        disabled,
        name);
  }

  /** Gives the client quotas of its own; answers whether there is such a client. */
  public boolean setQuotas(String name, Quotas quotas) {
    return change(
        "changed",
        name,
        quotas.toString(),
        "UPDATE client SET quotas = ? WHERE name = ?",
        quotas.toString(),
        name);
  }

  /** Takes back an {@link #add}. */
  public void remove(String name) {
    change("removed", name, "", "DELETE FROM client WHERE name = ?", name);
  }

  /**
   * Does one change of one client and writes it down, both or none of them.
   *
   * @return whether something was changed
   */
  private boolean change(
      String what, String name, String detail, String sql, @Nullable Object... values) {
    try {
      return database.exclusively(() -> {
        known.clear(); // the version tells of others' changes only
        return database.inTransaction(() -> {
          Optional<String> before = cnOf(name);
          if (database.update(sql, values(values)) != 1) {
            return false;
          }
          database.update(
              "INSERT INTO client_change (at_ms, what, client, cn, detail, actor)"
                  + " VALUES (?, ?, ?, ?, ?, ?)",
              values(
                  clock.instant().toEpochMilli(),
                  what,
                  name,
                  cnOf(name).or(() -> before).orElse(""),
                  detail,
                  actor()));
          return true;
        });
      });
    } catch (SQLException e) {
      if (Database.isRefused(e)) {
        return false;
      }
      throw new RegistryException("cannot change the client database", e);
    }
  }

  private static Binder values(@Nullable Object... values) {
    return statement -> {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
    };
  }

  private Optional<String> cnOf(String name) throws SQLException {
    return database
        .rows("SELECT cn FROM client WHERE name = ?", values(name), row -> row.getString(1))
        .stream()
        .findFirst();
  }

  /** Who runs this program; under sudo(8), who ran that. */
  private static String actor() {
    String sudo = System.getenv("SUDO_USER");
    return sudo == null ? System.getProperty("user.name", "") : sudo;
  }

  /**
   * Hands over the changes that were made since the last time, in their order. What {@code heard}
   * does not return from normally is handed over again.
   */
  public void takeChanges(Consumer<ClientChange> heard) {
    for (Map.Entry<Long, ClientChange> change : changes()) {
      heard.accept(change.getValue());
      try {
        database.update("DELETE FROM client_change WHERE id = ?", values(change.getKey()));
      } catch (SQLException e) {
        throw new RegistryException("cannot change the client database", e);
      }
    }
  }

  private List<Map.Entry<Long, ClientChange>> changes() {
    return read(() ->
        database.rows(
            "SELECT id, at_ms, what, client, cn, detail, actor FROM client_change ORDER BY id",
            Binder.NONE,
            row ->
                Map.entry(
                    row.getLong(1),
                    new ClientChange(
                        Instant.ofEpochMilli(row.getLong(2)),
                        row.getString(3),
                        row.getString(4),
                        row.getString(5),
                        row.getString(6),
                        row.getString(7)))));
  }

  private <T> T read(Database.Work<T> work) {
    try {
      return database.exclusively(work);
    } catch (SQLException e) {
      throw new RegistryException("cannot read the client database", e);
    }
  }

  /**
   * The user id of the client's own, out of the range {@code first} to {@code last}; given at the
   * first call and the same ever after. No other client has it or had it.
   *
   * @return empty if the range is used up
   */
  public OptionalInt uidOf(String name, int first, int last) {
    try {
      return database.exclusively(() -> {
        database.update(
            "UPDATE client SET uid = (SELECT max(coalesce(max(uid), 0) + 1, ?) FROM client)"
                + " WHERE name = ? AND uid IS NULL"
                + " AND (SELECT coalesce(max(uid), 0) FROM client) < ?",
            values(first, name, last));
        return database
            .rows(
                "SELECT uid FROM client WHERE name = ? AND uid IS NOT NULL",
                values(name),
                row -> row.getInt(1))
            .stream()
            .mapToInt(Integer::intValue)
            .findFirst();
      });
    } catch (SQLException e) {
      throw new RegistryException("cannot give the client a user id", e);
    }
  }

  /** Every call asks this; as long as nothing has changed, it is answered from memory. */
  public Optional<Client> findByCn(String cn) {
    return read(() -> {
      forgetIfChanged();
      Client client = known.get(cn);
      if (client != null) {
        return Optional.of(client);
      }
      Optional<Client> found = select("WHERE cn = ?", cn).stream().findFirst();
      found.ifPresent(one -> known.put(cn, one));
      return found;
    });
  }

  private void forgetIfChanged() throws SQLException {
    long now = database.version();
    if (now != knownAt) {
      knownAt = now;
      known.clear();
    }
  }

  /** A number that is another one after another process has changed the database. */
  public long version() {
    return read(database::version);
  }

  public Optional<Client> find(String name) {
    return read(() -> select("WHERE name = ?", name)).stream().findFirst();
  }

  /** All clients, by name. */
  public List<Client> list() {
    return read(() -> select("ORDER BY name"));
  }

  private List<Client> select(String condition, Object... values) throws SQLException {
    return database.rows(
        "SELECT name, cn, role, disabled, created_at_ms, run_as, quotas FROM client " + condition,
        values(values),
        row ->
            new Client(
                row.getString(1),
                row.getString(2),
                Role.valueOf(row.getString(3).toUpperCase(Locale.ROOT)),
                row.getBoolean(4),
                Instant.ofEpochMilli(row.getLong(5)),
                Optional.ofNullable(row.getString(6)),
                Quotas.parse(row.getString(7))));
  }

  @Override
  public void close() {
    try {
      database.close();
    } catch (SQLException e) {
      throw new RegistryException("cannot close the client database", e);
    }
  }

  /** The database cannot be used. */
  public static final class RegistryException extends RuntimeException {
    RegistryException(String message, SQLException cause) {
      super(message + ": " + cause.getMessage(), cause);
    }
  }
}
