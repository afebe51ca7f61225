package io.jobworker.core.cgroup;

import io.jobworker.base.linux.EventLoop;
import io.jobworker.base.words.OsString;
import io.jobworker.core.cgroup.LimitFiles.DeviceLimit;
import io.jobworker.core.cgroup.LimitFiles.Setting;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.Limits;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The service's own part of the cgroup v2 tree: a slot {@code ROOT/jobs/NAME} for each job, with
 * two leaves: {@code job} for the job itself, and {@code monitor} for its launcher. Memory,
 * processes and CPU quota are bounded in the leaf, so that a limit means what was asked for; disk
 * I/O in the slot, so that the output that the launcher writes is charged to its job. It is not
 * below the server's own cgroup, because a restarted server would find that one occupied
 * (cgroups(7), "no internal processes"). Thread-safe.
 */
public final class CgroupTree {
  private static final String REMOVAL = "removal";
  private static final String LOW_WEIGHT = "10"; // of 100, which others have
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Optional<Path> mount;
  private final Optional<Path> root;
  private final Set<String> controllers;
  private final String problem;
  private final EventLoop loop;

  private CgroupTree(
      Optional<Path> mount,
      Optional<Path> root,
      Set<String> controllers,
      String problem,
      EventLoop loop) {
    this.mount = mount;
    this.root = root;
    this.controllers = controllers;
    this.problem = problem;
    this.loop = loop;
  }

  /**
   * Makes the service's directories below the host's cgroup v2 mount. A host without one, or where
   * we may not write to it, gives a tree that is not {@link #available}.
   */
  public static CgroupTree open(String rootName, EventLoop loop) {
    CgroupHost host = CgroupHost.inspect();
    if (host.mount().isEmpty()) {
      return unavailable("no cgroup v2 file system is mounted", loop);
    }
    Path root = host.mount().get().resolve(rootName);
    try {
      Files.createDirectories(root.resolve("jobs"));
      if (!Files.isWritable(root.resolve("jobs/cgroup.procs"))) {
        return unavailable(root + " may not be written to", loop);
      }
      // Jobs may read the tree, but not learn of one another from it: names cannot be guessed.
      Files.setPosixFilePermissions(
          root.resolve("jobs"), PosixFilePermissions.fromString("rwx--x--x"));
      enableControllers(host.mount().get());
      enableControllers(root);
      makeRemoval(root);
      Set<String> enabled = enableControllers(root.resolve("jobs"));
      return new CgroupTree(host.mount(), Optional.of(root), enabled, "", loop);
    } catch (IOException e) {
      return unavailable(root + " cannot be made: " + e.getMessage(), loop);
    }
  }

  private static CgroupTree unavailable(String problem, EventLoop loop) {
    return new CgroupTree(Optional.empty(), Optional.empty(), Set.of(), problem, loop);
  }

  /** Hands the controllers down one level; answers which of them the level below has afterwards. */
  private static Set<String> enableControllers(Path directory) throws IOException {
    Path file = directory.resolve("cgroup.subtree_control");
    for (Controller controller : Controller.values()) {
      try {
        Files.writeString(file, "+" + controller); // one by one: the kernel takes all or nothing
      } catch (IOException e) {
        // Not available here. That matters to jobs that ask for it, and they are told.
      }
    }
    String enabled = Files.readString(file).strip();
    return enabled.isEmpty() ? Set.of() : Set.of(enabled.split(" "));
  }

  /** The controllers that jobs can be limited by. */
  public Set<String> controllers() {
    return controllers;
  }

  /** Of these limits those that jobs can have here. */
  public Limits enforceable(Limits limits) {
    return LimitFiles.enforceable(limits, controllers);
  }

  /**
   * Where the tree is mounted that this is a part of.
   *
   * @throws java.util.NoSuchElementException if it is not {@link #available}
   */
  public Path mount() {
    return mount.orElseThrow();
  }

  public boolean available() {
    return root.isPresent();
  }

  /** Why the tree is not available; empty if it is. */
  public String problem() {
    return problem;
  }

  /** Where what jobs have left is removed, after everything else. */
  public Optional<Path> removal() {
    return root.map(r -> r.resolve(REMOVAL)).filter(Files::isDirectory);
  }

  /**
   * Keeps jobs that are on this process's network from binding ports, in place of those that were
   * kept from them before, and also when this process is gone.
   *
   * @param launcher its binary
   * @return why that cannot be done
   */
  public Optional<String> reserve(Set<Integer> ports, Path launcher) {
    return root.isEmpty()
        ? Optional.of(problem)
        : ReservedPorts.reserve(root.get().resolve("jobs"), ports, launcher);
  }

  /** Why that could not be done. */
  public Optional<String> problemToReserve(Path launcher) {
    return root.isEmpty() ? Optional.of(problem) : ReservedPorts.problem(root.get(), launcher);
  }

