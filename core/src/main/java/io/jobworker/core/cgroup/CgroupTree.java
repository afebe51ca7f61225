package io.jobworker.core.cgroup;

import io.jobworker.core.JobId;
import io.jobworker.core.linux.EventLoop;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The service's own part of the cgroup v2 tree: {@code ROOT/jobs/ID} for the jobs and {@code
 * ROOT/launchers} for their launchers. It is not below the server's own cgroup, because a restarted
 * server would find that one occupied (cgroups(7), "no internal processes"). Thread-safe.
 */
public final class CgroupTree {
  private static final Logger LOG = LoggerFactory.getLogger(CgroupTree.class);

  private final Optional<Path> root;
  private final String problem;
  private final EventLoop loop;

  private CgroupTree(Optional<Path> root, String problem, EventLoop loop) {
    this.root = root;
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
      return new CgroupTree(Optional.empty(), "no cgroup v2 file system is mounted", loop);
    }
    Path root = host.mount().get().resolve(rootName);
    try {
      Files.createDirectories(root.resolve("jobs"));
      Files.createDirectories(root.resolve("launchers"));
      if (!Files.isWritable(root.resolve("launchers/cgroup.procs"))) {
        return new CgroupTree(Optional.empty(), root + " may not be written to", loop);
      }
      return new CgroupTree(Optional.of(root), "", loop);
    } catch (IOException e) {
      return new CgroupTree(Optional.empty(), root + " cannot be made: " + e.getMessage(), loop);
    }
  }

  public boolean available() {
    return root.isPresent();
  }

  /** Why the tree is not available; empty if it is. */
  public String problem() {
    return problem;
  }

  /** Where launchers live, out of reach of whatever ends the server's own cgroup. */
  public Optional<Path> launchers() {
    return root.map(r -> r.resolve("launchers"));
  }

  /** A fresh cgroup for a job; empty if the tree is not available. */
  public Optional<JobCgroup> create(JobId id) throws IOException {
    if (root.isEmpty()) {
      return Optional.empty();
    }
    Path path = jobPath(root.get(), id);
    try {
      Files.createDirectory(path);
    } catch (FileAlreadyExistsException e) {
      throw new IOException("cgroup exists already: " + path, e);
    }
    return Optional.of(new JobCgroup(path, loop));
  }

  /** The cgroup that the job had before a restart, if it is still there. */
  public Optional<JobCgroup> find(JobId id) {
    return root.map(r -> jobPath(r, id))
        .filter(Files::isDirectory)
        .map(path -> new JobCgroup(path, loop));
  }

  /** The ids of all jobs that have a cgroup. */
  public List<JobId> all() {
    if (root.isEmpty()) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(root.get().resolve("jobs"))) {
      return entries
          .filter(Files::isDirectory)
          .flatMap(entry -> JobId.parse(String.valueOf(entry.getFileName())).stream())
          .toList();
    } catch (IOException e) {
      LOG.atWarn().addKeyValue("root", root.get()).setCause(e).log("cgroup.list_failed");
      return List.of();
    }
  }

  private static Path jobPath(Path root, JobId id) {
    return root.resolve("jobs").resolve(id.toString());
  }
}
