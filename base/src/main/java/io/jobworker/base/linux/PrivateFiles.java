package io.jobworker.base.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Collections;
import java.util.Set;

/** The modes that everything of the service is created with, and what is nobody else's. */
public final class PrivateFiles {
  /** 0600. */
  public static final FileAttribute<Set<PosixFilePermission>> FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  /** 0700. */
  public static final FileAttribute<Set<PosixFilePermission>> DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  /** What lets others put something in. */
  public static final Set<PosixFilePermission> OTHERS_WRITE =
      Set.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

  private PrivateFiles() {}

  /** Whether nobody but this process's user, or root, can put anything into that directory. */
  public static boolean isOwn(Path directory) throws IOException {
    PosixFileAttributes attributes =
        Files.readAttributes(directory, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    return attributes.isDirectory()
        && Collections.disjoint(attributes.permissions(), OTHERS_WRITE)
        && isOurs(attributes);
  }

  /** Whether it belongs to this process's user or to root. */
  public static boolean isOurs(PosixFileAttributes attributes) throws IOException {
    UserPrincipal owner = attributes.owner();
    return owner.equals(self()) || owner.getName().equals("root");
  }

  /** This process's user. */
  public static UserPrincipal self() throws IOException {
    return Files.readAttributes(Path.of("/proc/self"), PosixFileAttributes.class).owner();
  }
}