  private static void makeRemoval(Path root) {
    Path removal = root.resolve(REMOVAL);
    try {
      Files.createDirectories(removal);
    } catch (IOException e) {
      return; // then it is bounded by nothing but its number
    }
    for (String file : List.of("cpu.weight", "io.weight")) {
      try {
        Files.writeString(removal.resolve(file), LOW_WEIGHT);
      } catch (IOException e) {
        // no such controller here
      }
    }
  }

  /** A name for a slot that has none yet, and that nobody can guess. */
  public static String newSlot() {
    byte[] name = new byte[16];
    RANDOM.nextBytes(name);
    return HexFormat.of().formatHex(name);
  }

  /**
   * Makes the slot {@code name} with its two leaves and all limits set and read back; empty if the
   * tree is not available. A limit that cannot be set fails the whole and leaves nothing.
   *
   * @param paths what I/O limits are for
   * @param extraPids processes in the cgroup that are not counted against the job's own limit
   * @param launcherCpu what the launcher may use, in thousandths of a CPU
   */
  public Optional<JobCgroup> create(
      String name, Limits limits, JobPaths paths, int extraPids, int launcherCpu)
      throws IOException {
    List<Setting> settings = LimitFiles.of(limits, devices(limits, paths), extraPids);
    for (Setting setting : settings) {
      if (!controllers.contains(setting.controller())) {
        throw new JobException.CannotEnforce(
            setting.file(),
            "the cgroup v2 controller '"
                + setting.controller()
                + "' is not available (see job-worker-server check)");
      }
    }
    if (root.isEmpty()) {
      return Optional.empty();
    }
    Path path = slot(root.get(), name);
    try {
      Files.createDirectory(path);
    } catch (FileAlreadyExistsException e) {
      throw new IOException("cgroup exists already: " + path, e);
    }
    boolean done = false;
    try {
      JobCgroup cgroup = JobCgroup.create(path, inLeaves(), loop);
      if (controllers.contains(Controller.MEMORY.toString())) {
        cgroup.set(LimitFiles.oomGroup());
      }
      if (controllers.contains(Controller.CPU.toString())) {
        cgroup.set(LimitFiles.launcherCpu(launcherCpu));
      }
      for (Setting setting : settings) {
        cgroup.set(setting);
      }
      done = true;
      return Optional.of(cgroup);
    } finally {
      if (!done) {
        new JobCgroup(path, loop).removeEmpty();
      }
    }
  }

  /** What is counted and bounded in the leaves; {@code io} is in the slot, for both together. */
  private List<String> inLeaves() {
    return Controller.inLeaves().stream()
        .map(Controller::toString)
        .filter(controllers::contains)
        .toList();
  }

  /** One entry a disk: the kernel keeps one line for each, and the stricter of two limits holds. */
  private static List<DeviceLimit> devices(Limits limits, JobPaths paths) {
    Map<String, Limits.IoLimit> byDevice = new TreeMap<>();
    for (Limits.IoLimit limit : limits.io()) {
      try {
        byDevice.merge(paths.disk(limit), limit, CgroupTree::stricter);
      } catch (BlockDevice.NotFound e) {
        throw new JobException.CannotEnforce(
            "io.max", "no disk stands behind " + shown(paths.of(limit)) + ": " + e.getMessage());
      } catch (AccessDeniedException e) {
        throw new JobException.CannotEnforce(
            "io.max",
            shown(paths.of(limit))
                + " cannot be looked at by the user that jobs run as here; name the disk by its"
                + " device or by where it is mounted");
      } catch (IOException e) {
        throw new JobException.CannotEnforce(
            "io.max", "no disk stands behind " + shown(paths.of(limit)));
      }
    }
    return byDevice.entrySet().stream()
        .map(entry -> new DeviceLimit(entry.getKey(), entry.getValue()))
        .toList();
  }

  private static String shown(Path path) {
    return OsString.escaped(OsString.of(path));
  }

  private static Limits.IoLimit stricter(Limits.IoLimit a, Limits.IoLimit b) {
    return new Limits.IoLimit(
        a.path(),
        lower(a.readBps(), b.readBps()),
        lower(a.writeBps(), b.writeBps()),
        lower(a.readIops(), b.readIops()),
        lower(a.writeIops(), b.writeIops()));
  }

  /** 0 is no limit. */
  private static long lower(long a, long b) {
    return a == 0 ? b : b == 0 ? a : Math.min(a, b);
  }

  private Optional<JobCgroup> find(String name) {
    return root.filter(_ -> !name.isEmpty())
        .map(r -> slot(r, name))
        .filter(Files::isDirectory)
        .map(path -> new JobCgroup(path, loop));
  }

  /** The slot of that name or, as version 1 called it, by the job's id; if it is still there. */
  public Optional<JobCgroup> find(String name, JobId job) {
    return find(name).or(() -> find(job.toString()));
  }

  private static Path slot(Path root, String name) {
    return root.resolve("jobs").resolve(name);
  }
}
