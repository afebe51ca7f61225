package io.jobworker.server.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether a few files have changed, for whoever looks now and then: by their size, time and inode
 * (inode(7)), through symbolic links. That also works on file systems that tell nobody of changes,
 * and takes none of the 128 inotify instances that a user has.
 *
 * <p>Files are written in steps. So a change is told when two looks have seen the same, or after
 * {@link #MOST_LOOKS} that have not. What is written later has another time: two looks are further
 * apart than a file system's clock ticks.
 *
 * <p>Not thread-safe.
 */
public final class FileChanges {
  private static final int MOST_LOOKS = 4;

  private final List<Path> files;
  private List<Optional<Stamp>> told;
  private List<Optional<Stamp>> seen;
  private int looks; // that have found something new, since a change was told

  /** What a file was at one look. */
  private record Stamp(long size, FileTime modified, @Nullable Object inode) {}

  /** Those of {@code files}, of which any may be missing, from now on. */
  public FileChanges(Collection<Path> files) {
    this.files = List.copyOf(files);
    told = stamps();
    seen = told;
  }

  /** Looks; answers whether there was a change that was not told before. */
  public boolean look() {
    List<Optional<Stamp>> before = seen;
    seen = stamps();
    if (seen.equals(told)) {
      looks = 0;
      return false;
    }
    if (!seen.equals(before) && ++looks < MOST_LOOKS) {
      return false;
    }
    looks = 0;
    told = seen;
    return true;
  }

  private List<Optional<Stamp>> stamps() {
    return files.stream().map(FileChanges::stamp).toList();
  }

  /** Empty while the file is missing or cannot be looked at. */
  private static Optional<Stamp> stamp(Path file) {
    try {
      BasicFileAttributes is = Files.readAttributes(file, BasicFileAttributes.class);
      return Optional.of(new Stamp(is.size(), is.lastModifiedTime(), is.fileKey()));
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
